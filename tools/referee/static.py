"""What our commands say, called in this process: ``check`` of a project, ``jobs`` of the ledgers that runs left."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_reap.cli import main as ansible_reap
from referee.project import LABEL


@dataclass(frozen=True)
class Launch:
    """A launch as the linter lists it."""

    label: str
    path: str
    line: int
    verdict: str
    reaps: tuple[str, ...]
    """``PATH:LINE`` of each."""


@dataclass(frozen=True)
class Checked:
    """What a check told: launches by label, findings, and where it went wrong: errors of ours and of the content."""

    launches: dict[str, Launch]
    findings: tuple[dict[str, Any], ...]
    errors: tuple[str, ...]
    crash: str | None


def check(folder: Path) -> Checked:
    """Check a whole project."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ansible_reap(["check", "--format", "json", "--project-dir", str(folder), str(folder)])
        told = json.loads(out.getvalue())
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Checked({}, (), (), traceback.format_exc() + err.getvalue())
    finally:
        gc.enable()  # the command turns it off, as its process ends soon
    launches: dict[str, Launch] = {}
    for each in told["launches"]:
        label = LABEL.search(each["task"] or "")
        if label:
            reaps = tuple(f"{reap['path']}:{reap['line']}" for reap in each["reaps"])
            launches[label.group()] = Launch(label.group(), each["path"], each["line"], each["verdict"], reaps)
    errors = tuple(f"{each['path']}:{each.get('line')}: {each['message']}" for each in told["errors"])
    return Checked(launches, tuple(told["findings"]), errors, None)


def outstanding(ledger: Path) -> set[str]:
    """The job ids that a folder of ledgers still holds, as ``ansible-reap jobs`` tells them."""
    if not ledger.is_dir():
        return set()
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out):
            ansible_reap(["jobs", "--ledger-dir", str(ledger), "--format", "json"])
    finally:
        gc.enable()  # as above
    out.seek(0)
    return {job["jid"] for job in json.load(out)["jobs"]}
