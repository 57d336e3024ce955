"""Print a completion script for your shell, as in: eval "$(ansible-reap completion bash)"."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator

from ansible_reap.cli.catalogue import ArgumentKind, Option, Subcommand, commands
from ansible_reap.cli.command_line import Parser

_BASH = """\
_ansible_reap() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" at="" each i words="" files=no
    # "--format=json" arrives as three words.
    if [ "$word" = "=" ]; then word=""; elif [ "$before" = "=" ]; then before="${{COMP_WORDS[COMP_CWORD-2]}}"; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        each="${{COMP_WORDS[i]}}"
        case "$at $each" in
            {paths}) at="$at $each" ;;
        esac
    done
    COMPREPLY=()
    case "$at $before" in
{values}
        *) case "$at" in
{words}
        esac ;;
    esac
    if [ "$files" = list ]; then
        local kept=""
        case "$word" in *,*) kept="${{word%,*}}," ;; esac
        COMPREPLY=($(compgen -P "$kept" -W "$words" -- "${{word##*,}}"))
    elif [ -n "$words" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    fi
    if [ "$files" = folders ]; then
        COMPREPLY=($(compgen -d -- "$word"))
    elif [ "$files" = yes ] && [ -z "$COMPREPLY" ]; then
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _ansible_reap ansible-reap
"""

_ZSH = """\
#compdef ansible-reap
{functions}
if [ "$funcstack[1]" = "_ansible_reap" ]; then
    _ansible_reap "$@"
else
    (( $+functions[compdef] )) || {{ autoload -U compinit && compinit }}
    compdef _ansible_reap ansible-reap
fi
"""


def add_arguments(parser: Parser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=tuple(_SCRIPTS), help=", ".join(_SCRIPTS))


def run(args: argparse.Namespace) -> int:
    print(_SCRIPTS[args.shell](commands()), end="")
    return 0


# ---- bash


def _bash(known: Iterable[Subcommand]) -> str:
    everything = [each for command in known for each in command.with_children()]
    tops = [each.words[0] for each in everything if len(each.words) == 1]
    values = []
    words = [f'            "") words="{" ".join((*tops, "--help", "--version"))}" ;;']
    for command in everything:
        at = _path(command)
        for option in command.options:
            if option.kind is not ArgumentKind.NOTHING:
                patterns = "|".join(f'"{at} {flag}"' for flag in option.flags)
                values.append(f"        {patterns}) {_bash_values(option)} ;;")
        offered = [child.words[-1] for child in command.children]
        offered += [value for argument in command.arguments for value in argument.values]
        offered += [flag for option in command.options for flag in option.flags if flag.startswith("--")]
        takes_files = any(argument.kind is ArgumentKind.FILE for argument in command.arguments)
        words.append(f'            "{at}") words="{" ".join(offered)}"{" files=yes" if takes_files else ""} ;;')
    paths = "|".join(f'"{_path(command)}"' for command in everything)
    return _BASH.format(paths=paths, values="\n".join(values), words="\n".join(words))


def _path(command: Subcommand) -> str:
    """As the script collects it: a blank before each word."""
    return "".join(f" {word}" for word in command.words)


def _bash_values(option: Option) -> str:
    if option.kind is ArgumentKind.LIST:
        return f'words="{" ".join(option.values)}" files=list'
    if option.kind is ArgumentKind.WORDS:
        return f'words="{" ".join(option.values)}"'
    return {ArgumentKind.FILE: "files=yes", ArgumentKind.FOLDER: "files=folders"}.get(option.kind, ":")


# ---- zsh


def _zsh(known: Iterable[Subcommand]) -> str:
    tops = list(known)
    functions = [_zsh_function("_ansible_reap", tops, [], [])]
    for command in (each for top in tops for each in top.with_children()):
        name = "_ansible_reap_" + "_".join(command.words).replace("-", "_")
        functions.append(_zsh_function(name, list(command.children), command.options, command.arguments))
    return _ZSH.format(functions="\n".join(functions))


def _zsh_function(name: str, children: list[Subcommand], options: Iterable[Option], arguments: Iterable[Option]) -> str:
    specs = [_zsh_spec(option) for option in options]
    if name == "_ansible_reap":
        specs += ["'(- *)--help[show the help]'", "'(- *)--version[show the version]'"]
    if children:
        specs += ["'1: :->command'", "'*:: :->rest'"]
    specs += [f"'*:{argument.metavar}:{_zsh_action(argument)}'" for argument in arguments]
    lines = [f"{name}() {{", "    local state context line", "    typeset -A opt_args"]
    lines += ["    _arguments " + " ".join((*(["-C"] if children else []), *(["-S"]), *specs))]
    if children:
        described = " ".join(_zsh_quoted(f"{child.words[-1]}:{child.summary}") for child in children)
        lines += [
            "    case $state in",
            f"        command) local -a found; found=({described}); _describe command found ;;",
            f"        rest) (( $+functions[{name}_${{line[1]//-/_}}] )) && {name}_${{line[1]//-/_}} ;;",
            "    esac",
        ]
    return "\n".join((*lines, "}"))


def _zsh_spec(option: Option) -> str:
    text = option.help.replace("\\", "").replace("[", "(").replace("]", ")").replace(":", "").replace("'", "")
    flags = option.flags if len(option.flags) == 1 else (f"{{{','.join(option.flags)}}}",)
    if option.kind is ArgumentKind.NOTHING:
        return f"'{flags[0]}[{text}]'" if len(option.flags) == 1 else f"{flags[0]}'[{text}]'"
    equals = "=" if option.flags[-1].startswith("--") else ""
    return f"'{option.flags[-1]}{equals}[{text}]:{option.metavar.replace(':', '')}:{_zsh_action(option)}'"


def _zsh_action(option: Option) -> str:
    words = " ".join(value.replace("[", "\\[").replace("]", "\\]") for value in option.values)
    if option.kind is ArgumentKind.LIST:
        return f"{{_sequence compadd - {words}}}"
    if option.kind is ArgumentKind.WORDS:
        return f"{{compadd - {words}}}"
    return {ArgumentKind.FILE: "_files", ArgumentKind.FOLDER: "_files -/"}.get(option.kind, " ")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# ---- fish


def _fish(known: Iterable[Subcommand]) -> str:
    lines = ["complete -c ansible-reap -f"]
    for top in known:
        lines.append(f"complete -c ansible-reap -n __fish_use_subcommand -a {top.words[0]} -d {_quoted(top.summary)}")
        for command in top.with_children():
            lines += _fish_lines(command)
    return "\n".join(lines) + "\n"


def _fish_lines(command: Subcommand) -> Iterator[str]:
    seen = " && ".join(f"__fish_seen_subcommand_from {word}" for word in command.words)
    start = f"complete -c ansible-reap -n {_quoted(seen)}"
    names = " ".join(child.words[-1] for child in command.children)
    for child in command.children:
        alone = _quoted(f"{seen} && not __fish_seen_subcommand_from {names}")
        yield f"complete -c ansible-reap -n {alone} -a {child.words[-1]} -d {_quoted(child.summary)}"
    for argument in command.arguments:
        if argument.values:
            yield f"{start} -a {_quoted(' '.join(argument.values))}"
        elif argument.kind is ArgumentKind.FILE:
            yield f"{start} -F"
    for option in command.options:
        flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
        yield f"{start} {flags}{_fish_values(option)} -d {_quoted(option.help)}"


def _fish_values(option: Option) -> str:
    if option.kind is ArgumentKind.LIST:
        listed = "(__fish_complete_list , \"printf '%s\\n' " + " ".join(option.values) + '")'
        return f" -x -a {_quoted(listed)}"
    if option.kind is ArgumentKind.WORDS:
        return f" -x -a {_quoted(' '.join(option.values))}"
    if option.kind is ArgumentKind.FOLDER:
        return " -x -a '(__fish_complete_directories)'"
    return {ArgumentKind.FILE: " -r -F", ArgumentKind.TEXT: " -x"}.get(option.kind, "")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS: dict[str, Callable[[Iterable[Subcommand]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
