"""The fixes, one module for each kind.

A fix is safe where nothing but the task at fault and what is added changes, the file's own layout is kept, and what
the task does on its ordinary path stays the same but for the defect. Any other is only suggested.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_reap.checks.fixes import (
        cleanup,
        finished,
        keywords,
        limit,
        looped_register,
        reboot,
        suggestion,
        wait,
        window,
    )

__all__ = ["cleanup", "finished", "keywords", "limit", "looped_register", "reboot", "suggestion", "wait", "window"]


def __getattr__(name: str) -> ModuleType:
    """The module of a fix, imported when the first finding asks for it: most checks find nothing to mend."""
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
