"""Print the page of a rule: what is wrong, why, the wrong and the right code, its options."""

from __future__ import annotations

import argparse

from ansible_reap import pages
from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.wording import did_you_mean


def add_arguments(parser: Parser) -> None:
    parser.add_argument("rule", metavar="RULE", nargs="?", help="rule or full tag, as in async-unreaped[never]")


def run(args: argparse.Namespace) -> int:
    known = pages.available()
    if args.rule is None:
        for rule, page in known.items():
            print(f"{rule:<18} {_summary(page.read_text(encoding='utf-8'))}")
        return 0
    rule = args.rule.partition("[")[0]
    if rule not in known:
        raise UsageError(f"unknown rule '{rule}'{did_you_mean(rule, known)}")
    print(known[rule].read_text(encoding="utf-8").rstrip())
    return 0


def _summary(page: str) -> str:
    """The page's first sentences, on one line: what stands between its title and the first section."""
    return " ".join(page.partition("\n## ")[0].partition("\n")[2].split())
