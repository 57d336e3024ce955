#!/usr/bin/python
# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends jobs on the host where it runs. The action plugin of that name says which, and where their status files are."""

DOCUMENTATION = r"""
module: stop
short_description: End running async jobs
version_added: "0.1.0"
description:
  - Ends the chosen jobs of this host, whether the run that launched them is over, was killed, is still going or is this
    one. The jobs are known from the ledgers that the callback P(reap.jobs.async_reaper#callback) keeps, and from the
    extra variable C(async_reaper_outstanding), by which a run hands its jobs on to the next node of a workflow of AWX.
    Only account, folder and delegation are taken from there; the machine, and how it is reached, are the inventory's.
  - What belongs to a job is told by its wrapper, the process of C(async_wrapper) that has the job's id on its command
    line, and whose folder of status files is the job's. What runs in the session that this wrapper made gets SIGTERM,
    and SIGKILL once O(grace) is over. Whatever has left that session (a daemon, C(setsid)) is left alone and is named
    in the result.
  - The job's status file then says that it was stopped, so that whoever waits for it does not wait any longer. The
    result of a job that ended by itself meanwhile is left as it is.
  - Each job is reached with the connection, remote user, delegation and become settings of the task that launched it.
  - In check mode nothing is touched; RV(jobs) says what would be done.
options:
  jid:
    description:
      - The ids of the jobs to end. One that no ledger knows is looked for in the folder of status files that this task
        itself would use.
    type: list
    elements: str
  tasks:
    description:
      - End the jobs of the tasks whose name matches one of these names or globs; V(*) means all.
    type: list
    elements: str
  run:
    description:
      - End the jobs of this run, as C(ansible-reap jobs) names it. Jobs that were handed on have none.
    type: str
  live:
    description:
      - Also end the jobs of runs that are still going, this one among them. With V(false) only those that ended runs
        have left.
    type: bool
    default: true
  grace:
    description:
      - How many seconds a job has, between SIGTERM and SIGKILL, to end in good order.
    type: float
    default: 10
  ledger_dir:
    description:
      - The folder of the ledgers. By default the callback's option of that name.
    type: path
  status_files:
    description:
      - The status files of the jobs to end. The action plugin finds them; not for playbooks.
    type: list
    elements: path
  dry_run:
    description:
      - Only say what would be done. The action plugin sets it in check mode; not for playbooks.
    type: bool
    default: false
notes:
  - At least one of O(jid), O(tasks) and O(run) is needed. A job is ended only if it matches all that are given.
  - The host needs C(/proc), as Linux has it. On Windows, and on other systems without it, the task fails for each job
    with one line that says so.
requirements:
  - The Python package C(ansible-reap), in the environment that holds Ansible.
attributes:
  check_mode:
    support: full
author:
  - The ansible-reap developers (@ansible-reap)
"""

EXAMPLES = r"""
- name: End one job
  reap.jobs.stop:
    jid: j123456789.4711

- name: End whatever the backup tasks have left running, with a minute to close their files
  reap.jobs.stop:
    tasks: ["Start the backup*"]
    grace: 60
"""

RETURN = r"""
stopped:
  description: The ids of the jobs that have been ended; none in check mode.
  returned: always
  type: list
  elements: str
jobs:
  description: The chosen jobs of this host.
  returned: always
  type: list
  elements: dict
  contains:
    outcome:
      description:
        - V(stopped), V(already_ended), or V(not_found) where no process can be told to be the job's.
        - V(null) where the host could not be asked, or where the job could not be ended.
      type: str
    detail:
      description: The same in one line, with what was done.
      type: str
    processes:
      description: How many processes of the job were ended.
      type: int
    left:
      description: The ids of processes that the job has started and that have left it; they were not touched.
      type: list
      elements: int
    jid:
      description: The job's id; the other fields are those of the callback's report.
      type: str
"""

import json
import os
import signal
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from ansible.module_utils.basic import AnsibleModule

