"""Ansible's result objects read as launches and sightings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.tracking.info import Access
from ansible_reap.runtime.tracking.phases import Sight, Source
from ansible_reap.runtime.tracking.tracker import ReapTask, Sighting

NOT_FOUND = "could not find job"
KILLED = "Timeout exceeded"
_LABEL_LENGTH = 120
_CONNECTION_VARIABLES = ("ansible_become", "ansible_ssh", "ansible_paramiko", "ansible_winrm", "ansible_psrp")
_CONNECTION_NAMES = frozenset(
    {
        "ansible_user",
        "ansible_password",
        "ansible_host",
        "ansible_port",
        "ansible_connection",
        "ansible_private_key_file",
        "ansible_python_interpreter",
        "ansible_remote_tmp",
        "ansible_async_dir",
        "ansible_shell_type",
        "ansible_shell_executable",
        "ansible_pipelining",
        "ansible_timeout",
    }
)


def task_of(result: Any) -> Any:
    """The task of a result; reading it alone costs nothing."""
    return result._task  # noqa: SLF001 - see ``parts_of``


def parts_of(result: Any) -> tuple[Any, Any, Mapping[str, Any]]:
    """Task, host and data of a result. Up to ansible-core 2.18 these are the only names they have."""
    return result._task, result._host, result._result  # noqa: SLF001


def identity(task: Any) -> str:
    """What tells a task from others through all its copies; Ansible has no public name for it."""
    return str(task._uuid)  # noqa: SLF001


def task_place(task: Any, base: str | None) -> tuple[str, int]:
    """File and line of the task's first key; the file relative to ``base`` where it lies below it."""
    path, _, line = str(task.get_path() or "").rpartition(":")
    if not path or not line.isdigit():
        return path or line, 0
    if base:
        try:
            path = PurePath(path).relative_to(base).as_posix()
        except ValueError:
            path = str(Path(path))
    return path, int(line)


def task_label(task: Any) -> str:
    """The task's own name, else its action; without the role that ``get_name`` puts in front."""
    return str(task.name or task.action)


def role_name(task: Any) -> str | None:
    """The role that the task came from, or None."""
    role = getattr(task, "_role", None)
    return None if role is None else str(role.get_name())


def register_name(task: Any) -> str | None:
    """The register's name. From ansible-core 2.21 ``register`` is a mapping of names to what they take."""
    register = task.register
    if isinstance(register, Mapping):
        return next((str(name) for name in register), None)
    return str(register) if register else None


def item_label(result: Mapping[str, Any], hidden: bool) -> str | None:
    """What Ansible calls the loop item, cut to a sane length; None without a loop and under ``no_log``."""
    if hidden:
        return None
    label = result.get("_ansible_item_label")
    if label is None:
        variable = result.get("ansible_loop_var")
        label = result.get(str(variable)) if variable else None
    if label is None:
        return None
    text = " ".join(str(label).split())
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 3] + "..."


def access_of(task: Any, variables: Mapping[str, Any] | None = None) -> Access:
    """How the finalised task reached its host."""
    port = task.port
    return Access(
        delegate_to=_text(task.delegate_to),
        become=bool(task.become),
        become_user=_text(task.become_user),
        become_method=_text(task.become_method),
        become_flags=_text(task.become_flags),
        become_exe=_text(getattr(task, "become_exe", None)),
        connection=_text(task.connection),
        remote_user=_text(task.remote_user),
        port=int(port) if str(port or "").isdigit() else None,
        variables=tuple(sorted((variables or {}).items())),
    )


def is_connection_variable(name: str) -> bool:
    return name in _CONNECTION_NAMES or name.startswith(_CONNECTION_VARIABLES)


def is_constantly_false(condition: Any) -> bool:
    """A ``failed_when`` that can never be true. One that tests something is its author's judgement."""
    parts = condition if isinstance(condition, list | tuple) else [condition]
    return bool(parts) and any(
        part is False or (isinstance(part, str) and part.strip().lower() in ("false", "no", "off", "0"))
        for part in parts
    )


def runtime_of(result: Mapping[str, Any]) -> float | None:
    """Seconds between the ``start`` and ``end`` that command-like modules report."""
    try:
        start, end = (datetime.fromisoformat(str(result[key])) for key in ("start", "end"))
    except (KeyError, ValueError):
        return None
    return max((end - start).total_seconds(), 0.0)


