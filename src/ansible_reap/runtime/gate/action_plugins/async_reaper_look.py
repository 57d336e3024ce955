"""The action of the gate: looks at jobs once, or waits for them, on the host and as the user that launched them.

It runs in Ansible's worker process. It never fails, whatever it finds: the gate decides. Of a job's result it hands
back only what the report shows, so that neither facts nor output of a job leak into the play.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_reap.runtime.events.results import NOT_FOUND, runtime_of
from ansible_reap.runtime.remote import status_file
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.status_file import STEP
from ansible_reap.runtime.remote.waiting import NoAnswerError
from ansible_reap.runtime.tracking.info import Access

KEPT = ("rc", "msg", "start", "end", "child_pid")
ANSIBLES_OWN = ("could not find job", "Timeout exceeded")
"""Messages that never come from the module, so ``no_log`` has nothing to hide in them."""
FIRST_WORD_AFTER = 30.0
"""Seconds of waiting before the first line of progress; each pause after it is twice as long, up to ten minutes."""
LONGEST_PAUSE = 600.0
FIRST_INTERVAL, LONGEST_INTERVAL = 0.5, 10.0
"""Seconds between two looks: more and more, so that short jobs end soon and long ones cost little."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How to get to the jobs of one group."""

    reach: Reach
    access: Access

    def age(self, path: str) -> float | None:
        return self.reach.age(self.access, path)

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return self.reach.module(self.access, name, arguments)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: ``jobs`` (each with jid, file, task, launched, deadline, limit), ``wait``, ``hidden``, ``access``."""

    _way: _Way | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._supports_check_mode = True
        result: dict[str, Any] = dict(super().run(tmp, task_vars))
        variables = task_vars or {}
        jobs: list[dict[str, Any]] = list(self._task.args.get("jobs") or [])
        if self._task.args.get("wait"):
            looks = self._wait(jobs, variables)
        else:
            looks = [self._look(job, variables) for job in jobs]
        result.update(changed=False, looks=looks)
        return result

    def _look(self, job: dict[str, Any], variables: dict[str, Any], pause: float = math.inf) -> dict[str, Any]:
        """One look: what the status file says. ``pause`` is how many seconds ago the look before it was."""
        answer = self._status(job, "status", variables)
        look: dict[str, Any] = {key: answer[key] for key in KEPT if key in answer}
        look.update(
            jid=job["jid"],
            finished=bool(answer.get("finished")),
            failed=bool(answer.get("failed")),
            seen=time.time(),
        )
        well = look["finished"] and not look["failed"] and look.get("msg") != NOT_FOUND
        if well and runtime_of(look) is None:
            look.update(self._end(job, look["seen"], pause, variables))
        if self._task.args.get("hidden") and look.get("msg") not in ANSIBLES_OWN:
            look.pop("msg", None)
        return look

    def _look_again(self, job: dict[str, Any], variables: dict[str, Any], pause: float) -> dict[str, Any]:
        """A look in a row of many: a host that does not answer now may do so the next time."""
        try:
            return self._look(job, variables, pause)
        except (AnsibleConnectionFailure, NoAnswerError):
            return {"jid": job["jid"], "finished": False, "failed": False, "seen": time.time()}

    def _wait(self, jobs: list[dict[str, Any]], variables: dict[str, Any]) -> list[dict[str, Any]]:
        """Look until each job has ended or is past its deadline; then remove the status files of those that ended."""
        began = time.time()
        word_at, pause = began + FIRST_WORD_AFTER, FIRST_WORD_AFTER
        done: dict[str, dict[str, Any]] = {}
        looked: dict[str, float] = {}
        interval = FIRST_INTERVAL
        while True:
            for job in jobs:
                if job["jid"] in done:
                    continue
                look = self._look_again(job, variables, time.time() - looked.get(job["jid"], -math.inf))
                looked[job["jid"]] = look["seen"]
                if look["finished"] or time.time() >= job["deadline"]:
                    look["waited"] = interval > FIRST_INTERVAL
                    done[job["jid"]] = look
                    if look["finished"] and look.get("msg") != "could not find job":
                        with suppress(AnsibleConnectionFailure, NoAnswerError):
                            self._status(job, "cleanup", variables)
            left = [job for job in jobs if job["jid"] not in done]
            if not left:
                return [done[job["jid"]] for job in jobs]
            if time.time() >= word_at:
                self._say(left, variables)
                pause = min(2 * pause, LONGEST_PAUSE)
                word_at = time.time() + pause
            nearest = min(job["deadline"] for job in left) - time.time()
            time.sleep(max(0.2, min(interval, nearest)))
            interval = min(interval * 1.5, LONGEST_INTERVAL)

    def _status(self, job: dict[str, Any], mode: str, variables: dict[str, Any]) -> dict[str, Any]:
        # Folder and name of the absolute results_file: right whatever the folder option or HOME say. Windows has "\\".
        path = str(job["file"])
        cut = max(path.rfind("/"), path.rfind("\\"))
        arguments = {
            "jid": path[cut + 1 :],
            "mode": mode,
            "_async_dir": path[:cut] if cut > 0 else "~/.ansible_async",
        }
        module = "ansible.legacy.async_status"
        access = self._task.args.get("access")
        if not access:
            return dict(self._execute_module(module_name=module, module_args=arguments, task_vars=variables))
        return self._reach(access, variables).module(module, arguments)

    def _end(self, job: dict[str, Any], seen: float, pause: float, variables: dict[str, Any]) -> dict[str, float]:
        """When a job ended that does not say so itself, and by how many seconds that may be too late."""
        ago = None
        if pause > STEP:
            with suppress(AnsibleConnectionFailure, NoAnswerError):
                ago = self._age(str(job["file"]), variables)
        if ago is not None:
            return {"ended": time.time() - ago, "late_by": STEP}
        return {} if pause == math.inf else {"ended": seen, "late_by": pause}

    def _age(self, path: str, variables: dict[str, Any]) -> float | None:
        access = self._task.args.get("access")
        return self._reach(access, variables).age(path) if access else status_file.age(self, path)

    def _reach(self, access: dict[str, Any], variables: dict[str, Any]) -> _Way:
        """A way of our own to where the playbook has set connection variables on the launch itself."""
        if self._way is None:
            pairs = tuple((str(name), value) for name, value in access.pop("variables", ()))
            self._way = _Way(Reach(self, variables), Access(**access, variables=pairs))
        return self._way

    def _say(self, left: list[dict[str, Any]], variables: dict[str, Any]) -> None:
        oldest = min(left, key=lambda job: float(job["launched"]))
        Display().display(
            f"async_reaper: [{variables.get('inventory_hostname')}] {len(left)} outstanding, the oldest "
            f"({oldest['task']}) for {time.time() - oldest['launched']:.0f} s of {oldest['limit']} s"
        )