SETTLE = 10.0
"""Seconds in which a job that is just starting gets its own process group, also on a busy host."""
WATCHER_STEP = 8.0
"""Seconds in which a watcher has noticed that its job is gone, and has removed the job's temporary folder: it looks
every five."""
KILL_PATIENCE = 5.0
PAUSE = 0.05
MOST_BYTES = 64 * 1024 * 1024
"""A larger file holds what a job has printed: the wrapper's own note is short."""

# Runs on the host, with whatever Python is there: 3.6 and later.


class Process(NamedTuple):
    """``start`` is in ticks since the boot: by that a process is told from a later one with the same pid."""

    pid: int
    start: int
    state: str
    parent: int
    group: int
    session: int


class Found(NamedTuple):
    """A job's watcher, unless it has gone, and the session of all its processes."""

    watcher: Optional[Process]
    session: int


class ProcessTable:
    """The processes of this host, by /proc."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root

    @property
    def is_there(self) -> bool:
        return (self._root / "self" / "stat").exists()

    def read(self, pid: int) -> Optional[Process]:
        """The process, or None where there is no such."""
        try:
            text = (self._root / str(pid) / "stat").read_bytes().decode("ascii", "replace")
        except OSError:
            return None
        fields = text[text.rfind(")") + 1 :].split()
        if len(fields) < 20:
            return None
        return Process(
            pid=pid,
            start=int(fields[19]),
            state=fields[0],
            parent=int(fields[1]),
            group=int(fields[2]),
            session=int(fields[3]),
        )

    def all(self) -> List[Process]:
        found = (self.read(int(path.name)) for path in self._root.iterdir() if path.name.isdigit())
        return [process for process in found if process is not None]

    def command(self, pid: int) -> List[bytes]:
        """The arguments that the process was started with."""
        try:
            return (self._root / str(pid) / "cmdline").read_bytes().split(b"\0")[:-1]
        except OSError:
            return []

    def folder(self, pid: int) -> Optional[str]:
        """The folder of status files by the environment of a wrapper; None where that does not tell."""
        try:
            text = (self._root / str(pid) / "environ").read_bytes()
        except OSError:
            return None
        pairs = (word.partition(b"=") for word in text.split(b"\0"))
        found = {name: os.fsdecode(value) for name, _, value in pairs}
        folder, home = found.get(b"ANSIBLE_ASYNC_DIR", ""), found.get(b"HOME")
        if home and (folder == "~" or folder.startswith("~/")):
            folder = home + folder[1:]
        try:
            path = Path(folder).expanduser()
        except RuntimeError:  # there is no such account
            return None
        return os.path.realpath(str(path)) if path.is_absolute() else None

    def users(self, pid: int) -> Set[int]:
        """The real, effective and other user ids of the process: a set-uid program such as su has more than one."""
        try:
            text = (self._root / str(pid) / "status").read_bytes().decode("ascii", "replace")
        except OSError:
            return set()
        for line in text.splitlines():
            if line.startswith("Uid:"):
                return {int(word) for word in line.split()[1:] if word.isdigit()}
        return set()


def read_status(path: Path) -> bytes:
    """What a status file holds, up to one byte more than ``MOST_BYTES``; nothing of what is no regular file."""
    fd = os.open(str(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return file.read(MOST_BYTES + 1) if stat.S_ISREG(os.fstat(fd).st_mode) else b""


class UnclearError(Exception):
    """The job's processes cannot be told from others; one line."""


