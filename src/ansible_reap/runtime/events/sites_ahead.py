"""Where a task that is about to start will launch its jobs, as far as that can be told from outside of its worker.

Jobs that ``no_log`` hides need it too, for nothing that a worker has worked out for a loop's items is told of them. The
ledger's intents need it: a worker of a killed run may start jobs that nobody hears of, and they are looked for in
the account and folder that the task was about to use. Most tasks say so plainly. Of the others the templates are worked
out here, with the variables that Ansible is about to use itself, for each item of the loop where they depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from ansible.template import Templar

from ansible_reap.runtime.events import marker, results
from ansible_reap.runtime.tracking.info import Access, LaunchSite

MOST_ITEMS = 1000
"""Items of a loop that are looked at; one with more leads to few places all the same."""
_NAMES = tuple(field.name for field in fields(Access) if field.name not in ("become", "port", "variables"))


def sites_ahead(site: LaunchSite, task: Any, play: Any, host: Any) -> list[LaunchSite]:
    """The site for each way in which the task may reach a host, most often one.

    What cannot be worked out stays as written, for ``reap.jobs.collect`` to say so.
    """
    return list({repr(one): one for one in sites_by_item(site, task, play, host)}.values())


def sites_by_item(site: LaunchSite, task: Any, play: Any, host: Any) -> list[LaunchSite]:
    """The site for each item of the task's loop in turn; a single one where it is the same for all."""
    written = _written(task, play)
    if not any(is_template(value) for value in written.values()) and not is_template(task.async_val):
        return [site]
    variables = play.get_variable_manager().get_vars(play=play, host=host, task=task)
    found = []
    for scope in _items(task, play, variables):
        templar = Templar(loader=play.get_loader(), variables={**variables, **scope})
        values = {name: _worked_out(templar, value) for name, value in written.items()}
        limit = results.whole(_worked_out(templar, task.async_val))
        found.append(replace(site, limit_s=limit or site.limit_s, access=_access(values)))
    return found


def is_template(value: Any) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _written(task: Any, play: Any) -> dict[str, Any]:
    """Keywords and connection variables as they stand in the playbook."""
    found: dict[str, Any] = {}
    for scope in reversed(marker.scopes(task, play)):
        found.update((name, value) for name, value in scope.items() if results.is_connection_variable(str(name)))
    keywords = {name: getattr(task, name, None) for name in (*_NAMES, "become", "port")}
    return {**found, **keywords}


def _items(task: Any, play: Any, variables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The loop variable for each item; one empty scope without a loop, or with one that cannot be told yet."""
    items: Any = None
    if task.loop is not None and not task.loop_with:  # a with_ lookup may do anything, and is not for us to call
        items = _worked_out(Templar(loader=play.get_loader(), variables=variables), task.loop)
    if not isinstance(items, list | tuple) or not items:
        yield {}
        return
    name = str(getattr(task.loop_control, "loop_var", None) or "item")
    for item in items[:MOST_ITEMS]:
        yield {name: item}


def _worked_out(templar: Any, value: Any) -> Any:
    if not is_template(value) and not isinstance(value, list | tuple):
        return value
    try:
        return templar.template(value)
    except Exception:  # noqa: BLE001 - whatever a template of the user's raises, Ansible will raise it too, in its turn
        return value


def _access(values: dict[str, Any]) -> Access:
    texts = {name: str(values[name]) if isinstance(values[name], str) and values[name] else None for name in _NAMES}
    others = {name for name in values if name not in (*_NAMES, "become", "port")}
    return Access(
        become=str(values["become"]).strip().lower() in ("true", "yes", "on", "1"),
        port=results.whole(values["port"]) or None,
        variables=tuple(sorted((name, values[name]) for name in others if _is_plain(values[name]))),
        **texts,
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)
