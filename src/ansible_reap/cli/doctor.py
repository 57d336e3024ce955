"""Say what is and is not active here, prove it, and say how to mend what is off.

Looks at the ansible-lint and the ansible-playbook on PATH, with the settings
that are in effect in the working folder. Each must find a job that nobody reaps
in a small bad example. Exit status 1 when something is off.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import ansible_reap
from ansible_reap import installation
from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.doctor import callback, enabling, precommit, rules
from ansible_reap.doctor.diagnosis import Diagnosis, Health, off
from ansible_reap.doctor.programs import ProbeError
from ansible_reap.linting.problems import ConfigError
from ansible_reap.printable import one_line

PARTS: dict[str, Callable[[], list[Diagnosis]]] = {
    "rules": rules.examine,
    "callback": callback.examine,
    "pre-commit": precommit.examine,
}


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--skip", metavar="PART", action="append", default=[], choices=[*PARTS], help=f"{_either()}")
    parser.add_argument("--fix", action="store_true", help="enable our rules where a profile in .ansible-lint does not")
    parser.add_argument("--quiet", action="store_true", help="print only what is off")


def _either() -> str:
    return f"leave out a part that you do not use: {', '.join(PARTS)}"


def run(args: argparse.Namespace) -> int:
    if not args.quiet:
        print(f"ansible-reap {ansible_reap.__version__} in {installation.PACKAGE}")
    if args.fix:
        _fix()
    something_off = False
    for part, examine in PARTS.items():
        if part in args.skip:
            continue
        observations = _examined(examine)
        something_off = something_off or any(observation.state is Health.OFF for observation in observations)
        _print(part, (seen for seen in observations if not args.quiet or seen.state is Health.OFF))
    return 1 if something_off else 0


def _fix() -> None:
    try:
        done = enabling.enable(Path.cwd())
    except ConfigError as error:
        raise UsageError(f"--fix: {error}") from error
    except OSError as error:
        raise UsageError(f"--fix: cannot write '{error.filename}': {error.strerror}") from error
    print(one_line(done or "--fix: nothing here that it can mend"))


def _examined(examine: Callable[[], list[Diagnosis]]) -> list[Diagnosis]:
    try:
        return examine()
    except ProbeError as error:
        return [off(str(error), "run it by hand to see more")]


def _print(part: str, observations: Iterable[Diagnosis]) -> None:
    for observation in observations:
        print(f"{part:<10}  {observation.state.value:<3}  {one_line(observation.text)}")
        if observation.remedy:
            print(f"{'':<15}  -> {one_line(observation.remedy)}")