class Job:
    """One job by its status file: ``<folder>/j<random number>.<pid of the launcher>``."""

    def __init__(self, path: Path, table: ProcessTable) -> None:
        self.path = path
        self.jid = path.name
        self._token, _dot, self._launcher = self.jid.rpartition(".")
        self._table = table

    def result(self) -> str:
        """``missing``, ``running``, ``ended``, or ``unreadable``: what the status file says."""
        try:
            text = read_status(self.path)
        except OSError:
            return "missing"
        if len(text) > MOST_BYTES:
            return "ended"
        try:
            data = json.loads(text.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return "unreadable"
        if not isinstance(data, dict):
            return "unreadable"
        # As async_status has it: a result has no "started", only the wrapper's own note does.
        return "ended" if "started" not in data or data.get("finished") else "running"

    def find(self) -> Optional[Found]:
        """Who watches and who does the job's work, or None where neither is left.

        A launch makes four processes with the same command line: the launcher, whose pid ends the job's id; a session
        leader that ends at once; the watcher, which takes the time; and the watcher's child, the worker, which leads a
        process group of its own in that session. Only when the worker leads its group does the session stand for the
        job alone: before that it may be the user's own. A session whose leader lives is no job's.

        Raises:
            UnclearError: two jobs carry the id, or the job does not get beyond its start.
        """
        deadline = time.time() + SETTLE
        while True:
            processes = self._table.all()
            wrappers = [process for process in processes if self._is_wrapper(process)]
            if not wrappers:
                return None
            leaders = {process.pid for process in processes if process.state not in "ZX"}
            own = [process for process in wrappers if process.session not in leaders]
            sessions = {process.session for process in own if self._is_worker(process)}
            if len(sessions) > 1:
                raise UnclearError("two sets of processes carry this id; neither was touched")
            if sessions:
                session = sessions.pop()
                parents = {process.parent for process in own if self._is_worker(process)}
                watchers = [process for process in own if process.pid in parents and process.session == session]
                return Found(watchers[0] if watchers else None, session)
            orphaned = self._without_worker(own, processes)
            if orphaned is not None:
                return orphaned
            if time.time() >= deadline:
                raise UnclearError("its processes do not get beyond the launch; they were not touched")
            time.sleep(PAUSE)

    def _is_wrapper(self, process: Process) -> bool:
        if process.state in "ZX" or str(process.pid) == self._launcher:
            return False
        command = self._table.command(process.pid)
        # The script may be started by an interpreter with options, and has more arguments after the limit.
        for at in range(1, len(command) - 1):
            if command[at] == self._token.encode("ascii"):
                is_script = command[at - 1].endswith(b"async_wrapper.py")
                # Anybody may start su or sudo with such arguments: those run as root, but not as root alone.
                is_ours = self._table.users(process.pid) == {os.geteuid()}
                return is_script and command[at + 1].isdigit() and is_ours and self._is_of_folder(process)
        return False

    def _is_of_folder(self, process: Process) -> bool:
        """Whether the wrapper tells of its job in the folder in which we look, as far as it can be known.

        Of a job elsewhere we would let the wrong file say that it was stopped, and the right one that it runs.
        """
        folder = self._table.folder(process.pid)
        return folder is None or folder == os.path.realpath(str(self.path.parent))

    @staticmethod
    def _is_worker(process: Process) -> bool:
        return process.group == process.pid and process.session != process.pid

    def _without_worker(self, own: List[Process], processes: List[Process]) -> Optional[Found]:
        """A watcher whose worker has been killed, and that has not noticed yet: the worker is still listed as dead."""
        for watcher in own:
            for child in processes:
                if child.parent == watcher.pid and child.session == watcher.session and self._is_worker(child):
                    return Found(watcher, watcher.session)
        return None

    def members(self, found: Found) -> List[Process]:
        """The living processes of the job, the watcher left out: it ends by itself, and cleans up."""
        watcher = found.watcher.pid if found.watcher is not None else None
        return [
            process
            for process in self._table.all()
            if process.session == found.session and process.state not in "ZX" and process.pid != watcher
        ]

    def strays(self, found: Found) -> List[int]:
        """Processes that descend from the job and have left its session."""
        processes = self._table.all()
        parents = {process.pid: process for process in processes}
        inside = {process.pid for process in processes if process.session == found.session}
        return sorted(
            process.pid
            for process in processes
            if process.session != found.session
            and process.state not in "ZX"
            and self._descends(process, parents, inside)
        )

    @staticmethod
    def _descends(process: Process, parents: Dict[int, Process], inside: Set[int]) -> bool:
        seen: Set[int] = set()
        above: Optional[Process] = process
        while above is not None and above.pid not in seen:
            seen.add(above.pid)
            if above.parent in inside:
                return True
            above = parents.get(above.parent)
        return False

    def note(self, text: str, had_file: bool = True) -> None:
        """Let the status file say so, unless the job has left its own result, or somebody has removed the file.

        A job that had none when it was looked for had not come so far; nobody would ever hear of its end.
        """
        now = self.result()
        if now == "ended" or (now == "missing" and had_file):
            return
        # The wrapper's own name for it: what it left half-written goes with this. Where others may write to the folder
        # a link of theirs may stand there.
        new = self.path.with_name(self.jid + ".tmp")
        try:
            before = self.path.lstat() if now != "missing" else None
            with suppress(FileNotFoundError):
                new.unlink()
            fd = os.open(str(new), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "w") as file:
                json.dump({"failed": True, "msg": text, "ansible_job_id": self.jid}, file)
                if before is not None and stat.S_ISREG(before.st_mode):
                    os.fchmod(fd, before.st_mode & 0o777)
            new.rename(self.path)
        except OSError as error:
            raise UnclearError(
                f"its processes are gone, but its status file cannot be written: {error.strerror}"
            ) from error


class Signals:
    """Sends a signal to exactly the process that was seen, never to a later one with its pid."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table

    def send(self, process: Process, number: int) -> bool:
        """Whether it was sent; False where the process has gone, or is not ours to end."""
        if hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal"):
            try:
                handle = os.pidfd_open(process.pid)
            except ProcessLookupError:
                return False
            except OSError:
                return self._send_by_pid(process, number)  # a kernel before Linux 5.3
            try:
                # What the handle stands for cannot change any more, so one more look makes it certain.
                if not self._is_same(process):
                    return False
                signal.pidfd_send_signal(handle, number)
            except OSError:
                return False
            else:
                return True
            finally:
                os.close(handle)
        return self._send_by_pid(process, number)

    def _send_by_pid(self, process: Process, number: int) -> bool:
        if not self._is_same(process):
            return False
        try:
            os.kill(process.pid, number)
        except OSError:
            return False
        return True

    def _is_same(self, process: Process) -> bool:
        now = self._table.read(process.pid)
        return now is not None and (now.start, now.session) == (process.start, process.session)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.time() + seconds
    while not condition():
        if time.time() >= deadline:
            return False
        time.sleep(PAUSE)
    return True


def counted(number: int) -> str:
    return f"{number} process{'' if number == 1 else 'es'}"


class Ending:
    """One job on its way out. The steps are taken for all jobs together, so that they share one grace period."""

    def __init__(self, job: Job, table: ProcessTable) -> None:
        self.job = job
        self._signals = Signals(table)
        self._table = table
        self._found = Found(None, 0)
        self._touched: Set[Any] = set()
        self._killed = False
        self._over = False
        self._left: List[int] = []
        self._had_file = True
        self.outcome: Optional[str] = None
        self.detail = ""

    @property
    def is_open(self) -> bool:
        return not self.detail

    def close(self, outcome: Optional[str], detail: str) -> None:
        self.outcome, self.detail = outcome, detail

    def look(self, dry_run: bool) -> None:
        status = self.job.result()
        if status == "ended":
            self.close("already_ended", "before it was looked for")
            return
        self._had_file = status != "missing"
        try:
            found = self.job.find()
        except UnclearError as error:
            self.close(None, str(error))
            return
        if found is None:
            self._without_processes(status)
            return
        self._found = found
        self._left = self.job.strays(found)
        if dry_run:
            self.close("stopped", f"would end {counted(len(self.job.members(found)))}")

    def _without_processes(self, status: str) -> None:
        if self.job.result() == "ended":  # while we looked
            self.close("already_ended", "before it was looked for")
        elif status == "missing":
            self.close("not_found", "there is neither a status file of this id nor a process that would write it")
        else:
            self.close(
                "not_found",
                "its wrapper has gone without a result, so nothing tells which processes are the job's: "
                "none was touched, and its status file goes on saying that it runs",
            )

    def terminate(self) -> None:
        if self.job.result() == "ended":  # what it has left behind on purpose is not ours to end
            self.close("already_ended", "before it was looked for")
            return
        self._signal(signal.SIGTERM)

    def has_ended(self) -> bool:
        return not self._members()

    def _members(self) -> List[Process]:
        """What is left of the job. Once there is nothing, a later session may bear the number, and is not looked at."""
        found = [] if self._over else self.job.members(self._found)
        self._over = not found
        return found

    def kill(self) -> None:
        """A process may have started another one between our look and the signal: look until there is none."""

        def gone() -> bool:
            self._killed = self._signal(signal.SIGKILL) or self._killed
            return self.has_ended()

        if not wait_until(gone, KILL_PATIENCE):
            pids = self._pids()
            with suppress(UnclearError):
                self.job.note(f"Stopped by reap.jobs.stop, but for the processes {pids}", self._had_file)
            self.close(None, f"some of its processes cannot be ended: {pids}")

    def _signal(self, number: int) -> bool:
        sent = False
        for process in self._members():
            if self._signals.send(process, number):
                self._touched.add((process.pid, process.start))
                sent = True
        return sent

    def _pids(self) -> str:
        return ", ".join(str(process.pid) for process in self._members())

    def watcher_is_gone(self) -> bool:
        watcher = self._found.watcher
        if watcher is None:
            return True
        now = self._table.read(watcher.pid)
        return now is None or now.start != watcher.start or now.state in "ZX"

    def finish(self) -> None:
        """Everything is gone but perhaps a watcher that does not answer; now the status file can be told the truth."""
        watcher = self._found.watcher
        if watcher is not None and not self.watcher_is_gone():
            self._signals.send(watcher, signal.SIGKILL)
            wait_until(self.watcher_is_gone, KILL_PATIENCE)
        if self.job.result() == "ended":
            rest = f", and {counted(len(self._touched))} that it had left" if self._touched else ""
            self.close("already_ended", f"it ended by itself just then{rest}")
            return
        how = "SIGKILL" if self._killed else "SIGTERM"
        try:
            self.job.note(f"Stopped by reap.jobs.stop ({how})", self._had_file)
        except UnclearError as error:
            self.close(None, str(error))
            return
        self.close("stopped", f"{counted(len(self._touched))} ended by {how}")

    def as_dict(self) -> Dict[str, Any]:
        return {
            "jid": self.job.jid,
            "outcome": self.outcome,
            "detail": self.detail,
            "processes": len(self._touched),
            "left": [pid for pid in self._left if self._table.read(pid) is not None],
        }


def end_jobs(paths: List[str], grace: float, dry_run: bool) -> List[Dict[str, Any]]:
    """End the jobs of these status files; one dict for each, in their order.

    Args:
        paths: absolute paths of status files, each named by its job's id
        grace: seconds between SIGTERM and SIGKILL
        dry_run: only say what would be done
    """
    table = ProcessTable()
    endings = [Ending(Job(Path(path), table), table) for path in paths]
    if not table.is_there:
        for ending in endings:
            ending.close(None, "this host has no /proc, which is needed to tell which processes are the job's")
    for ending in endings:
        if ending.is_open:
            ending.look(dry_run)
    for ending in endings:
        if ending.is_open:
            ending.terminate()
    going = [ending for ending in endings if ending.is_open]
    wait_until(lambda: all(ending.has_ended() for ending in going), grace)
    for ending in going:
        if not ending.has_ended():
            ending.kill()
    going = [ending for ending in going if ending.is_open]
    wait_until(lambda: all(ending.watcher_is_gone() for ending in going), WATCHER_STEP)
    for ending in going:
        ending.finish()
    return [ending.as_dict() for ending in endings]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "jid": {"type": "list", "elements": "str"},
            "tasks": {"type": "list", "elements": "str"},
            "run": {"type": "str"},
            "live": {"type": "bool", "default": True},
            "grace": {"type": "float", "default": 10},
            "ledger_dir": {"type": "path"},
            "status_files": {"type": "list", "elements": "path"},
            "dry_run": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if module.params["status_files"] is None:
        module.fail_json(msg="reap.jobs.stop works by its action plugin, which was not found")
    dry_run = module.params["dry_run"] or module.check_mode
    jobs = end_jobs(module.params["status_files"], module.params["grace"], dry_run)
    module.exit_json(changed=any(job["outcome"] == "stopped" for job in jobs), jobs=jobs)


if __name__ == "__main__":
    main()
