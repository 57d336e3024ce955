"""Print a completion script for your shell, as in: eval "$(ansible-reap completion bash)"."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module

from ansible_reap.cli.parser import Parser, UsageError
from ansible_reap.wording import did_you_mean

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
_ansible_reap() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" command="${{COMP_WORDS[1]}}" words=""
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands} --help --version"
    else
        case "$command" in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    [ -n "$COMPREPLY" ] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _ansible_reap ansible-reap
"""


def add_arguments(parser: Parser) -> None:
    parser.add_argument("shell", metavar="SHELL", help=" or ".join(SHELLS))


def run(args: argparse.Namespace) -> int:
    if args.shell not in SHELLS:
        raise UsageError(f"unknown shell '{args.shell}'{did_you_mean(args.shell, SHELLS)}; known: {', '.join(SHELLS)}")
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](), end="")
    return 0


def _bash() -> str:
    cases = "\n".join(f'            {name}) words="{" ".join(words)}" ;;' for name, words in _words().items())
    return _BASH.format(commands=" ".join(_commands()), cases=cases)


def _zsh() -> str:
    """zsh understands bash's completions."""
    return "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n" + _bash()


def _fish() -> str:
    lines = []
    for name, summary in _commands().items():
        lines.append(f"complete -c ansible-reap -n __fish_use_subcommand -f -a {name} -d {_quoted(summary)}")
    for name, words in _words().items():
        seen = f"'__fish_seen_subcommand_from {name}'"
        for word in words:
            what = f"-l {word.removeprefix('--')}" if word.startswith("--") else f"-f -a {word}"
            lines.append(f"complete -c ansible-reap -n {seen} {what}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _commands() -> dict[str, str]:
    from ansible_reap.cli import COMMANDS  # noqa: PLC0415 - the table names this module

    return {name: summary for name, (_, summary) in COMMANDS.items()}


def _words() -> dict[str, list[str]]:
    """What may follow each command: its options, its own subcommands with theirs, the rules for ``explain``."""
    from ansible_reap import pages  # noqa: PLC0415
    from ansible_reap.cli import COMMANDS  # noqa: PLC0415 - the table names this module

    words = {}
    for name, (module, _) in COMMANDS.items():
        parser = Parser(prog=f"ansible-reap {name}")
        import_module(module).add_arguments(parser)
        words[name] = list(dict.fromkeys(_of(parser)))
    words["explain"] += list(pages.available())
    words["completion"] += SHELLS
    return words


def _of(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        yield from (option for option in action.option_strings if option.startswith("--"))
        yield from (str(choice) for choice in action.choices or () if action.nargs != 0)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for child in action.choices.values():
                yield from _of(child)
