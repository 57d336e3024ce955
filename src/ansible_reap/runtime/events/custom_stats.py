"""One name among the custom statistics of a run that nobody but us sets.

Each module may return ``ansible_stats``, which Ansible merges into the statistics of the run: what stands there under
our name would otherwise be whatever the last host has said.
"""

from __future__ import annotations

from typing import Any

OUTSTANDING = "async_reaper_outstanding"
"""The jobs that a run leaves outstanding; in the next node of a workflow an extra variable of that name."""
RUN = "_run"
"""Where Ansible keeps the custom statistics that are no host's."""


class OwnStatistic:
    """One custom statistic of ``stats`` (Ansible's ``AggregateStats``) that is deaf to what hosts return."""

    def __init__(self, stats: Any, name: str) -> None:
        self._stats = stats
        self._name = name
        for method in ("set_custom_stats", "update_custom_stats"):
            self._close(method)

    def _close(self, method: str) -> None:
        ansibles = getattr(self._stats, method)

        def unless_ours(which: str, what: object, host: str | None = None) -> object:
            return None if which == self._name else ansibles(which, what, host)

        setattr(self._stats, method, unless_ours)

    def set(self, value: object) -> None:
        """Callbacks that read the statistics find the value there from now on."""
        self._stats.custom.setdefault(RUN, {})[self._name] = value

    def remove(self) -> None:
        """As if it had never been set."""
        run = self._stats.custom.get(RUN, {})
        run.pop(self._name, None)
        if not run:
            self._stats.custom.pop(RUN, None)
