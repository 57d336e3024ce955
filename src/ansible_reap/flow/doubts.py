"""Why a launch's verdict is unknown: the place at which its job is lost sight of, what stands there, and what to do."""

from __future__ import annotations

from typing import NamedTuple

from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.model import Place, Task
from ansible_reap.flow.walk.calls import ROLE_CALLS, TASK_CALLS
from ansible_reap.flow.walk.encrypted import TASKS_NOT_SEEN
from ansible_reap.flow.walk.record import Instance


class Doubt(NamedTuple):
    """Where a job is lost sight of, and why."""

    place: Place
    why: str


class WaitElsewhere(NamedTuple):
    """A wait that reads a launch's register and that the launch's walk never came by."""

    task: Task
    is_called: bool


def of_error(instance: Instance) -> Doubt:
    return Doubt(instance.task.place, "an error of our own; please report it")


def of_tries(instance: Instance) -> Doubt:
    what = "its own until may hold only later, and then each try starts one more job; wait with async_status instead"
    return Doubt(instance.task.place, what)


def of_lost_id(instance: Instance) -> Doubt:
    what = "its poll may be null, and then Ansible starts the job and gives no job id; write poll as a number"
    return Doubt(instance.task.place, what)


def of_disconnect(instance: Instance) -> Doubt:
    if instance.disconnect is not None and instance.disconnect.is_doubtful:
        what = "it may cut no connection of this host, or not soon, or go on then; wait for it, or declare it detached"
        return Doubt(instance.task.place, what)
    what = "it works before it cuts the connection; wait for the job once the host is back, or declare it detached"
    return Doubt(instance.task.place, what)


def of_launch(instance: Instance) -> Doubt | None:
    """What keeps anything from being said of the jobs, whatever waits there are."""
    task = instance.task
    if instance.is_doubtful:
        what = "its async or poll comes from what only a run reads; write it as a number, or set it in the play"
        return Doubt(task.place, what)
    encrypted = of_encrypted(instance)
    if encrypted is not None:
        return encrypted
    if instance.escaped_at is not None:
        return _of_escape(instance.escaped_at)
    if instance.may_reap_itself:
        what = "the project's action plugin of this name looks at jobs, and may wait for this one"
        if task.short_name in BUILTIN_MODULES:
            what = "a plugin of the project under the name of its module may wait for it; write the module's full name"
        return Doubt(task.place, what)
    return None


def of_encrypted(instance: Instance) -> Doubt | None:
    at = instance.past_encrypted
    return None if at is None else Doubt(at, TASKS_NOT_SEEN)


def _of_escape(task: Task) -> Doubt:
    if task.module in TASK_CALLS or task.module in ROLE_CALLS:
        what = "a call that is given the job and leads to no file of the project"
    else:
        what = f"{task.short_name} is given the job's id, and may wait for the job"
    return Doubt(task.place, f"{what}; wait with async_status, or declare the job detached")


def of_early_end(task: Task) -> Doubt:
    what = "a wait of which it is not known whether its until holds when the job has ended, and not before"
    return Doubt(task.place, f"{what}; write 'is finished' of what the task itself registers")


def of_unsure_wait(task: Task) -> Doubt:
    what = "a wait that may be for other jobs, or for those of some hosts alone"
    return Doubt(task.place, f"{what}; name the launch's register in its jid, in a play on the same hosts")


def of_conditions(task: Task) -> Doubt:
    what = "a wait of which it is not known whether it runs wherever the launch does"
    return Doubt(
        task.place, f"{what}; give both the same condition or loop, and write out names of files that lead there"
    )


def of_booleans(task: Task) -> Doubt:
    what = "a wait that asks for a truth in another way than the launch"
    why = "'no' is true by itself, not by `| bool`, and 0 is neither true nor ''"
    return Doubt(task.place, f"{what}: {why}; ask for it in the same way at both")


def of_wait_elsewhere(found: WaitElsewhere, register: str | None) -> Doubt:
    if not found.is_called:
        what = f"a wait that reads '{register}' in a file that nothing calls; call the file, or delete it"
    else:
        what = f"a wait that reads '{register}' on another way; give each launch a register of its own"
    return Doubt(found.task.place, what)
