"""Objects of Ansible that no event brings: whoever has called us is asked."""

from __future__ import annotations

import inspect
from typing import Any


def caller(kind: type[Any], far: int = 8) -> Any:
    """The nearest object of that kind whose method has called us; None within ``far`` calls."""
    frame = inspect.currentframe()
    for _ in range(far):
        frame = frame.f_back if frame is not None else None
        found = frame.f_locals.get("self") if frame is not None else None
        if isinstance(found, kind):
            return found
    return None


def variable_of_caller(kind: type[Any], name: str, far: int = 8) -> Any:
    """The local variable of that name in the nearest such object's method that has called us and has one; else None."""
    frame = inspect.currentframe()
    for _ in range(far):
        frame = frame.f_back if frame is not None else None
        if frame is not None and isinstance(frame.f_locals.get("self"), kind) and name in frame.f_locals:
            return frame.f_locals[name]
    return None
