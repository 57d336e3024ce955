"""The levels of severity and of confidence."""

from __future__ import annotations

from enum import Enum


class Level(str, Enum):
    """A severity or a confidence."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """A number for comparisons: the higher the level, the larger."""
        return (Level.LOW, Level.MEDIUM, Level.HIGH).index(self)
