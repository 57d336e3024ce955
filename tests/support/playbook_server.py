"""Runs playbooks in forks of one process that has Ansible loaded already: for tests that need hundreds of runs.

Started with the Python of an environment that holds ansible-core. Each line on standard input is a request as JSON,
with ``args`` of ansible-playbook, ``folder``, ``env``, ``output`` (a file), ``seconds``, ``faults`` and ``trace``; each
answer is the exit status on a line. Ansible reads its own settings as it is imported, so those are the same for all
requests of a server.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import signal
import sys
import threading
import traceback
import types
from pathlib import Path
from types import FrameType
from typing import Any


def main() -> None:
    # The modules beside this one are not to stand for packages of the same name.
    sys.path[:] = [folder for folder in sys.path if Path(folder) != Path(__file__).parent]
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
        key = code.co_filename, code.co_firstlineno
        if event == "call" and key not in met and ("ansible_reap" in key[0] or key[0].endswith(f"/{CALLBACK}.py")):
            met.add(key)
            module = str(frame.f_globals.get("__name__"))
            os.write(output, f"{module if 'ansible_reap' in key[0] else CALLBACK}:{key[1]}\n".encode())

    threading.setprofile(note)
    sys.setprofile(note)


CALLBACK = "async_reaper"


def put_in(module: str, name: str, mark: str, *, first_only: bool) -> None:
    """Have the body of a function of ours raise, whoever holds the function by now.

    ``mark`` is a file that tells that it was called. The callback's module, ``async_reaper``, is loaded by Ansible, and
    its functions are reached when that is done.
    """
    if module != CALLBACK:
        _make_raise(importlib.import_module(module), name, mark, first_only=first_only)
        return
    manager: Any = importlib.import_module("ansible.executor.task_queue_manager").TaskQueueManager
    load = manager.load_callbacks

    def load_and_put_in(self: Any) -> None:
        load(self)
        for plugin in self._callback_plugins:
            if getattr(plugin, "CALLBACK_NAME", "") == CALLBACK:
                _make_raise(sys.modules[type(plugin).__module__], name, mark, first_only=first_only)

    manager.load_callbacks = load_and_put_in


def _make_raise(module: Any, name: str, mark: str, *, first_only: bool) -> None:
    function = inspect.getattr_static(module, name.split(".", maxsplit=1)[0])
    for part in name.split(".")[1:]:
        function = inspect.getattr_static(function, part)
    function = getattr(function, "fget", None) or getattr(function, "__func__", function)
    function = inspect.unwrap(function)
    if getattr(function, "__code__", None) is None or f"_raise_{id(function)}" in function.__globals__:
        return
    body = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    body.__kwdefaults__ = function.__kwdefaults__

    def raise_instead(*args: Any, **kwargs: Any) -> Any:
        if first_only and Path(mark).exists():
            return body(*args, **kwargs)
        Path(mark).touch()
        raise RuntimeError("a fault put in by a test")

    # The function stays the same object, for whatever has been imported, decorated or bound before.
    function.__globals__[f"_raise_{id(function)}"] = raise_instead
    made: dict[str, Any] = {}
    exec(f"def {function.__name__}(*args, **kwargs): return _raise_{id(function)}(*args, **kwargs)", made)
    function.__code__ = made[function.__name__].__code__.replace(co_freevars=function.__code__.co_freevars)


if __name__ == "__main__":
    main()
