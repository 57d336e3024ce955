"""Which findings are reported: what was asked for on the command line, and what the project has silenced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path

from ansible_reap.checks.finding import Finding, Rule
from ansible_reap.content.model import Task
from ansible_reap.linting.lintconfig import IgnoreEntry, IgnoreFile, LintConfig
from ansible_reap.linting.noqa import Comments
from ansible_reap.linting.requests import Request
from ansible_reap.records import dataclass, field

SKIP_TAG = "skip_ansible_lint"
"""A task with this tag is left alone by ansible-lint, and by us."""


class Reporting(Enum):
    """Whether and how a finding is reported."""

    FAIL = "fail"
    WARN = "warn"
    """Listed, but the exit status stays 0."""
    SILENT = "silent"


@dataclass(slots=True)
class Judge:
    """Decides how each finding is reported, in the same order as ansible-lint."""

    root: Path
    rules: Mapping[str, Rule]
    lint: LintConfig
    known: IgnoreFile
    request: Request
    tasks: Mapping[tuple[str, int], Task]
    """The tasks that bear async or look at a job, by path and line."""
    texts: Mapping[str, str]
    left_out: frozenset[str] = frozenset()
    """Files in which nothing is reported."""
    used: set[IgnoreEntry] = field(default_factory=set)
    """The entries of the ignore file that matched a finding."""
    _comments: dict[str, Comments] = field(default_factory=dict)
    _excluded: dict[str, bool] = field(default_factory=dict)
    """By file with findings: whether ``exclude_paths`` leaves it out."""
    _entries: Mapping[tuple[str, str], list[IgnoreEntry]] | None = None

    def is_wanted(self, finding: Finding) -> bool:
        """Whether the settings for rules and files keep the finding."""
        names = self._names(finding)
        if not self._is_selected(finding, names) or not names.isdisjoint(self.lint.skip):
            return False
        path = finding.place.path
        if path not in self._excluded:
            self._excluded[path] = self.lint.excludes(self.root / path)
        return not self._excluded[path]

    def decide(self, finding: Finding) -> Reporting:
        """How the finding is reported; notes the entries of the ignore file that it matches."""
        names = self._names(finding)
        if finding.place.path in self.left_out or not self._is_on(finding):
            return Reporting.SILENT
        if not self.is_wanted(finding) or self._is_silenced_in_place(finding):
            return Reporting.SILENT
        if self._entries is None:
            self._entries = self.known.by_place()
        entry = next(iter(self._entries.get((finding.place.path, finding.tag), ())), None)
        if entry is not None:
            self.used.add(entry)
        self.used.update(self._entries.get((finding.place.path, finding.rule), ()))
        if not self.request.concerns(finding) or not self._is_grave(finding):
            return Reporting.SILENT
        if entry is not None:
            return Reporting.SILENT if entry.is_silent else Reporting.WARN
        return Reporting.FAIL if names.isdisjoint(self.lint.warn) else Reporting.WARN

    def _is_grave(self, finding: Finding) -> bool:
        asked = self.request
        return finding.severity.rank >= asked.min_severity.rank and finding.confidence.rank >= asked.min_confidence.rank

    def _names(self, finding: Finding) -> frozenset[str]:
        rule = self.rules.get(finding.rule)
        return frozenset((finding.rule, finding.tag, *(rule.tags if rule else ())))

    def _is_on(self, finding: Finding) -> bool:
        """Whether the finding is on by default or enabled; an opt-in sub-tag is enabled by its full tag only."""
        rule = self.rules.get(finding.rule)
        if rule is None:
            return True
        switched = self.lint.enable | self.request.select
        if finding.tag in rule.opt_in and finding.tag != finding.rule:
            return finding.tag in switched
        return finding.rule not in rule.opt_in or not switched.isdisjoint((finding.rule, finding.tag))

    def _is_selected(self, finding: Finding, names: frozenset[str]) -> bool:
        if not names.isdisjoint(self.request.ignore):
            return False
        return not self.request.select or not names.isdisjoint(self.request.select)

    def _is_silenced_in_place(self, finding: Finding) -> bool:
        place = finding.place
        task = self.tasks.get((place.path, place.line))
        if task is not None and SKIP_TAG in _as_list(task.keywords.get("tags")):
            return True
        comments = self._comments.get(place.path)
        if comments is None:
            comments = self._comments[place.path] = Comments(self._text(place.path))
        return comments.silence(finding.rule, finding.tag, place.line, finding.end_line)

    def _text(self, path: str) -> str:
        text = self.texts.get(path)
        if text is None:
            text = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return text

    def stale(self) -> tuple[IgnoreEntry, ...]:
        """The entries for our rules that matched no finding, among the files that the caller asked about."""
        return tuple(
            entry
            for entry in self.known.entries
            if entry.tag.partition("[")[0] in self.rules and entry not in self.used and self.request.covers(entry.path)
        )


def known_names(rules: Iterable[Rule]) -> list[str]:
    """Every name that ``--select`` and ``--ignore`` understand."""
    names: dict[str, None] = {}
    for rule in rules:
        names[rule.id] = None
        names.update(dict.fromkeys(f"{rule.id}[{sub_tag}]" for sub_tag in rule.sub_tags))
    for rule in rules:
        names.update(dict.fromkeys(rule.tags))
    return list(names)


def _as_list(value: object) -> list[str]:
    if isinstance(value, str):
        return [tag.strip() for tag in value.split(",")]
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
