"""The variables that the job id of a waiting task may come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Environment, TemplateError, nodes

from ansible_reap.runtime.events.results import is_loop

_HARMLESS = frozenset({"omit", "ansible_loop", "inventory_hostname", "ansible_job_id", "range"})
"""Names that hold no id by themselves."""
_LOOKUPS = ("lookup", "query", "q")


def names_read(task: Any) -> frozenset[str] | None:
    """The variables that the task reads; None where the id may come from anywhere: typed in, or from a lookup."""
    if task.loop_with and task.loop_with not in ("items", "list", "dict", "indexed_items", "flattened", "together"):
        return None
    names: set[str] = set()
    for text in _texts([task.args, task.loop, task.vars, task.delegate_to]):
        read = names_in(text)
        if read is None:
            return None
        names |= read
    names -= _HARMLESS | _loop_variables(task)
    return frozenset(names) or None


def _loop_variables(task: Any) -> set[str]:
    if not is_loop(task):
        return set()  # ``item`` is then that of an include around it
    control = task.loop_control
    return {str(getattr(control, "loop_var", None) or "item"), str(getattr(control, "index_var", None) or "")}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield value
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, Iterable):
        yield from (text for part in value for text in _texts(part))


def names_in(template: str) -> frozenset[str] | None:
    """The variables that a template reads; None where it does not parse or calls a lookup."""
    try:
        tree = Environment(autoescape=False).parse(template)  # noqa: S701 - parsed, never rendered
    except TemplateError:
        return None
    if any(isinstance(call.node, nodes.Name) and call.node.name in _LOOKUPS for call in tree.find_all(nodes.Call)):
        return None
    # jinja2.meta would generate code, and that raises over filters and tests that only Ansible has.
    return frozenset(name.name for name in tree.find_all(nodes.Name) if name.ctx == "load")
