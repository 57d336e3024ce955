"""The results of a check: findings with a place, a severity, a confidence and perhaps a fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_reap.checks.level import Level
from ansible_reap.records import dataclass, field

if TYPE_CHECKING:
    from ansible_reap.content.model import Place
    from ansible_reap.flow.analysis import Analysis
    from ansible_reap.history.estimate import Estimates


__all__ = ["Edit", "Finding", "Fix", "Level", "Related", "Rule", "RuleContext"]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the lines ``first`` to ``last`` (from 1, both included; last = first - 1 inserts before first)."""

    path: str
    first: int
    last: int
    replacement: str
    """Whole lines, each with its line end."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that do not overlap, applied together or not at all."""

    description: str
    edits: tuple[Edit, ...]
    is_safe: bool = True
    """Whether the task does the same on its ordinary path but for the defect; what is not safe is only suggested."""


@dataclass(frozen=True, slots=True)
class Related:
    """Another place to look at, and why."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a rule, at a task."""

    rule: str
    sub_tag: str | None
    severity: Level
    confidence: Level
    place: Place
    end_line: int
    task: str
    message: str
    related: tuple[Related, ...] = ()
    via: tuple[str, ...] = ()
    fix: Fix | None = None
    """The safe change."""
    proposal: Fix | None = None
    """A change that its author should look at: shown, and written only when asked for."""
    suggestion: str = ""
    """What ``fix`` or ``proposal`` writes: the task as it should read, and the tasks to add after it; else empty."""

    @property
    def tag(self) -> str:
        """The full tag, as in ``async-unreaped[never]``."""
        return f"{self.rule}[{self.sub_tag}]" if self.sub_tag else self.rule


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule is given."""

    analysis: Analysis
    options: Mapping[str, Any] = field(default_factory=dict)
    """The rule's own options from ``.ansible-reap.yml``, merged over its defaults."""
    history: Estimates | None = None
    """The measured run times of the project's launches, where it has any."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, its classification, and the function that applies it.

    ``check`` yields the findings of the whole project.
    """

    id: str
    sub_tags: tuple[str, ...]
    severity: Level
    tags: tuple[str, ...]
    summary: str
    check: Callable[[RuleContext], Iterator[Finding]]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    opt_in: frozenset[str] = frozenset()
    """Full tags (or the rule's id) that are reported only when ``enable_list`` names them."""
