"""GitHub's Markdown: for a job's step summary or a comment in a merge request."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from ansible_reap import pages
from ansible_reap.checks.finding import Finding
from ansible_reap.linting.outcome import Outcome
from ansible_reap.markup import code_span, escaped
from ansible_reap.printable import file_name
from ansible_reap.wording import counted


def render(outcome: Outcome) -> str:
    return "\n".join(_lines(outcome, os.environ))


def _lines(outcome: Outcome, environment: Mapping[str, str]) -> Iterator[str]:
    yield f"### ansible-reap: {counted(len(outcome.findings), 'finding')}"
    yield ""
    base = _base_url(environment)
    yield from _table(outcome.findings, base)
    if outcome.warnings:
        yield f"<details><summary>{counted(len(outcome.warnings), 'known finding')}</summary>"
        yield ""
        yield from _table(outcome.warnings, base)
        yield "</details>"
        yield ""
    if outcome.errors:
        yield f"**{counted(len(outcome.errors), 'file')} could not be checked:**"
        yield ""
        yield from (f"- {_link(error.path, error.line, base)}: {escaped(error.message)}" for error in outcome.errors)
        yield ""
    launches, files = counted(len(outcome.launches), "launch", "launches"), counted(outcome.files, "file")
    yield f"{launches} in {files}."


def _table(findings: tuple[Finding, ...], base: str | None) -> Iterator[str]:
    if not findings:
        return
    yield "| place | rule | task | what |"
    yield "| --- | --- | --- | --- |"
    for finding in findings:
        place = _link(finding.place.path, finding.place.line, base)
        rule = f"[{code_span(finding.tag)}]({pages.url(finding.rule)})"
        yield f"| {place} | {rule} | {code_span(finding.task)} | {escaped(finding.message)} |"
    yield ""


def _link(path: str, line: int, base: str | None) -> str:
    shown = code_span(f"{file_name(path)}:{line}")
    is_inside = not path.startswith(("/", "../"))
    return f"[{shown}]({base}/{quote(os.fsencode(path))}#L{line})" if base and is_inside else shown


def _base_url(environment: Mapping[str, str]) -> str | None:
    """Where the files of this commit are shown, as GitHub Actions and GitLab CI tell."""
    github = [environment.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "SHA")]
    if all(github):
        return "{}/{}/blob/{}".format(*github)
    gitlab = [environment.get(name) for name in ("CI_PROJECT_URL", "CI_COMMIT_SHA")]
    return "{}/-/blob/{}".format(*gitlab) if all(gitlab) else None
