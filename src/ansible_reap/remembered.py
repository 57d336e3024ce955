"""What was read from the files of a project, kept for as long as one check of it lasts: an editor checks it again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_forgetting: list[Callable[[], None]] = []


def for_one_check(maxsize: int) -> Callable[[Function], Function]:
    """A decorator that keeps what a function of a project's folder and a path within it returned."""

    def decorate(function: Function) -> Function:
        kept = lru_cache(maxsize=maxsize)(function)
        at_the_start(kept.cache_clear)
        return kept  # type: ignore[return-value]  # called as the function is

    return decorate


def at_the_start(forget: Callable[[], None]) -> None:
    """Have ``forget`` called when the next check begins."""
    _forgetting.append(forget)


def forget_all() -> None:
    """Forget what earlier checks have read."""
    for forget in _forgetting:
        forget()
