"""Errors of our own: each costs one event or one job, is told once, and keeps the run from passing for clean."""

from __future__ import annotations

from collections.abc import Callable

from ansible_reap.runtime.tracking.display_text import shown

_MOST_TOLD = 3


class Faults:
    """What has gone wrong with us in this run."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._places: set[str] = set()
        self.count = 0

    def note(self, error: Exception) -> str:
        """Count the error and warn of it, of the same place once only; returns it in a few words."""
        self.count += 1
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}: " if trace is not None else ""
        kind = type(error).__name__
        if where not in self._places and len(self._places) < _MOST_TOLD:
            self._places.add(where)
            self._warn(
                f"async_reaper: an error of its own: {where}{kind}: {shown(str(error), 200)}. "
                "The job concerned counts as lost, all others are guarded, and the run will not end with status 0 "
                "unless on_error is 'report'. Please report this."
            )
        return kind
