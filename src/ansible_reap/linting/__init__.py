"""One check of a project, as both front ends do it: analyse, apply the rules, leave out what is silenced."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_reap.checks.finding import Finding, Level, Rule
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, ReadError
from ansible_reap.flow.engine import analyse
from ansible_reap.linting.lintconfig import IgnoreFile, LintConfig, load_ignore_file, load_lint_config
from ansible_reap.linting.outcome import Outcome
from ansible_reap.linting.problems import CONFIG_FILES, PYPROJECT, Config, is_there
from ansible_reap.linting.selection import Judge, Reporting, Request, known_names, relative_paths
from ansible_reap.wording import did_you_mean, not_checked

if TYPE_CHECKING:
    from ansible_reap.history.estimate import Estimates

HISTORY_FOLDER = ".ansible-reap"
"""Where a project keeps what it commits of its measured run times."""


def request(
    root: Path,
    paths: Iterable[str | os.PathLike[str]],
    select: str = "",
    ignore: str = "",
    *,
    min_severity: Level = Level.LOW,
    min_confidence: Level = Level.LOW,
) -> Request:
    """What was asked for, with names checked. Raises ValueError, which names the nearest rule."""
    return Request(_names(select), _names(ignore), relative_paths(root, paths), min_severity, min_confidence)


def _names(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    known = known_names(all_rules().values()) if names else []
    for name in sorted(names - set(known)):
        raise ValueError(f"unknown rule or tag '{name}'{did_you_mean(name, known)}")
    return names


def all_rules() -> Mapping[str, Rule]:
    """Every rule by its id. They are imported here and not before: most checks of most projects need none."""
    from ansible_reap.checks.registry import RULES  # noqa: PLC0415

    return {rule.id: rule for rule in RULES}


def lint(
    root: Path,
    asked: Request | None = None,
    history: Estimates | None = None,
    unsaved: Mapping[str, bytes | None] | None = None,
) -> Outcome:
    """Check the project at ``root``, with the run times that are committed there unless ``history`` gives others.

    ``unsaved`` holds the bytes of files that are not (yet) as the disk has them, by path relative to the root; None
    stands for a file that is taken not to be there.
    Raises ConfigError where one of its settings files cannot be used. Run times that cannot be read are one of the
    errors, and the checks do without them.
    """
    started = time.perf_counter()
    asked = asked or Request()
    config = own_config(root)
    known = load_ignore_file(root)
    unsaved = unsaved or {}
    analysis = analyse(root, unsaved, asked.paths)
    texts = {**analysis.texts, **{path: data.decode("utf-8", "replace") for path, data in unsaved.items() if data}}
    trouble: list[ReadError] = []
    findings: list[Finding] = []
    is_of_interest = bool(analysis.launches or analysis.reaps or analysis.uses)
    if is_of_interest:
        found = apply_rules(analysis, config.rules, history or _committed(root, trouble), trouble)
        findings = [config.weighed(finding) for finding in found]
    asked = asked if asked.select else replace(asked, select=config.select)
    has_entries = bool(known.entries)
    rules = all_rules() if is_of_interest or has_entries else {}
    is_told = bool(findings or analysis.errors or analysis.crashes)
    lint_config = _lint_config(root, config, load_lint_config(root) if is_told else LintConfig())
    left_out = _left_out(root, asked, analysis, findings)
    judge = Judge(root, rules, lint_config, known, asked, _tasks(analysis), texts, left_out)
    judged = [(judge.decide(finding), finding) for finding in findings]
    stale = () if asked.select or asked.ignore else judge.stale()
    return Outcome(
        root=str(root),
        findings=tuple(finding for report, finding in judged if report is Reporting.FAIL),
        warnings=tuple(finding for report, finding in judged if report is Reporting.WARN),
        launches=tuple(
            launch
            for launch in analysis.launches
            if asked.covers(launch.task.path) and launch.task.path not in left_out
        ),
        errors=(*_errors(analysis, lint_config, asked, root, unsaved, left_out), *trouble),
        files=analysis.files,
        elapsed=time.perf_counter() - started,
        texts=texts,
        rules=rules,
        stale=tuple(
            f"{known.name}:{entry.line}: nothing meets '{entry.path} {entry.tag}' any more; delete the line"
            for entry in stale
        ),
        passed_over=tuple(
            error
            for error in analysis.passed_over
            if error.path not in left_out and not lint_config.excludes(root / error.path)
        ),
    )


def own_config(root: Path) -> Config:
    """What the project's own file of settings says. Raises ConfigError."""
    if not any(is_there(root / name) for name in (*CONFIG_FILES, PYPROJECT)):
        return Config()
    from ansible_reap.linting.config import load_config  # noqa: PLC0415 - most projects have no such file

    rules = all_rules().values()
    return load_config(root, {rule.id: rule.defaults for rule in rules}, known_names(rules))


