"""The command line, one subcommand a module."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``ansible-reap``; the return value is the exit status."""
    raise NotImplementedError(argv)
