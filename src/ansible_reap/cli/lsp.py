"""Serve an editor: findings as you type, quick fixes, rule pages on hover. The editor starts it.

Speaks the Language Server Protocol on standard input and output. Needs the
extra "lsp": pip install "ansible-reap[lsp]".
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from ansible_reap.cli.command_line import Parser, UsageError


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--stdio", action="store_true", help="the way that is used in any case; some editors say so")


def run(args: argparse.Namespace) -> int:
    del args
    if find_spec("pygls") is None or find_spec("pygls.lsp") is None:
        raise UsageError("""pygls 2 is not here: pip install "ansible-reap[lsp]" into this environment""")
    from ansible_reap.lsp.server import Server  # noqa: PLC0415 - nobody else needs pygls

    Server().run()
    return 0
