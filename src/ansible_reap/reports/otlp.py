"""A run's report as OpenTelemetry spans in the JSON encoding of OTLP 1.x (an ExportTraceServiceRequest).

The run is one span, each job a child of it. What is sent twice is the same: the ids are made from the run's and the
job's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_reap import __version__
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass
from ansible_reap.reports.run_report import Report, ReportedJob

_INTERNAL = 1
"""SPAN_KIND_INTERNAL"""
_OK, _ERROR = 1, 2
"""STATUS_CODE_OK, STATUS_CODE_ERROR"""
_TRACEPARENT = expression(r"[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}")
"""The header of W3C Trace Context; all zeros stand for none."""


@dataclass(frozen=True, slots=True)
class _Trace:
    """The trace that the run's spans are part of, and the span above the run, where there is one."""

    trace_id: str
    parent: str | None = None


def render(report: Report) -> str:
    """The request as one line; one without spans where the report does not tell the run's times."""
    return json.dumps(request(report), separators=(",", ":"))


def request(report: Report, resource: Mapping[str, str] | None = None, parent: str | None = None) -> dict[str, Any]:
    """The request. ``resource`` are attributes of the sender besides its name, ``parent`` a W3C ``traceparent``."""
    spans = []
    if report.started is not None and report.ended is not None:
        trace = _trace(report, parent)
        spans = [_run_span(report, trace, report.started, report.ended)]
        spans += [_job_span(job, report, trace, report.ended) for job in report.jobs if job.launched is not None]
    attributes = {"service.name": "ansible-reap", **(resource or {})}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(attributes)},
                "scopeSpans": [{"scope": {"name": "ansible_reap", "version": __version__}, "spans": spans}],
            }
        ]
    }


def _trace(report: Report, parent: str | None) -> _Trace:
    found = _TRACEPARENT.fullmatch(parent or "")
    return _Trace(found["trace"], found["span"]) if found else _Trace(_trace_id(report))


def _run_span(report: Report, trace: _Trace, started: datetime, ended: datetime) -> dict[str, Any]:
    return {
        "traceId": trace.trace_id,
        "spanId": _span_id(report.run),
        **({} if trace.parent is None else {"parentSpanId": trace.parent}),
        "name": f"ansible-playbook {' '.join(report.playbooks)}",
        "kind": _INTERNAL,
        "startTimeUnixNano": _nanoseconds(started),
        "endTimeUnixNano": _nanoseconds(max(started, ended)),
        "attributes": _attributes(
            {
                "ansible.run": report.run,
                "ansible.core.version": report.core,
                "ansible_reap.outcome": report.outcome,
                "ansible_reap.jobs": len(report.jobs),
            }
        ),
        "status": {"code": _OK if report.outcome == "ok" else _ERROR},
    }


def _job_span(job: ReportedJob, report: Report, trace: _Trace, run_end: datetime) -> dict[str, Any]:
    """One whose end nobody saw ends with the run."""
    launched = job.launched or run_end
    status: dict[str, Any] = {"code": _ERROR if job.is_problem else _OK}
    if job.is_problem and job.msg:
        status["message"] = job.msg
    return {
        "traceId": trace.trace_id,
        "spanId": _span_id(f"{report.run} {job.jid}"),
        "parentSpanId": _span_id(report.run),
        "name": job.task,
        "kind": _INTERNAL,
        "startTimeUnixNano": _nanoseconds(launched),
        "endTimeUnixNano": _nanoseconds(max(launched, job.finished or run_end)),
        "attributes": _attributes(
            {
                "ansible.job.id": job.jid,
                "ansible.host": job.host,
                "ansible.delegated_to": job.delegated_to,
                "ansible.play": job.play,
                "ansible.item": job.item,
                "code.file.path": job.path,
                "code.line.number": job.line,
                "ansible.async.limit_s": job.limit,
                "ansible.rc": job.rc,
                "ansible_reap.state": job.state.value,
                "ansible_reap.swallowed": job.swallowed,
                "ansible_reap.end_is_known": job.finished is not None,
            }
        ),
        "status": status,
    }


def _trace_id(report: Report) -> str:
    return hashlib.sha256(report.run.encode("utf-8", "replace")).hexdigest()[:32]


def _span_id(text: str) -> str:
    return hashlib.sha256(b"span " + text.encode("utf-8", "replace")).hexdigest()[:16]


def _nanoseconds(when: datetime) -> str:
    """OTLP's JSON has whole numbers of 64 bits as text."""
    return str(round(when.timestamp() * 1000) * 1_000_000)


def _attributes(values: Mapping[str, str | float | bool | None]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None]


def _value(value: str | float | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
