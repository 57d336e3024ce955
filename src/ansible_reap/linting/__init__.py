"""One check of a project, the same for both front ends: analyse, apply the rules, leave out what is silenced.

Every check waits for what this module imports, even in a project without jobs, so the rest is imported when needed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_reap.checks.level import Level
from ansible_reap.content.project import Project
from ansible_reap.content.survey import Survey
from ansible_reap.linting.lintconfig import IgnoreFile, load_ignore_file
from ansible_reap.linting.outcome import Outcome
from ansible_reap.linting.problems import CONFIG_FILES, PYPROJECT, Config, is_there
from ansible_reap.linting.requests import WHOLE, Request, relative_paths, with_targets
from ansible_reap.remembered import forget_all
from ansible_reap.wording import did_you_mean

if TYPE_CHECKING:
    from ansible_reap.checks.finding import Finding
    from ansible_reap.flow.analysis import ReadError
    from ansible_reap.history.estimate import Estimates


def request(
    root: Path,
    paths: Iterable[str | os.PathLike[str]],
    select: str = "",
    ignore: str = "",
    *,
    min_severity: Level = Level.LOW,
    min_confidence: Level = Level.LOW,
) -> Request:
    """The request, with its names checked. Raises ValueError, which suggests the nearest name, for an unknown one."""
    return Request(
        _names(select), _names(ignore), with_targets(root, relative_paths(root, paths)), min_severity, min_confidence
    )


def _names(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names:
        return names
    from ansible_reap.checks.registry import RULES  # noqa: PLC0415 - most checks name none
    from ansible_reap.linting.selection import known_names  # noqa: PLC0415

    known = known_names(RULES)
    for name in sorted(names - set(known)):
        raise ValueError(f"unknown rule or tag '{name}'{did_you_mean(name, known)}")
    return names


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
    forget_all()
    asked = asked or Request()
    config = own_config(root)
    known = load_ignore_file(root)
    survey = Survey(Project(root, unsaved or {}, asked.paths))
    if _says_nothing(survey, asked, known):
        texts = {path: data.decode("utf-8", "replace") for path, data in (unsaved or {}).items() if data}
        outcome = Outcome(str(root), (), (), (), (), files=len(survey.project.yaml), elapsed=0, texts=texts)
    else:
        from ansible_reap.linting import judging  # noqa: PLC0415 - see above

        outcome = judging.judged(survey, judging.Settings(config, known, history), asked, unsaved or {})
    return outcome._replace(elapsed=time.perf_counter() - started)


def _says_nothing(survey: Survey, asked: Request, known: IgnoreFile) -> bool:
    """Whether the files' bytes alone show that there is nothing to analyse and no error to report."""
    project = survey.project
    is_whole = asked.paths in ((), (WHOLE,)) and bool(project.yaml) and not known.entries
    is_plain = not (survey.unreadable or project.unreadable or survey.may_hide_tasks)
    return is_whole and is_plain and not survey.concerns_jobs


def own_config(root: Path) -> Config:
    """The project's own settings. Raises ConfigError where they cannot be used."""
    if not any(is_there(root / name) for name in (*CONFIG_FILES, PYPROJECT)):
        return Config()
    from ansible_reap.checks.registry import RULES  # noqa: PLC0415 - most projects have no such file
    from ansible_reap.linting.config import load_config  # noqa: PLC0415
    from ansible_reap.linting.selection import known_names  # noqa: PLC0415

    return load_config(root, {rule.id: rule.defaults for rule in RULES}, known_names(RULES))


def everything(root: Path, history: Estimates | None = None) -> tuple[list[Finding], list[ReadError]]:
    """Every finding in the project, opt-in and silenced ones too, and what could not be checked; for ansible-lint.

    Raises ConfigError where our own configuration cannot be used; ansible-lint reads its own itself.
    """
    config = own_config(root)
    survey = Survey(Project(root))
    if _says_nothing(survey, Request(), IgnoreFile()):
        return [], []
    from ansible_reap.linting import judging  # noqa: PLC0415 - see above

    return judging.everything(survey, config, history)
