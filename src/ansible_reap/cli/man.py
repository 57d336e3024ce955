"""Print the manual page, as in: ansible-reap man > ~/.local/share/man/man1/ansible-reap.1."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import ansible_reap
from ansible_reap.cli.catalogue import Option, Subcommand, commands
from ansible_reap.cli.command_line import Parser

_FILES = {
    ".ansible-reap.yml": "the project's configuration; .config/ansible-reap.yml is the same",
    ".ansible-reap/history.json": "measured run times that the project has committed",
    ".ansible-reap-ignore": "jobs that the callback knows of and does not fail for",
    ".ansible-lint": "ansible-lint's configuration, which check follows where it says what is left out",
    ".ansible-lint-ignore": "findings that are known, by file and tag",
}
_ENVIRONMENT = {
    "NO_COLOR": "no colour, unless --color says otherwise",
    "FORCE_COLOR": "colour even where no terminal is",
    "FORCE_HYPERLINK": "1: rule names are links; 0: they are not",
    "ASYNC_REAPER_*": "the callback's options, as in ansible-doc -t callback reap.jobs.async_reaper",
}


def add_arguments(parser: Parser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    print("\n".join(_lines()))
    return 0


def _lines() -> Iterator[str]:
    yield f'.TH ANSIBLE-REAP 1 "" "ansible-reap {ansible_reap.__version__}" "User Commands"'
    yield ".SH NAME"
    yield r"ansible\-reap \- finds asynchronous Ansible jobs that nobody waits for"
    yield ".SH SYNOPSIS"
    yield r".B ansible\-reap"
    yield r".I COMMAND"
    yield r"[\fIOPTION\fR ...] [\fIARGUMENT\fR ...]"
    yield ".SH DESCRIPTION"
    yield _text(
        "async with poll: 0 starts a job and lets the play go on. When no task comes back for the job, it can fail "
        "behind a green play. The command finds such tasks without running anything, and reads what the callback "
        "reap.jobs.async_reaper writes down of runs."
    )
    for command in commands():
        yield f".SH {_text(command.words[0].upper())}"
        yield from _command(command)
    yield ".SH EXIT STATUS"
    yield from _terms({"0": "nothing was found", "1": "there are findings", "2": "an error: one line says which"})
    yield ".SH ENVIRONMENT"
    yield from _terms(_ENVIRONMENT)
    yield ".SH FILES"
    yield from _terms(_FILES)
    yield ".SH SEE ALSO"
    yield r".BR ansible\-playbook (1),"
    yield r".BR ansible\-lint (1)"
    yield ".PP"
    yield _text(ansible_reap.DOCS_URL)


def _command(command: Subcommand) -> Iterator[str]:
    words = " ".join(("ansible-reap", *command.words))
    arguments = " ".join(argument.metavar for argument in command.arguments)
    yield f".B {_text(words)}"
    if command.options:
        yield r"[\fIOPTION\fR ...]"
    if arguments:
        yield f".I {_text(arguments)}"
    for paragraph in re.split(r"\n\s*\n", command.description or command.summary):
        yield ".PP"
        yield _text(paragraph)
    for option in (*command.arguments, *command.options):
        yield from _option(option)
    for child in command.children:
        yield f".SS {_text(' '.join(child.words))}"
        yield from _command(child)


def _option(option: Option) -> Iterator[str]:
    flags = r", ".join(rf"\fB{_text(flag)}\fR" for flag in option.flags)
    metavar = rf"\fI{_text(option.metavar)}\fR" if option.metavar else ""
    yield ".TP"
    yield " ".join(filter(None, (flags, metavar)))
    yield _text(option.help) or r"\&"


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, meaning in terms.items():
        yield ".TP"
        yield rf"\fB{_text(term)}\fR"
        yield _text(meaning)


def _text(text: str) -> str:
    """One paragraph as roff reads it back: no requests, backslashes and hyphens as themselves."""
    plain = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain
