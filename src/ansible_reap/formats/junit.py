"""JUnit XML: each launch is a test case; a finding is a failure, an unreadable file an error."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from ansible_reap.checks.finding import Finding
from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import file_name, one_line


def render(outcome: Outcome) -> str:
    spoken = {(finding.place.path, finding.place.line) for finding in (*outcome.findings, *outcome.warnings)}
    cases = [_finding(finding, is_warning=False) for finding in outcome.findings]
    cases += [_finding(finding, is_warning=True) for finding in outcome.warnings]
    cases += [
        _case(error.path, place, _problem("error", "unreadable", place, error.message))
        for error in outcome.errors
        for place in (f"{error.path}:{error.line}",)
    ]
    cases += [
        _case(launch.task.path, f"{launch.task.label} ({launch.verdict.value}, line {launch.task.line})", "")
        for launch in outcome.launches
        if (launch.task.path, launch.task.line) not in spoken
    ]
    counts = (
        f'tests="{len(cases)}" failures="{len(outcome.findings)}" errors="{len(outcome.errors)}"'
        f' time="{outcome.elapsed:.3f}"'
    )
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="ansible-reap" {counts}>',
            f' <testsuite name="ansible-reap check" {counts} skipped="{len(outcome.warnings)}">',
            *cases,
            " </testsuite>",
            "</testsuites>",
        )
    )


def _finding(finding: Finding, *, is_warning: bool) -> str:
    if is_warning:
        body = f"<skipped message={_attribute(finding.message)}/>"
    else:
        body = _problem("failure", finding.tag, str(finding.place), finding.message)
    return _case(finding.place.path, f"{finding.tag} {finding.task} (line {finding.place.line})", body)


def _problem(element: str, kind: str, place: str, message: str) -> str:
    """Some readers show the message, some the text."""
    text = _text(one_line(f"{file_name(place)}: {message}"))
    return f"<{element} type={_attribute(kind)} message={_attribute(message)}>{text}</{element}>"


def _case(path: str, name: str, body: str) -> str:
    file = quoteattr(file_name(path))
    head = f'  <testcase classname={file} name={_attribute(name)} file={file} time="0"'
    return f"{head}>{body}</testcase>" if body else f"{head}/>"


def _attribute(text: str) -> str:
    return quoteattr(one_line(text))


def _text(text: str) -> str:
    return escape(text)
