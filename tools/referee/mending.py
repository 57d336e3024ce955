"""What ``check --fix`` makes of a project, and whether that really mends it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from ansible_reap.cli import main as ansible_reap
from referee.judgement import Disagreement, Half, Truth
from referee.project import Project
from referee.static import Checked, check

FIX = ("check", "--fix", "--unsafe-fixes", "--exit-zero")


def fixable(checked: Checked) -> set[str]:
    """Labels of the launches that nobody waits for by a finding for which ``--fix`` writes something."""
    places = {
        (found["path"], found["line"])
        for found in checked.findings
        if found["rule"] == "async-unreaped" and found["fixable"]
    }
    return {label for label, launch in checked.launches.items() if (launch.path, launch.line) in places}


def mended(project: Project, folder: Path) -> Project:
    """The project as ``--fix`` leaves it. ``folder`` is scratch."""
    project.write(folder)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        ansible_reap([*FIX, "--project-dir", str(folder), str(folder)])
    texts = project.texts()
    files = dict(project.files)
    for path, before in texts.items():
        after = (folder / path).read_text(encoding="utf-8")
        if after != before:
            files[path] = yaml.safe_load(after)
    return replace(project, files=files)


def of_mending(
    labels: set[str], after: Project, folder: Path, before: Sequence[Truth], runs: Sequence[Truth]
) -> Iterator[Disagreement]:
    """What is wrong with a mended project: ``before`` and ``runs`` are the runs of the one and the other.

    ``labels`` are the launches that ``--fix`` says it has given a wait.
    """
    after.write(folder)
    checked = check(folder)
    if checked.crash or checked.errors:
        yield Disagreement(Half.STATIC, "fix-breaks-the-file", "", checked.crash or checked.errors[0])
        return
    for label in sorted(labels):
        verdict = checked.launches[label].verdict if label in checked.launches else "not listed"
        if verdict in ("unreaped", "partial", "not listed"):
            yield Disagreement(Half.STATIC, "fix-does-not-convince", label, f"after --fix it is {verdict}")
        for setting, run in runs:
            left = [job for job in run.launched(label) if not job.waited and job.end != "long"]
            if run.ordinary and left:
                detail = f"after --fix nothing waits for its job {left[0].items} on {left[0].host}"
                yield Disagreement(Half.STATIC, "fix-does-not-wait", label, detail, setting)
                break
    ordinary = [setting for setting, run in before if run.ordinary]
    for setting, run in runs:
        if setting in ordinary and not run.ordinary:
            yield Disagreement(Half.STATIC, "fix-breaks-a-run", "", "; ".join(run.failures)[:600], setting)
            break
