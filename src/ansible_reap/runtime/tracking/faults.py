"""Errors of our own: each costs one event or one job, is told once, and keeps the run from passing for clean."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from ansible_reap.runtime.tracking.display_text import shown

_MOST_TOLD = 3

Params = ParamSpec("Params")
Returned = TypeVar("Returned")


class Faults:
    """Our own errors in this run."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._places: set[str] = set()
        self.count = 0
        global _latest  # noqa: PLW0603 - what Ansible calls has no other way to the run that is going on
        _latest = self

    def guard(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the function and keep what it raises away from the run; None then."""
        try:
            return function(*args)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the run
            self.note(error)
            return None

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


_latest: Faults | None = None


def note(error: Exception) -> None:
    """Count an error where no session is at hand."""
    if _latest is not None:
        with suppress(Exception):
            _latest.note(error)


def kept_from_the_run(*, otherwise: Returned) -> Callable[[Callable[Params, Returned]], Callable[Params, Returned]]:
    """For a function that Ansible itself calls: it returns ``otherwise`` where it raises."""

    def decorate(function: Callable[Params, Returned]) -> Callable[Params, Returned]:
        @functools.wraps(function)
        def call(*args: Params.args, **kwargs: Params.kwargs) -> Returned:
            try:
                return function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the run
                note(error)
                return otherwise

        return call

    return decorate
