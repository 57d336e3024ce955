"""An argument parser whose errors name the nearest option, and that never ends the process by itself."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from ansible_reap.late_patterns import expression
from ansible_reap.wording import did_you_mean


class UsageError(Exception):
    """A wrong command line or setting; the message is one line, the exit status 2."""


class Formatter(argparse.HelpFormatter):
    """Help in 80 columns at most, with the options' texts closer to the left than argparse would put them."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=22, width=80)


class Parser(argparse.ArgumentParser):
    """One subcommand's parser. Options are never abbreviated: what works today must not break with a new option."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", Formatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._refuse_what_is_joined(args or ())
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown, args or ())
        return parsed

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{_told(message)} (see '{self.prog} --help')")

    def _refuse_what_is_joined(self, args: Sequence[str]) -> None:
        """Refuse an option and what belongs behind it in one argument: argparse takes that for a file's name."""
        known = _options(self, args)
        for word in takewhile(lambda word: word != "--", args):
            option, space, rest = word.partition(" ")
            if space and option in known:
                written = f"write '{option}={rest.strip()}', or " if known[option] and rest.strip() else ""
                raise UsageError(
                    f"'{word}' is one argument with a space in it: {written}give each word as an argument of its own"
                )

    def _refuse(self, unknown: Sequence[str], args: Sequence[str]) -> NoReturn:
        option = next((word for word in unknown if word.startswith("-")), unknown[0])
        name = option.partition("=")[0]
        kind = "option" if name.startswith("-") else "argument"
        known = _options(self, args)
        raise UsageError(f"unknown {kind} '{name}'{did_you_mean(name, known)} (see '{self.prog} --help')")


def _options(parser: argparse.ArgumentParser, args: Sequence[str]) -> dict[str, bool]:
    """The long options of the parser and of those of its own subcommands that the arguments name.

    Each with whether it takes a value.
    """
    found: dict[str, bool] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        found |= {option: action.nargs != 0 for option in action.option_strings if option.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, child in action.choices.items():
                if name in args:
                    found |= _options(child, args)
    return found


_INVALID_CHOICE = expression(r"argument (?P<what>.+?): invalid choice: (?P<word>.+?) \(choose from (?P<known>.*)\)")


def _told(message: str) -> str:
    """argparse's sentence about a wrong choice in our words: the nearest choice, or all of them where none is near."""
    match = _INVALID_CHOICE.fullmatch(message)
    if match is None:
        return message
    word = match["word"].strip("'\"")
    known = [choice.strip(" '\"") for choice in match["known"].split(",")]
    near = did_you_mean(word, known) or f"; use one of: {', '.join(known)}"
    what = match["what"].rpartition("/")[2]
    return f"{what}: unknown value '{word}'{near}" if what.startswith("-") else f"unknown {what.lower()} '{word}'{near}"
