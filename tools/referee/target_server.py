"""Runs modules in forks of a process that has imported what modules import. See ``target_python``.

Started with the Python of an environment that holds ansible-core, and the path of its socket. Ends with its parent.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import socket
import sys
import traceback
import types
from importlib import import_module
from pathlib import Path

WARM = ("async_status", "async_wrapper", "command", "ping")


def _received(connection: socket.socket) -> tuple[list[str], list[int]]:
    """The words that were sent, and the files."""
    head, files, _, _ = socket.recv_fds(connection, 8, 3)
    left = int.from_bytes(head, "big")
    data = b""
    while len(data) < left:
        part = connection.recv(left - len(data))
        if not part:
            raise EOFError
        data += part
    return data.decode(errors="surrogateescape").split("\0"), list(files)


def _run(words: list[str], files: list[int]) -> None:
    """Be the process that was asked for."""
    folder, count, *rest = words
    arguments, environment = rest[: int(count)], rest[int(count) :]
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)
    os.environ.clear()
    for each in environment:
        name, _, value = each.partition("=")
        os.environ[name] = value
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0, closefd=False), os.fdopen(1, "w"), os.fdopen(2, "w")
    if arguments:
        sys.argv = arguments
        source = Path(arguments[0]).read_bytes()
    else:
        sys.argv = [""]
        source = os.fdopen(0, "rb", closefd=False).read()
    main = types.ModuleType("__main__")
    main.__file__ = sys.argv[0] or "<stdin>"
    sys.modules["__main__"] = main
    exec(compile(source, main.__file__, "exec"), main.__dict__)


def _serve(connection: socket.socket) -> None:
    """One request, in a fork made for it. Forks of that fork do not answer."""
    process = os.getpid()
    status = 1
    try:
        words, files = _received(connection)
        _run(words, files)
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
        if isinstance(left.code, str):
            sys.stderr.write(left.code)
    except BaseException:  # noqa: BLE001 - as an interpreter would
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        if os.getpid() == process:
            connection.send(bytes([status & 0xFF]))
        os._exit(status & 0xFF)


def _end(*_: object) -> None:
    """Leave how much processor time (seconds) the modules took beside the socket."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(sys.argv[1]).with_suffix(".cpu").write_text(f"{used.ru_utime + used.ru_stime}", encoding="utf-8")
    sys.exit(0)


def main() -> None:
    """Serve until the parent is gone."""
    signal.signal(signal.SIGTERM, _end)
    for name in WARM:
        module = import_module(f"ansible.modules.{name}")
        del sys.modules[module.__name__]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[1])
    listener.listen(64)
    gc.collect()
    gc.freeze()
    parent = os.getppid()
    while os.getppid() == parent:
        ready, _, _ = select.select([listener], [], [], 1)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not ready:
            continue
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _serve(connection)
        connection.close()


if __name__ == "__main__":
    main()
