"""Findings as the protocol's messages: diagnostics, code actions, hovers."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types

from ansible_reap import pages
from ansible_reap.checks.finding import Finding, Level
from ansible_reap.flow.analysis import ReadError
from ansible_reap.lsp import projects
from ansible_reap.lsp.projects import Checked

SOURCE = "ansible-reap"
FIX_ALL = "source.fixAll.ansible-reap"

_SEVERITIES = {
    Level.HIGH: types.DiagnosticSeverity.Error,
    Level.MEDIUM: types.DiagnosticSeverity.Warning,
    Level.LOW: types.DiagnosticSeverity.Information,
}


class Writer:
    """Writes messages about one check; positions are counted as the client asked for when it connected."""

    def __init__(self, checked: Checked, codec: Any) -> None:
        self._checked = checked
        self._codec = codec
        self._lines: dict[str, list[str]] = {}

    def diagnostics(self) -> dict[str, list[types.Diagnostic]]:
        """Every finding and every error, by file."""
        found: dict[str, list[types.Diagnostic]] = {}
        for finding in self._checked.findings:
            found.setdefault(finding.place.path, []).append(self._finding(finding, _SEVERITIES[finding.severity]))
        for finding in self._checked.known:
            found.setdefault(finding.place.path, []).append(self._finding(finding, types.DiagnosticSeverity.Hint))
        for error in self._checked.errors:
            found.setdefault(error.path, []).append(self._error(error))
        return found

    def _finding(self, finding: Finding, severity: types.DiagnosticSeverity) -> types.Diagnostic:
        return types.Diagnostic(
            range=self._line(finding.place.path, finding.place.line, finding.place.column),
            message=f"{finding.task}: {finding.message}",
            severity=severity,
            code=finding.tag,
            code_description=types.CodeDescription(pages.url(finding.rule)),
            source=SOURCE,
            related_information=[
                types.DiagnosticRelatedInformation(
                    types.Location(self.uri(related.place.path), self._line(related.place.path, related.place.line)),
                    related.message,
                )
                for related in finding.related
            ],
        )

    def _error(self, error: ReadError) -> types.Diagnostic:
        return types.Diagnostic(
            range=self._line(error.path, error.line),
            message=error.message,
            severity=types.DiagnosticSeverity.Warning,
            code="unreadable",
            source=SOURCE,
        )

    def uri(self, path: str) -> str:
        return (self._checked.root / path).as_uri()

    def _line(self, path: str, line: int, column: int = 1) -> types.Range:
        """From a column to the line's end; without the file's text the line's start."""
        lines = self._text(path)
        row = max(line, 1) - 1
        text = lines[row] if row < len(lines) else ""
        start = column - 1 if column > 1 else len(text) - len(text.lstrip())
        plain = types.Range(types.Position(row, min(start, len(text))), types.Position(row, len(text.rstrip())))
        return self._codec.range_to_client_units(lines, plain) if row < len(lines) else plain

    def _text(self, path: str) -> list[str]:
        if path not in self._lines:
            self._lines[path] = self._checked.lines(path)
        return self._lines[path]

    def actions(self, path: str, chosen: types.Range, only: list[str] | None) -> Iterator[types.CodeAction]:
        """The code actions for the findings at these lines."""
        if _is_asked(types.CodeActionKind.QuickFix, only):
            for finding in self._checked.at(path, chosen.start.line + 1, chosen.end.line + 1):
                yield from self._quick_fixes(finding)
        if only and _is_asked(FIX_ALL, only):
            files = projects.all_fixed(self._checked, path)
            if files:
                yield types.CodeAction("Fix all async jobs that can be fixed", kind=FIX_ALL, edit=self._edit(files))

    def _quick_fixes(self, finding: Finding) -> Iterator[types.CodeAction]:
        diagnostics = [self._finding(finding, _SEVERITIES[finding.severity])]
        files = projects.fixed(self._checked, finding) if finding.fix else {}
        if finding.fix and files:
            yield types.CodeAction(
                f"{finding.fix.description} ({finding.tag})",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=diagnostics,
                edit=self._edit(files),
                is_preferred=True,
            )
        silent = projects.silenced(self._checked, finding)
        if silent is not None:
            yield types.CodeAction(
                f"Silence it here: # noqa: {finding.tag}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=diagnostics,
                edit=self._edit({finding.place.path: silent}),
            )

    def _edit(self, files: Mapping[str, str]) -> types.WorkspaceEdit:
        return types.WorkspaceEdit(changes={self.uri(path): self._changes(path, text) for path, text in files.items()})

    def _changes(self, path: str, new: str) -> list[types.TextEdit]:
        """Edits of the lines that differ, so that the cursor and folds elsewhere stay where they are."""
        before = self._checked.text(path).splitlines(keepends=True)
        after = new.splitlines(keepends=True)
        matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
        return [
            types.TextEdit(self._span(before, first, last), "".join(after[start:end]))
            for kind, first, last, start, end in matcher.get_opcodes()
            if kind != "equal"
        ]

    def _span(self, lines: list[str], first: int, last: int) -> types.Range:
        """The range of lines ``first`` (from 0) up to ``last``, not included; it never passes the end of the text."""
        end = types.Position(last, 0)
        if last == len(lines) and lines and not lines[-1].endswith("\n"):
            row = len(lines) - 1
            whole = types.Range(types.Position(row, 0), types.Position(row, len(lines[row])))
            end = self._codec.range_to_client_units(lines, whole).end
        return types.Range(types.Position(first, 0) if first < len(lines) else end, end)

    def hover(self, path: str, line: int) -> types.Hover | None:
        """The findings at a line (from 0), and the rule's page."""
        found = self._checked.at(path, line + 1, line + 1)
        if not found:
            return None
        documents = pages.available()
        parts = [f"**{finding.tag}**: {finding.message}" for finding in found]
        rules = dict.fromkeys(finding.rule for finding in found)
        parts += [documents[rule].read_text(encoding="utf-8") for rule in rules if rule in documents]
        text = "\n\n---\n\n".join(parts)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None for anything else, such as a new buffer without a name."""
    from pygls.uris import to_fs_path  # noqa: PLC0415 - beside its one use

    name = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(name) if name else None


def _is_asked(kind: str, only: list[str] | None) -> bool:
    return not only or any(kind == wanted or kind.startswith(f"{wanted}.") for wanted in only)
