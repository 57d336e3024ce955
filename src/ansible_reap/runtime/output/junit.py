"""The run's report as JUnit XML, with the file and line that GitLab and Jenkins show: a test case a job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ansible_reap.jobs import JobState
from ansible_reap.runtime.output.report import Run
from ansible_reap.runtime.policy.consequence import Consequence, judge
from ansible_reap.runtime.policy.options import Options
from ansible_reap.runtime.tracking.as_json import utc
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.tracker import JobRecord
from ansible_reap.runtime.tracking.wording import what
from ansible_reap.wording import duration

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(run: Run, jobs: Sequence[JobRecord], options: Options) -> str:
    """A suite a playbook run. What was only to be reported is skipped with a message, what fails is a failure."""
    verdicts = [judge(job, options) for job in jobs]
    counts = {
        "tests": len(jobs),
        "failures": sum(_is_failure(job, verdict) for job, verdict in zip(jobs, verdicts, strict=True)),
        "errors": 0,
    }
    attributes = {name: str(count) for name, count in counts.items()}
    skipped = sum(_is_skipped(job, verdict) for job, verdict in zip(jobs, verdicts, strict=True))
    about = {
        "name": _xml(" ".join(run.playbooks)),
        "timestamp": utc(run.started).rstrip("Z"),
        "time": f"{max(run.ended - run.started, 0.0):.3f}",
    }
    root = Element("testsuites", {"name": "ansible-reap", **attributes})
    suite = SubElement(root, "testsuite", {**about, **attributes, "skipped": str(skipped)})
    for job, verdict in zip(jobs, verdicts, strict=True):
        _case(suite, job, verdict)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _is_failure(job: JobRecord, verdict: Consequence) -> bool:
    return verdict is Consequence.FAILS or (verdict is Consequence.TOLD and job.came_up)


def _is_skipped(job: JobRecord, verdict: Consequence) -> bool:
    return not _is_failure(job, verdict) and (verdict is Consequence.TOLD or job.state is JobState.DETACHED)


def _case(suite: Element, job: JobRecord, verdict: Consequence) -> None:
    info = job.info
    task = shown(f"{info.task} ({info.item})" if info.item else info.task)
    path = fit(info.path, 4096)
    case = SubElement(
        suite,
        "testcase",
        name=_xml(f"{task} on {fit(info.host)}"),
        classname=_xml(path),
        file=_xml(path),
        line=str(info.line),
        time=f"{job.runtime_s or 0.0:.3f}",
    )
    if _is_failure(job, verdict):
        message = f"{shown(what(job))}; job {fit(info.jid)}, limit {duration(info.limit_s)}"
        failure = SubElement(case, "failure", type=job.state.value, message=_xml(message))
        failure.text = _xml(f"{path}:{info.line}: {task}: {message}" + (f"\n{shown(job.msg)}" if job.msg else ""))
    elif _is_skipped(job, verdict):
        reason = shown(f"detached: {info.site.reason}" if job.state is JobState.DETACHED else what(job))
        SubElement(case, "skipped", message=_xml(reason))


def _xml(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
