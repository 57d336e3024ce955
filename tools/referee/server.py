"""The long-lived process that runs playbooks: Ansible is imported once, each run is a fork of it.

Started with the Python of an environment that holds ansible-core; that environment needs nothing of ours. Reads one
JSON object a line from standard input::

    {"id": 7, "folder": "...", "run": "...", "argv": ["site.yml", "-i", "hosts.ini"], "env": {}, "callbacks": [...],
     "hosts": ["h1"], "looks": 2, "timeout": 60}

and answers each with ``{"id": 7, "status": 2, "cpu_s": 0.9, "elapsed_s": 1.2}``, in the order in which the runs end.
``status`` is null for a run that had to be ended after ``timeout`` seconds.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from referee.reached import Reached, measuring
from referee.watcher import Watcher


@dataclass
class _Going:
    """A run that has been started: when, and when it must be over (seconds of the monotonic clock)."""

    request: int
    began: float
    until: float
    late: bool = False


class _Hurried:
    """The module ``time`` as Ansible's waits see it: their pauses are a twentieth, which is still enough for a job."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 20)


def _play(request: dict[str, Any]) -> int:
    """Run ansible-playbook in this process, which is a fork made for it."""
    from ansible import constants  # noqa: PLC0415 - known to be imported by now
    from ansible.cli.playbook import PlaybookCLI  # noqa: PLC0415
    from ansible.executor import task_executor  # noqa: PLC0415

    run = Path(request["run"])
    os.environ.update(request["env"], REFEREE_RUN=str(run))
    os.chdir(request["folder"])
    constants.CALLBACKS_ENABLED = request["callbacks"]
    task_executor.time = _Hurried()
    watcher = Watcher(run, request["looks"])
    ending, end = os.pipe()
    watching = os.fork()
    if watching == 0:
        os.close(end)
        try:
            watcher.follow(ending)
        except BaseException:  # noqa: BLE001 - a fork must not return into its parent's loop
            traceback.print_exc()
        os._exit(0)
    os.close(ending)
    status = 0
    try:
        PlaybookCLI.cli_executor(["ansible-playbook", *request["argv"]])
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    atexit._run_exitfuncs()  # noqa: SLF001 - the only way; this fork must not return from main
    os.close(end)
    os.waitpid(watching, 0)
    return status


def _start(request: dict[str, Any], at_end: Callable[[], object] = lambda: None) -> int:
    """Fork one run, which calls ``at_end`` last; the process id."""
    run = Path(request["run"])
    for name in ("jobs", "release", *(f"async/{host}" for host in request["hosts"])):
        (run / name).mkdir(parents=True, exist_ok=True)
    process = os.fork()
    if process:
        return process
    status = 254
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        atexit._clear()  # noqa: SLF001 - what the parent has registered is for its own end
        output = os.open(run / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        status = _play(request)
        at_end()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - a fork must not return into its parent's loop
        traceback.print_exc()
    finally:
        os._exit(status)


class Server:
    """Starts runs as they are asked for and reports their ends."""

    def __init__(self, reached: Reached | None) -> None:
        self._going: dict[int, _Going] = {}
        self._input = b""
        self._reached = reached

    def serve(self) -> None:
        """Until standard input is closed and every run has ended."""
        open_ = True
        while open_ or self._going:
            ready, _, _ = select.select([0] if open_ else [], [], [], 0.02 if self._going else None)
            if ready:
                open_ = self._read()
            self._collect()

    def _read(self) -> bool:
        data = os.read(0, 1 << 20)
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            now = time.monotonic()
            self._going[_start(request)] = _Going(request["id"], now, now + request["timeout"])
        return bool(data)

    def _collect(self) -> None:
        now = time.monotonic()
        for process, going in list(self._going.items()):
            ended, status, usage = os.wait4(process, os.WNOHANG)
            if ended:
                del self._going[process]
                if self._reached is not None:
                    self._reached.learn()
                answer = {
                    "id": going.request,
                    "status": None if going.late else os.waitstatus_to_exitcode(status),
                    "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
                    "elapsed_s": round(now - going.began, 3),
                }
                os.write(1, json.dumps(answer).encode() + b"\n")
            elif now > going.until and not going.late:
                going.late = True
                os.killpg(process, signal.SIGKILL)


WARM_UP = """
- hosts: localhost
  gather_facts: false
  tasks:
    - command: "true"
    - async_status: {jid: none}
      ignore_errors: true
    - set_fact: {x: "{{ [1] | map('string') | list }}"}
    - debug: {var: x}
    - include_tasks: {file: none.yml}
      when: false
    - include_role: {name: none}
      when: false
    - meta: noop
"""


def _what_a_run_imports(scratch: Path) -> list[str]:
    """Names of the modules that a run has imported at its end, seen in a fork."""
    (scratch / "warm_up.yml").write_text(WARM_UP, encoding="utf-8")
    run = scratch / "warm_up"
    names = run / "modules.json"
    request = {
        "folder": str(scratch),
        "run": str(run),
        "argv": [
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            "warm_up.yml",
        ],
        "env": {},
        "callbacks": [],
        "hosts": ["localhost"],
        "looks": 1,
    }
    os.waitpid(_start(request, at_end=lambda: names.write_text(json.dumps(sorted(sys.modules)), encoding="utf-8")), 0)
    found: list[str] = json.loads(names.read_text(encoding="utf-8"))
    return [name for name in found if not name.startswith(("__", "ansible.plugins.callback", "ansible_collections"))]


def main() -> None:
    """Import Ansible, what a run of it imports and the modules named as arguments, then serve."""
    for name in ("ansible.cli.playbook", "ansible.executor.playbook_executor", *sys.argv[1:]):
        import_module(name)
    for name in _what_a_run_imports(Path.cwd()):
        with contextlib.suppress(ImportError):
            import_module(name)
    reached = measuring()
    if reached is not None:
        reached.start()
    gc.collect()
    gc.freeze()
    Server(reached).serve()


if __name__ == "__main__":
    main()
