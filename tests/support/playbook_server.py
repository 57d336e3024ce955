"""Runs playbooks in forks of one process that has Ansible loaded already: for tests that need hundreds of runs.

Started with the Python of an environment that holds ansible-core. Each line on standard input is a request as JSON,
with ``args`` of ansible-playbook, ``folder``, ``env``, ``output`` (a file), ``seconds``, ``faults`` and ``trace``; each
answer is the exit status on a line. Ansible reads its own settings as it is imported, so those are the same for all
requests of a server.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any


def main() -> None:
    from ansible.cli.playbook import PlaybookCLI  # noqa: PLC0415 - it takes long, and reads the settings

    for name in ("runtime.entry", "runtime.output.finish", "runtime.actions.wait", "runtime.actions.collect"):
        importlib.import_module(f"ansible_reap.{name}")
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _serve(PlaybookCLI, request)
        print(_status(child), flush=True)


def _status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _serve(cli: Any, request: dict[str, Any]) -> None:
    signal.alarm(int(request["seconds"]))
    status = 250
    try:
        os.setsid()
        output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.chdir(request["folder"])
        os.environ.update(request["env"])
        for fault in request.get("faults", ()):
            put_in(**fault)
        if request.get("trace"):
            trace(request["trace"])
        context: Any = importlib.import_module("ansible.context")
        context.CLIARGS = type(context.CLIARGS)({})
        status = cli(["ansible-playbook", *request["args"]]).run() or 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - as Ansible's own command line does
        status = getattr(error, "_exit_code", None) or getattr(error, "exit_code", None) or 250
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(status))


def trace(path: str) -> None:
    """Have the module and line of each function of ours that is called written to the file, once each at least."""
    met: set[tuple[str, int]] = set()
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if (
            event == "call"
            and "ansible_reap" in code.co_filename
            and (code.co_filename, code.co_firstlineno) not in met
        ):
            met.add((code.co_filename, code.co_firstlineno))
            os.write(output, f"{frame.f_globals.get('__name__')}:{code.co_firstlineno}\n".encode())

    threading.setprofile(note)
    sys.setprofile(note)


def put_in(module: str, name: str, mark: str, *, first_only: bool) -> None:
    """Have a function of ours raise, wherever it was imported to. ``mark`` is a file that tells that it was called."""
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = owner.__dict__[last] if path else getattr(owner, last)
    if isinstance(original, property) and original.fget is not None:
        setattr(owner, last, property(_raising(original.fget, mark, first_only=first_only)))
        return
    kind = type(original) if isinstance(original, staticmethod | classmethod) else None
    raising: Any = _raising(original.__func__ if kind else original, mark, first_only=first_only)
    setattr(owner, last, kind(raising) if kind else raising)
    if not path:
        for other in [found for key, found in sys.modules.items() if key.startswith("ansible_reap")]:
            for key, value in list(vars(other).items()):
                if value is original:
                    setattr(other, key, raising)


def _raising(original: Callable[..., Any], mark: str, *, first_only: bool) -> Callable[..., Any]:
    @functools.wraps(original)
    def raise_instead(*args: Any, **kwargs: Any) -> Any:
        if first_only and Path(mark).exists():
            return original(*args, **kwargs)
        Path(mark).touch()
        raise RuntimeError("a fault put in by a test")

    return raise_instead


if __name__ == "__main__":
    main()
