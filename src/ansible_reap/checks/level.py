"""How grave a finding is, and how sure."""

from __future__ import annotations

from enum import Enum


class Level(str, Enum):
    """A severity or a confidence."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Larger for higher."""
        return (Level.LOW, Level.MEDIUM, Level.HIGH).index(self)