def _lint_config(root: Path, config: Config, lint_config: LintConfig) -> LintConfig:
    """What ansible-lint's configuration leaves out, and what ours does."""
    ours = tuple(os.path.normpath(root / path) for path in config.exclude_paths)
    return replace(lint_config, skip=lint_config.skip | config.ignore, exclude=(*lint_config.exclude, *ours))


def _left_out(root: Path, asked: Request, analysis: Analysis, findings: Iterable[Finding]) -> frozenset[str]:
    """Of the files that something might be said of, those that git ignores, unless they are asked for by name."""
    paths = {finding.place.path for finding in findings}
    paths |= {edit.path for finding in findings if finding.fix for edit in finding.fix.edits}
    paths |= {launch.task.path for launch in analysis.launches}
    paths |= {error.path for error in (*analysis.errors, *analysis.passed_over)}
    paths -= set(asked.paths)
    if not paths:
        return frozenset()
    from ansible_reap.linting.ours import ignored_by_git  # noqa: PLC0415 - most checks have nothing to say

    return ignored_by_git(root, paths)


def everything(root: Path, history: Estimates | None = None) -> tuple[list[Finding], list[ReadError]]:
    """Every finding in the project, opt-in and silenced ones too, and what could not be checked; for ansible-lint.

    Raises ConfigError where our own configuration cannot be used; ansible-lint reads its own itself.
    """
    config = own_config(root)
    analysis = analyse(root)
    trouble = list(analysis.crashes)
    findings = apply_rules(analysis, config.rules, history or _committed(root, trouble), trouble)
    asked = Request(select=config.select)
    judge = Judge(root, all_rules(), _lint_config(root, config, LintConfig()), IgnoreFile(), asked, {}, {})
    return [config.weighed(finding) for finding in findings if judge.is_wanted(finding)], trouble


def _committed(root: Path, trouble: list[ReadError]) -> Estimates | None:
    """The run times that are committed in the project; where they cannot be read, that is added to ``trouble``."""
    if not (root / HISTORY_FOLDER).is_dir():
        return None
    from ansible_reap.history import committed  # noqa: PLC0415 - few projects have a history, and all wait for it

    def note(error: committed.HistoryFileError) -> None:
        unread = ReadError(committed.FILE.as_posix(), error.line, error.reason)
        if unread not in trouble:
            trouble.append(unread)

    try:
        return committed.load(root, on_damage=note)
    except committed.HistoryFileError as error:
        note(error)
    return None


def apply_rules(
    analysis: Analysis,
    options: Mapping[str, Mapping[str, object]],
    history: Estimates | None = None,
    crashes: list[ReadError] | None = None,
) -> list[Finding]:
    """Every finding of every rule, opt-in ones included, by place. A rule that crashes is added to ``crashes``."""

    def note(rule: Rule, error: Exception) -> None:
        if crashes is not None:
            crashes.append(ReadError(".", 1, f"{rule.id} {not_checked(error)}"))

    from ansible_reap.checks import registry  # noqa: PLC0415 - a project without a job needs none of the rules

    return registry.run(analysis, options, history, on_crash=None if crashes is None else note)


def _errors(
    analysis: Analysis,
    lint_config: LintConfig,
    asked: Request,
    root: Path,
    unsaved: Collection[str],
    left_out: Collection[str],
) -> tuple[ReadError, ...]:
    found = [
        error
        for error in (*analysis.errors, *analysis.crashes)
        if asked.covers(error.path) and error.path not in left_out and not lint_config.excludes(root / error.path)
    ]
    found += [
        ReadError(path, 1, "no such file or folder")
        for path in asked.paths
        if path not in unsaved and not os.path.lexists(root / path)
    ]
    return tuple(sorted(found, key=lambda error: (error.path, error.line)))


def _tasks(analysis: Analysis) -> dict[tuple[str, int], Task]:
    tasks: list[Task] = [use.task for use in analysis.uses]
    tasks += [reap.task for reap in analysis.reaps]
    tasks += [launch.task for launch in analysis.launches]
    return {(task.path, task.line): task for task in tasks}
