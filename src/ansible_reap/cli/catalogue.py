"""The commands as data, read off their parsers: completions and the manual page are made of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from enum import Enum
from importlib import import_module

from ansible_reap.cli.command_line import Parser
from ansible_reap.records import dataclass


class ArgumentKind(Enum):
    """What may follow an option, or stand as an argument."""

    NOTHING = "nothing"
    TEXT = "text"
    WORDS = "words"
    """One of ``values``."""
    LIST = "list"
    """Some of ``values``, with commas between them."""
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Option:
    """An option, or an argument where ``flags`` is empty."""

    flags: tuple[str, ...]
    metavar: str
    help: str
    kind: ArgumentKind
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A command, or a sub-command of one: ``words`` are what is typed behind the program's name."""

    words: tuple[str, ...]
    summary: str
    description: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]
    children: tuple[Subcommand, ...] = ()

    def with_children(self) -> Iterator[Subcommand]:
        """This one and all below it, in the order of the help."""
        yield self
        for child in self.children:
            yield from child.with_children()


def commands() -> tuple[Subcommand, ...]:
    """Every command, in the order of the help."""
    from ansible_reap.cli import COMMANDS  # noqa: PLC0415 - the table names the modules that use this one

    found = []
    for name, (module, summary) in COMMANDS.items():
        loaded = import_module(module)
        parser = Parser(prog=f"ansible-reap {name}", description=(loaded.__doc__ or "").strip())
        loaded.add_arguments(parser)
        found.append(_command((name,), summary, parser))
    return tuple(found)


def _command(words: tuple[str, ...], summary: str, parser: argparse.ArgumentParser) -> Subcommand:
    options: list[Option] = []
    arguments: list[Option] = []
    children: list[Subcommand] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            children += [
                _command((*words, name), summaries.get(name, ""), child) for name, child in action.choices.items()
            ]
        else:
            (options if action.option_strings else arguments).append(_option(words, action))
    return Subcommand(words, summary, parser.description or "", tuple(options), tuple(arguments), tuple(children))


_FOLDERS = ("DIR",)
_FILES = ("FILE", "PATH", "RUN.json", "PATH|URL")


def _option(words: tuple[str, ...], action: argparse.Action) -> Option:
    metavar = str(action.metavar or action.dest.upper())
    text = action.help or ""
    flags = tuple(action.option_strings)
    if action.nargs == 0:
        return Option(flags, "", text, ArgumentKind.NOTHING)
    names = _names(words, action)
    if names:
        return Option(flags, metavar, text, ArgumentKind.LIST if flags else ArgumentKind.WORDS, names)
    if action.choices is not None:
        values = tuple(map(str, action.choices))
        shown = f"{{{','.join(values)}}}" if action.metavar is None else metavar
        return Option(flags, shown, text, ArgumentKind.WORDS, values)
    if metavar in _FOLDERS:
        return Option(flags, metavar, text, ArgumentKind.FOLDER)
    return Option(flags, metavar, text, ArgumentKind.FILE if metavar in _FILES else ArgumentKind.TEXT)


def _names(words: tuple[str, ...], action: argparse.Action) -> tuple[str, ...]:
    """The rules and tags, where such names are meant."""
    if action.metavar == "RULE,..":
        from ansible_reap.checks.registry import RULES  # noqa: PLC0415 - only completions ask
        from ansible_reap.linting.selection import known_names  # noqa: PLC0415

        return tuple(known_names(RULES))
    if words == ("explain",) and action.dest == "rule":
        from ansible_reap import pages  # noqa: PLC0415 - only completions ask

        return tuple(pages.available())
    return ()
