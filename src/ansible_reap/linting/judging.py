"""Apply the rules to a project that has something to analyse, and leave out what is silenced."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ansible_reap.flow.analysis import Analysis, ReadError
from ansible_reap.flow.engine import analysed
from ansible_reap.linting.lintconfig import IgnoreEntry, IgnoreFile, LintConfig, load_lint_config
from ansible_reap.linting.outcome import Outcome
from ansible_reap.linting.problems import Config, ConfigError
from ansible_reap.linting.requests import Request
from ansible_reap.linting.selection import Judge, Reporting
from ansible_reap.records import replace
from ansible_reap.wording import not_checked

if TYPE_CHECKING:
    from ansible_reap.checks.finding import Finding, Rule
    from ansible_reap.content.model import Task
    from ansible_reap.content.survey import Survey
    from ansible_reap.history.estimate import Estimates

HISTORY_FOLDER = ".ansible-reap"
"""Where a project keeps what it commits of its measured run times."""

_LONGEST_ENTRY = 200
"""Characters of an entry of the ignore file that are shown."""


class Settings(NamedTuple):
    """The settings that decide on findings, beside the caller's request."""

    config: Config
    known: IgnoreFile
    history: Estimates | None
    """None stands for the run times that are committed in the project."""


def judged(survey: Survey, settings: Settings, asked: Request, unsaved: Mapping[str, bytes | None]) -> Outcome:
    """The outcome of a check, without the time that it took."""
    config, known, history = settings
    root = survey.project.root
    analysis = analysed(survey, asked.paths)
    texts = {**analysis.texts, **{path: data.decode("utf-8", "replace") for path, data in unsaved.items() if data}}
    trouble: list[ReadError] = []
    findings: list[Finding] = []
    is_of_interest = bool(analysis.launches or analysis.reaps or analysis.uses)
    if is_of_interest:
        found = apply_rules(analysis, config.rules, history or _committed(root, trouble), trouble)
        findings = [_weighed(root, finding, config) for finding in found]
    asked = asked if asked.select else asked._replace(select=config.select)
    rules = _all_rules() if is_of_interest or known.entries else {}
    is_told = bool(findings or analysis.errors or analysis.crashes or analysis.cuts or analysis.encrypted)
    lint_config = _lint_config(root, config, _of_ansible_lint(root, trouble) if is_told else LintConfig())
    left_out = _left_out(root, asked, analysis, findings)
    judge = Judge(root, rules, lint_config, known, asked, _tasks(analysis), texts, left_out)
    decided = [(judge.decide(finding), finding) for finding in findings]
    stale = () if asked.select or asked.ignore else judge.stale()
    return Outcome(
        root=str(root),
        findings=tuple(finding for report, finding in decided if report is Reporting.FAIL),
        warnings=tuple(finding for report, finding in decided if report is Reporting.WARN),
        launches=tuple(
            launch
            for launch in analysis.launches
            if asked.covers(launch.task.path) and launch.task.path not in left_out
        ),
        errors=(*_errors(analysis, lint_config, asked, root, unsaved, left_out), *trouble),
        files=analysis.files,
        elapsed=0,
        texts=texts,
        rules=rules,
        stale=tuple(
            f"{known.name}:{entry.line}: nothing meets '{_shown(entry)}' any more; delete the line" for entry in stale
        ),
        not_followed=tuple(
            each for each in analysis.not_followed if asked.covers(each.path) and each.path not in left_out
        ),
        passed_over=_not_excluded(analysis.passed_over, root, lint_config, left_out),
        encrypted=_not_excluded(
            (each for each in analysis.encrypted if asked.covers(each.path)), root, lint_config, left_out
        ),
    )


def _not_excluded(
    told: Iterable[ReadError], root: Path, lint_config: LintConfig, left_out: Collection[str]
) -> tuple[ReadError, ...]:
    return tuple(each for each in told if each.path not in left_out and not lint_config.excludes(root / each.path))


def _shown(entry: IgnoreEntry) -> str:
    text = f"{entry.path} {entry.tag}"
    return text if len(text) <= _LONGEST_ENTRY else f"{text[:_LONGEST_ENTRY]}..."


def everything(survey: Survey, config: Config, history: Estimates | None) -> tuple[list[Finding], list[ReadError]]:
    """Every finding in the project, opt-in and silenced ones too, and what could not be checked."""
    root = survey.project.root
    analysis = analysed(survey)
    trouble = [*analysis.crashes, *analysis.cuts]
    findings = apply_rules(analysis, config.rules, history or _committed(root, trouble), trouble)
    asked = Request(select=config.select)
    judge = Judge(root, _all_rules(), _lint_config(root, config, LintConfig()), IgnoreFile(), asked, {}, {})
    return [_weighed(root, finding, config) for finding in findings if judge.is_wanted(finding)], trouble


def _all_rules() -> Mapping[str, Rule]:
    """Every rule by its id. They are imported only here: many files that match our search words hold no job."""
    from ansible_reap.checks.registry import RULES  # noqa: PLC0415

    return {rule.id: rule for rule in RULES}


def _weighed(root: Path, finding: Finding, config: Config) -> Finding:
    """The finding with the severity that it has in this project, and as it is told of installed and of old content."""
    from ansible_reap.linting.installed import as_installed  # noqa: PLC0415 - most checks find nothing
    from ansible_reap.linting.old_content import as_of_old  # noqa: PLC0415

    told = as_installed(root, as_of_old(root, finding))
    level = config.severity.get(finding.tag) or config.severity.get(finding.rule)
    return told if level is None else replace(told, severity=level)


def _of_ansible_lint(root: Path, trouble: list[ReadError]) -> LintConfig:
    """What ansible-lint's configuration says; one that cannot be used goes to ``trouble``, and leaves out nothing."""
    try:
        return load_lint_config(root)
    except ConfigError as error:
        trouble.append(ReadError(error.path, error.line, f"is not used, so it leaves out nothing: {error.reason}"))
    return LintConfig()


def _lint_config(root: Path, config: Config, lint_config: LintConfig) -> LintConfig:
    """What ansible-lint's configuration leaves out, and what ours does."""
    ours = tuple(os.path.normpath(root / path) for path in config.exclude_paths)
    return lint_config._replace(skip=lint_config.skip | config.ignore, exclude=(*lint_config.exclude, *ours))


def _left_out(root: Path, asked: Request, analysis: Analysis, findings: Iterable[Finding]) -> frozenset[str]:
    """Of the files with possible findings, those that git ignores, unless they are asked for by name."""
    paths = {finding.place.path for finding in findings}
    paths |= {edit.path for finding in findings if finding.fix for edit in finding.fix.edits}
    paths |= {launch.task.path for launch in analysis.launches}
    paths |= {error.path for error in (*analysis.errors, *analysis.passed_over, *analysis.encrypted)}
    paths -= set(asked.paths)
    if not paths:
        return frozenset()
    from ansible_reap.linting.ours import ignored_by_git  # noqa: PLC0415 - most checks have nothing to say

    return ignored_by_git(root, paths)


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
        for error in (*analysis.errors, *analysis.crashes, *analysis.cuts)
        if error.path == "."
        or (asked.covers(error.path) and error.path not in left_out and not lint_config.excludes(root / error.path))
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
