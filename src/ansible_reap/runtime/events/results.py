"""What Ansible's task and result objects tell of a task: its place, its name, its register, its loop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ansible_reap.runtime.tracking.display_text import fit

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Host, Result, Task, Variables

_LABEL_LENGTH = 120
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


def parts_of(result: Result) -> tuple[Task, Host, Variables]:
    """Task, host and data of a result. Up to ansible-core 2.18 these are the only names they have."""
    return result._task, result._host, result._result  # noqa: SLF001


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
    """The register's name. From ansible-core 2.21 ``register`` is a mapping of names to what they take."""
    register = task.register
    if isinstance(register, Mapping):
        return next((str(name) for name in register), None)
    return str(register) if register else None


def item_label(task: Task, data: Variables, hidden: bool) -> str | None:
    """What Ansible calls the loop item, cut to 120 characters; None without a loop and under ``no_log``."""
    if hidden or not is_loop(task):
        return None
    label = data.get("_ansible_item_label")
    if label is None:
        variable = data.get("ansible_loop_var")
        label = data.get(str(variable)) if variable else None
    return None if label is None else fit(str(label), _LABEL_LENGTH)


def item_variables(task: Task, data: Variables) -> list[str]:
    """The names of what the loop, and not the module, has put into the result of an item.

    A module may return any key. Where the task sets it for its loop, Ansible has written over what the module returned;
    elsewhere, and where the item is tried again, what stands there is the host's own.
    """
    if not is_loop(task) or "_ansible_retry" in data:
        return []
    control = task.loop_control
    names = [data.get("ansible_loop_var")]
    if control is not None and control.index_var:
        names.append(data.get("ansible_index_var"))
    if control is not None and control.extended:
        names.append("ansible_loop")
    return [name for name in names if isinstance(name, str) and name in data]


def item_scope(task: Task, data: Variables) -> dict[str, object]:
    """The variables that the loop set for the item of this result: the item, its index, ``ansible_loop``."""
    return {name: data[name] for name in item_variables(task, data)}


def is_connection_variable(name: str) -> bool:
    """Whether the variable decides how a host is reached."""
    return name in _CONNECTION_NAMES or name.startswith(_CONNECTION_VARIABLES)


def poll(task: Task) -> int:
    """The task's ``poll``, in seconds: 0 where Ansible polls for nothing, also under a limit below 0.

    Such a limit starts a job whatever ``poll`` is (seen on ansible-core 2.16 and 2.22).
    """
    return 0 if whole(task.async_val) < 0 else whole(task.poll)


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
