"""What the parts of the grammar share while they make one project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from referee.grammar.chance import Chance
from referee.grammar.conditions import Conditions
from referee.project import Task


@dataclass(frozen=True)
class Material:
    """Choices, conditions, and what has been made so far."""

    chance: Chance
    conditions: Conditions
    hosts: tuple[str, ...]
    files: dict[str, Any] = field(default_factory=dict)
    """Beside the playbooks."""
    variables: dict[str, Any] = field(default_factory=dict)
    """Known to every play."""
    handlers: dict[str, list[Task]] = field(default_factory=dict)
    """By what notifies them; they stand in the play of the task that does."""

    given: list[str] = field(default_factory=list)
    """Names of variables that the project sets to true or false somewhere, and that may be set for all of it."""

    def variable(self, stem: str, value: Any) -> str:
        """The name of a new variable with this value."""
        name = self.chance.name(stem)
        self.variables[name] = value
        return name
