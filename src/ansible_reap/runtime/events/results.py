"""What Ansible's task and result objects tell of a task: its place, its name, its register, its loop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ansible_reap.runtime.tracking.display_text import MASK, fit, masked

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Host, Result, Task, Variables

OUR_REGISTER = "async_reaper_registered_"
"""What the name of a register begins with that we give a task which has none."""
_LABEL = "_ansible_item_label"
"""No module can return a key that begins like this."""
_INNER = "async_result"
"""Where a job with ``poll`` > 0 that could not be waited for has its last status."""
_READ = (
    *("ansible_job_id", "results_file", "started", "finished", "child_pid", _INNER, "results"),
    *("rc", "msg", "start", "end", "attempts", "changed", "failed", "skipped", "censored", "timedout", "exception"),
    *("module_stdout", "module_stderr"),
    *("failed_when_suppressed_exception", "ansible_loop_var", "ansible_index_var", "ansible_loop", _LABEL),
)
"""What the runtime reads of results."""
_CONNECTION_VARIABLES = ("ansible_become", "ansible_ssh", "ansible_paramiko", "ansible_winrm", "ansible_psrp")
"""What variables of become and connection plugins begin with (ansible-core 2.16 to 2.22)."""
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
"""Variables that say how a host is reached (ansible-core 2.16 to 2.22, "Special variables" and shell plugins)."""


def task_of(result: Result) -> Task:
    """The task of a result; reading it alone costs nothing."""
    return result._task  # noqa: SLF001 - see ``parts_of``


def host_of(result: Result) -> Host:
    """The host of a result, as cheaply."""
    return result._host  # noqa: SLF001 - see ``parts_of``


def parts_of(result: Result) -> tuple[Task, Host, Variables]:
    """Task, host and data of a result. Up to ansible-core 2.18 these are the only names they have."""
    task = result._task  # noqa: SLF001
    return task, result._host, _with_true_names(task, result._result)  # noqa: SLF001


def _with_true_names(task: Task, data: Variables) -> Variables:
    """The data with the names that we read as they are: from ansible-core 2.22 on secrets are masked in names too.

    A user who is called ``ansible`` in a vault makes ``$REDACTED$_job_id`` of ``ansible_job_id``.
    """
    if not any(MASK in str(name) for name in data):
        return data
    names = {masked(name): name for name in (*_READ, *sorted(loop_variables(task)))}
    true = {names.get(name, name): value for name, value in data.items()}
    inner = true.get(_INNER)
    if isinstance(inner, Mapping):
        true[_INNER] = {names.get(name, name): value for name, value in inner.items()}
    return true


def identity(task: Task) -> str:
    """The identifier that all copies of a task share; Ansible has no public name for it."""
    return str(task._uuid)  # noqa: SLF001


def task_place(task: Task, base: str | None) -> tuple[str, int]:
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


def task_label(task: Task) -> str:
    """The task's own name, else its action; without the role that ``get_name`` puts in front."""
    return fit(str(task.name or task.action))


def role_name(task: Task) -> str | None:
    """The role that the task came from, or None."""
    role = getattr(task, "_role", None)
    return None if role is None else str(role.get_name())


def register_name(task: Task) -> str | None:
    """The register's name, by which a playbook can use it: one that we have added is none.

    From ansible-core 2.21 ``register`` is a mapping of names to what they take.
    """
    register = task.register
    names = [str(name) for name in register] if isinstance(register, Mapping) else [str(register or "")]
    return next((name for name in names if name and not name.startswith(OUR_REGISTER)), None)


def item_label(task: Task, data: Variables, *, is_retry: bool = False) -> str | None:
    """What Ansible calls the loop item; None without a loop and where that is not told."""
    scope = item_scope(task, data, is_retry=is_retry)
    if not scope:
        return None
    label = data.get(_LABEL)
    if label is None:
        label = scope[str(data["ansible_loop_var"])]
    return None if label is None else str(label)


def item_scope(task: Task, data: Variables, *, is_retry: bool = False) -> dict[str, object]:
    """The variables that the loop, and not the module, has set for the item of this result; none where it has not.

    A module may return any key. Where the task sets it for its loop, Ansible has written over what the module returned;
    elsewhere what stands there is the host's own, and so it is, up to ansible-core 2.20, where the item is tried again.
    """
    if not is_loop(task) or (is_retry and _LABEL not in data):
        return {}
    variable = data.get("ansible_loop_var")
    if not isinstance(variable, str) or variable not in data:
        return {}
    control = task.loop_control
    names = ["ansible_loop_var", variable]
    if control is not None and control.index_var:
        names += ["ansible_index_var", str(data.get("ansible_index_var"))]
    if control is not None and control.extended:
        names.append("ansible_loop")
    return {name: data[name] for name in names if name in data}


def loop_variables(task: Task) -> frozenset[str]:
    """The names of what the task's own loop sets, as far as no template stands for them."""
    if not is_loop(task):
        return frozenset()
    control = task.loop_control
    names = ("item", None) if control is None else (control.loop_var or "item", control.index_var)
    return frozenset({"ansible_loop", "ansible_loop_var", "ansible_index_var", *map(str, names)})


def is_connection_variable(name: str) -> bool:
    """Whether the variable decides how a host is reached."""
    return name in _CONNECTION_NAMES or name.startswith(_CONNECTION_VARIABLES)


def poll(task: Task) -> int:
    """The task's ``poll``, in seconds: 0 where Ansible polls for nothing, also below 0 and under a limit below 0.

    Such a limit starts a job whatever ``poll`` is (seen on ansible-core 2.16 and 2.22).
    """
    return 0 if whole(task.async_val) < 0 else max(whole(task.poll), 0)


def whole(value: object) -> int:
    """A number of seconds, or 0 where a template still stands for it."""
    if not isinstance(value, str | int | float):
        return 0
    try:
        return int(value or 0)
    except (ValueError, OverflowError):
        return 0


def is_loop(task: Task) -> bool:
    """Whether the task loops."""
    return task.loop is not None or bool(task.loop_with)
