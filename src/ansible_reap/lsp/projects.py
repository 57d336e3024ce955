"""The open files of an editor, by project, and the checks of each project. Independent of the protocol."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_reap import linting
from ansible_reap.checks.finding import Finding
from ansible_reap.flow.analysis import ReadError
from ansible_reap.linting import autofix, edits
from ansible_reap.linting.noqa import Comments
from ansible_reap.linting.outcome import Outcome
from ansible_reap.linting.problems import ConfigError
from ansible_reap.project_root import find_root, is_root
from ansible_reap.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of a project, with the text that it was made on."""

    root: Path
    findings: tuple[Finding, ...] = ()
    known: tuple[Finding, ...] = ()
    """Findings that ``warn_list`` or the ignore file name: shown, but no failure."""
    errors: tuple[ReadError, ...] = ()
    unsaved: Mapping[str, bytes] = field(default_factory=dict)

    def at(self, path: str, first: int, last: int) -> list[Finding]:
        """The findings at tasks of a file that share a line with these (from 1)."""
        return [
            finding
            for finding in (*self.findings, *self.known)
            if finding.place.path == path and finding.place.line <= last and first <= finding.end_line
        ]

    def lines(self, path: str) -> list[str]:
        """The lines of a file as they were checked; none where it cannot be read."""
        return self.text(path).splitlines()

    def text(self, path: str) -> str:
        """The text of a file as it was checked."""
        data = self.unsaved.get(path)
        if data is None:
            try:
                data = (self.root / path).read_bytes()
            except OSError:
                return ""
        return data.decode("utf-8", "replace")


def root_of(file: Path, folders: Iterable[Path]) -> Path:
    """The project root of a file: the editor's folder around it if that is a root, else the nearest root above."""
    around = [folder for folder in folders if file.is_relative_to(folder) and is_root(folder)]
    return max(around, key=lambda folder: len(folder.parts)) if around else find_root(file.parent)


def unsaved_of(root: Path, open_files: Mapping[Path, str]) -> dict[str, bytes]:
    """The open files that belong to the project, by path relative to its root."""
    real = Path(os.path.realpath(root))
    found = {}
    for file, text in open_files.items():
        resolved = Path(os.path.realpath(file))
        if resolved.is_relative_to(real):
            found[resolved.relative_to(real).as_posix()] = text.encode("utf-8", "surrogatepass")
    return found


def check(root: Path, unsaved: Mapping[str, bytes]) -> Checked:
    """Check a project with the text of its open files. Settings that cannot be used are one of the errors."""
    try:
        outcome = linting.lint(root, unsaved=unsaved)
    except ConfigError as error:
        return Checked(root, errors=(ReadError(error.path, error.line, error.reason),), unsaved=unsaved)
    return Checked(root, outcome.findings, outcome.warnings, outcome.errors, unsaved)


def fixed(checked: Checked, finding: Finding) -> dict[str, str]:
    """The files that a finding's fix changes, as they would read."""
    texts = {path: checked.text(path) for path in edits.touched([finding])}
    return {path: text for path, text in edits.preview(texts, finding).items() if text != texts[path]}


def all_fixed(checked: Checked, path: str) -> dict[str, str]:
    """The files as they read when every fixable finding in this file is fixed."""

    def lint(unsaved: Mapping[str, bytes | None]) -> Outcome:
        outcome = linting.lint(checked.root, unsaved=unsaved)
        return outcome._replace(findings=tuple(each for each in outcome.findings if each.place.path == path))

    done = autofix.fix(checked.root, lint, checked.unsaved)
    return {name: data.decode("utf-8", "surrogatepass") for name, data in done.files.items()}


def silenced(checked: Checked, finding: Finding) -> str | None:
    """The finding's file with a comment at the task that silences it; None where a comment there does not."""
    path, line = finding.place.path, finding.place.line
    lines = checked.text(path).splitlines(keepends=True)
    if not 0 < line <= len(lines):
        return None
    text = lines[line - 1]
    end = text[len(text.rstrip("\r\n")) :]
    lines[line - 1] = f"{text.rstrip()}  # noqa: {finding.tag}{end}"
    changed = "".join(lines)
    return changed if Comments(changed).silence(finding.rule, finding.tag, line, finding.end_line) else None