def sighting_of(
    task: Any, result: Mapping[str, Any], *, failed: bool, ignored: bool, when: float, reap: ReapTask | None
) -> Sighting | None:
    """What the playbook's own task saw of a job, or None where it tells nothing."""
    sight, swallowed = _sight(task, result, failed=failed, ignored=ignored)
    if sight is None:
        return None
    rc = result.get("rc")
    msg = result.get("msg")
    return Sighting(
        source=Source.PLAYBOOK,
        sight=sight,
        when=when,
        swallowed=swallowed or (failed and ignored),
        rc=rc if isinstance(rc, int) else None,
        msg=str(msg) if msg else None,
        runtime_s=runtime_of(result),
        waited=whole(result.get("attempts")) > 1,
        reap=reap,
    )


def _sight(task: Any, result: Mapping[str, Any], *, failed: bool, ignored: bool) -> tuple[Sight | None, bool]:
    """What was seen, and whether a ``failed_when`` let a failure go."""
    if is_reap(task.action) and str(task.args.get("mode", "status")) == "cleanup":
        if failed:
            # A cleanup whose failure is ignored has not looked for the job's end.
            return (Sight.MISSING if result.get("msg") == NOT_FOUND and not ignored else None), False
        return Sight.CLEANED, False
    if result.get("msg") == NOT_FOUND:
        # It comes with finished: true all the same.
        return Sight.MISSING, not failed
    if "finished" not in result:
        return None, False
    if not result["finished"]:
        # A failed one is a wait that gave up: the job runs on.
        return Sight.RUNNING, False
    if failed:
        return _failure(result), False
    if is_constantly_false(task.failed_when):
        sight = _hidden_failure(result)
        return sight, sight in (Sight.FAILED, Sight.TIMED_OUT)
    return Sight.FINISHED, False


def _failure(result: Mapping[str, Any]) -> Sight:
    return Sight.TIMED_OUT if KILLED in str(result.get("msg", "")) and "child_pid" in result else Sight.FAILED


def _hidden_failure(result: Mapping[str, Any]) -> Sight:
    """What a constant ``failed_when`` hides, as far as the result tells.

    ansible-core 2.19 and later say so; before, a return code or the words of a kill do, and else nothing does.
    """
    killed = _failure(result)
    rc = result.get("rc")
    if killed is Sight.TIMED_OUT or "failed_when_suppressed_exception" in result or rc not in (None, 0):
        return killed
    return Sight.UNSURE if rc is None else Sight.FINISHED


def poll_sighting(result: Mapping[str, Any], *, failed: bool, when: float) -> Sighting:
    """How a job with ``poll`` > 0 ended. One that the poll gave up on has run into its limit."""
    inner = result.get("async_result")
    if not failed:
        sight = Sight.FINISHED
    elif (isinstance(inner, Mapping) and not inner.get("finished")) or _failure(result) is Sight.TIMED_OUT:
        sight = Sight.TIMED_OUT
    else:
        sight = Sight.FAILED
    rc, msg = result.get("rc"), result.get("msg")
    return Sighting(
        source=Source.PLAYBOOK,
        sight=sight,
        when=when,
        rc=rc if isinstance(rc, int) else None,
        msg=str(msg) if msg else None,
        runtime_s=runtime_of(result),
        waited=True,
    )


def look_sighting(look: Mapping[str, Any], *, wait: bool, deadline: float) -> Sighting:
    """What the gate's action saw of one job."""
    seen = float(look.get("seen") or 0.0)
    if look.get("msg") == NOT_FOUND:
        sight = Sight.MISSING
    elif not look.get("finished"):
        sight = Sight.OVERDUE if seen >= deadline else Sight.RUNNING
    elif look.get("failed"):
        sight = _failure(look)
    else:
        sight = Sight.FINISHED
    rc, msg = look.get("rc"), look.get("msg")
    return Sighting(
        source=Source.WAIT if wait else Source.LOOK,
        sight=sight,
        when=seen,
        rc=rc if isinstance(rc, int) else None,
        msg=str(msg) if msg else None,
        runtime_s=runtime_of(look),
        waited=bool(look.get("waited")),
        ended=look.get("ended"),
        uncertainty_s=float(look.get("late_by") or 0.0),
    )


def whole(value: Any) -> int:
    """A number of seconds, or 0 where a template still stands for it."""
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


def bare(jid: Any) -> str:
    """The id itself, where somebody gave the path of the status file."""
    return str(jid).replace("\\", "/").rpartition("/")[2]


def is_loop(task: Any) -> bool:
    return task.loop is not None or bool(task.loop_with)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and value else None
