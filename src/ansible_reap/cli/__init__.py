"""The command line, one subcommand a module.

A subcommand's module has a docstring that its ``--help`` shows, ``add_arguments(parser)`` and ``run(args) -> int``,
which returns the exit status. It is imported only when it is called, so that ``check`` starts fast.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import ansible_reap

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("ansible_reap.cli.check", "find async jobs that nobody reaps"),
    "explain": ("ansible_reap.cli.explain", "print a rule's page"),
    "report": ("ansible_reap.cli.report", "read a run's report; as a page with --html"),
    "history": ("ansible_reap.cli.history", "measured run times: show, share, forget"),
    "jobs": ("ansible_reap.cli.jobs", "list the jobs that earlier runs left outstanding"),
    "demo": ("ansible_reap.cli.demo", "see on a small project what it does"),
    "doctor": ("ansible_reap.cli.doctor", "say what is active here, and what is off"),
    "lsp": ("ansible_reap.cli.lsp", "serve an editor: findings as you type"),
    "man": ("ansible_reap.cli.man", "print the manual page"),
    "completion": ("ansible_reap.cli.completion", "print a completion script for bash, zsh or fish"),
}
"""Name -> (module, summary). The order is that of the help."""

OVERVIEW = """\
usage: ansible-reap COMMAND [OPTION ...] [ARGUMENT ...]

Finds fire-and-forget Ansible (async with poll: 0) that nobody reaps.

commands:
{commands}

options:
  -h, --help   show this help; 'ansible-reap COMMAND --help' says the rest
  --version    show the version

exit status: 0 nothing found, 1 findings, 2 an error"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``ansible-reap`` with these arguments (default: the process's own); the return value is the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except BrokenPipeError:  # the reader of a pipe has gone (`| head`): not our error
        _drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except PermissionError as error:  # a project that the user may not read, for instance: nothing of ours is wrong
        print(f"ansible-reap: {_refused(error)}", file=sys.stderr)
        return 2
    except OSError as error:
        is_of_output = error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT)
        what = f"cannot write the output: {error.strerror}" if is_of_output else _own_error(error)
        print(f"ansible-reap: {what}", file=sys.stderr)
        if is_of_output:
            _drop_output()
        return 2
    except Exception as error:  # noqa: BLE001 - a traceback tells a user nothing, and its status 1 would mean findings
        print(f"ansible-reap: {_own_error(error)}", file=sys.stderr)
        return 2


def run() -> NoReturn:
    """The program ``ansible-reap``: :func:`main`, then the end of the process.

    After a check nothing is taken down object by object: the kernel does that at once, Python needs up to a fifth of
    the whole time for it. Other commands end as usual.
    """
    status = main()
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except BrokenPipeError:
        _drop_output()
        status = 0
    except OSError as error:
        os.write(2, f"ansible-reap: cannot write the output: {error.strerror}\n".encode())
        _drop_output()
        status = 2
    if sys.argv[1:2] == ["check"]:
        os._exit(status)
    sys.exit(status)


def _drop_output() -> None:
    """Nothing is to be flushed at exit into what takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused(error: PermissionError) -> str:
    """One line for what the system does not let this user read or write."""
    from ansible_reap.printable import one_line  # noqa: PLC0415 - only an error needs it

    return one_line(f"{error.filename or 'what it needs'}: {error.strerror or error}")


def _own_error(error: Exception) -> str:
    """One line for an error that nobody foresaw: what it is and where it rose."""
    from ansible_reap.printable import one_line  # noqa: PLC0415 - only an error needs it

    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" in {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where is not None else ""
    return one_line(f"an error of our own, please report it: {type(error).__name__}{place}: {str(error)[:200]}")


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else None
    if name in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if name == "--version":
        print(f"ansible-reap {ansible_reap.__version__}")
        return 0
    if name is None or name not in COMMANDS:
        return _complain(name)
    return run_command(name, arguments[1:])


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Run one subcommand; a wrong command line or setting is one line on standard error and exit status 2."""
    from ansible_reap.cli.command_line import Parser, UsageError  # noqa: PLC0415 - the overview needs no argparse

    ambiguous = _option_and_file(arguments)
    if ambiguous is not None:
        from ansible_reap.printable import one_line  # noqa: PLC0415 - only an error needs it

        message = f"'{ambiguous}' is an option, and there is a file of that name: put '--' or './' before a file's name"
        print(one_line(f"ansible-reap {name}: {message}"), file=sys.stderr)
        return 2
    module = import_module(COMMANDS[name][0])
    parser = Parser(prog=f"ansible-reap {name}", description=(module.__doc__ or "").strip())
    module.add_arguments(parser)
    try:
        return int(module.run(parser.parse_args(arguments)))
    except UsageError as error:
        from ansible_reap.printable import one_line  # noqa: PLC0415 - only an error needs it

        print(one_line(f"ansible-reap {name}: {error}"), file=sys.stderr)
        return 2
    except SystemExit as end:  # argparse ends --help so
        return int(end.code or 0)


def _option_and_file(arguments: Sequence[str]) -> str | None:
    """The first option that a file's name may stand behind: whoever sends a pull request chooses names of files."""
    options = itertools.takewhile(lambda word: word != "--", arguments)
    return next((word for word in options if word.startswith("-") and len(word) > 1 and os.path.lexists(word)), None)


def help_text() -> str:
    """The help of ``ansible-reap`` itself; fits a screen of 24 lines of 80 characters."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return OVERVIEW.format(commands="\n".join(lines))


def _complain(name: str | None) -> int:
    if name is None:
        print(help_text(), file=sys.stderr)
        return 2
    from ansible_reap.wording import did_you_mean  # noqa: PLC0415 - only an error needs it

    kind = "option" if name.startswith("-") else "command"
    known = [*COMMANDS, "--help", "--version"]
    message = f"unknown {kind} '{name}'{did_you_mean(name, known)} (see 'ansible-reap --help')"
    print(f"ansible-reap: {message}", file=sys.stderr)
    return 2
