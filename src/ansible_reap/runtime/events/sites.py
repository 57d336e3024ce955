"""A launching task read as a ``LaunchSite``: what it is called, how it is reached, whether it is detached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.template import Templar

from ansible_reap.jobs import REBOOT_REASON
from ansible_reap.runtime.events import marker, results
from ansible_reap.runtime.tracking.info import Access, LaunchSite
from ansible_reap.shell.disconnects import surely_cuts_connection


class SiteReader:
    """Makes one record for all jobs of a task with the same settings, so that a job costs little."""

    def __init__(self, base: str) -> None:
        """``base`` is the folder of the first playbook; paths below it are told relative to it."""
        self._base = base
        self._sites: dict[LaunchSite, LaunchSite] = {}
        self._accesses: dict[Access, Access] = {}

    def read(self, task: Any, play: Any, host: Any = None) -> LaunchSite:
        """The task as it stood for a result of ``host``.

        Without a host the task has not run yet: its templates stand as written, and whether it is detached is not said.
        """
        path, line = results.task_place(task, self._base)
        variables = _connection_variables(task, play, host)
        access = results.access_of(task, variables)
        reason, is_empty = (None, False) if host is None else _detached(task, play, host)
        site = LaunchSite(
            play=str(play.get_name()),
            task=results.task_label(task),
            path=path,
            line=line,
            role=results.role_name(task),
            register=results.register_name(task),
            limit_s=results.whole(task.async_val),
            poll=results.whole(task.poll),
            no_log=task.no_log is True,
            async_dir=str(variables["ansible_async_dir"]) if "ansible_async_dir" in variables else None,
            access=self._accesses.setdefault(access, access),
            reason=reason,
            empty_reason=is_empty,
        )
        return self._sites.setdefault(site, site)


def _detached(task: Any, play: Any, host: Any) -> tuple[str | None, bool]:
    """Why the task's jobs are detached, if they are; and whether a marker stands there without a reason."""
    found = marker.detachment(task, play, lambda value: _template(task, play, host, value))
    if found is not None and found.is_valid:
        return found.reason, False
    arguments = {name: value for name, value in task.args.items() if not str(name).startswith("_ansible_")}
    if surely_cuts_connection(str(task.action), arguments):
        return REBOOT_REASON, False
    return None, found is not None


def _connection_variables(task: Any, play: Any, host: Any) -> dict[str, Any]:
    """Connection variables set in the playbook itself; those of the inventory stay with the host."""
    found: dict[str, Any] = {}
    for scope in reversed(marker.scopes(task, play)):
        found.update((name, value) for name, value in scope.items() if results.is_connection_variable(str(name)))
    if host is None:
        return {name: value for name, value in found.items() if _is_plain(value)}
    templated = {name: _template_or_none(task, play, host, value) for name, value in found.items()}
    return {name: value for name, value in templated.items() if value is not None}


def _template_or_none(task: Any, play: Any, host: Any, value: Any) -> Any:
    if isinstance(value, str) and "{" in value:
        try:
            value = _template(task, play, host, value)
        except Exception:  # noqa: BLE001 - a loop item's value for one; the look does without it
            return None
    return value if _is_plain(value) else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _template(task: Any, play: Any, host: Any, value: Any) -> Any:
    variables: Mapping[str, Any] = play.get_variable_manager().get_vars(play=play, host=host, task=task)
    return Templar(loader=play.get_loader(), variables=variables).template(value)
