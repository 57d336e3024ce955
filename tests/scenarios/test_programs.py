"""What other programs get of a run: metrics, a step's summary, a webhook's message, spans. None of it fails the run."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios.conftest import Run, Runner
from scenarios.test_first import LAUNCH, REAP, play
from support import environments
from support.receiver import Receiver, receiving

HIDDEN = """
    - name: Start what is hidden
      ansible.builtin.shell: echo S3CRET; exit 3
      async: 30
      poll: 0
      no_log: true
      loop: [S3CRET-item]
    - name: Give it time to fail
      ansible.builtin.pause:
        seconds: 3
"""
DIRECT = {"http_proxy": "", "https_proxy": "", "no_proxy": "127.0.0.1"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def warnings(got: Run) -> str:
    return " ".join((got.stdout + got.stderr).split())


def test_the_metrics_of_a_run_can_be_read_by_node_exporter(run: Runner, tmp_path: Path) -> None:
    got = run(play(LAUNCH), options={"metrics_path": f"{tmp_path}/textfile/"})
    assert got.status == 2
    file = tmp_path / "textfile" / "ansible-reap-site.prom"
    text = file.read_text()
    assert 'ansible_reap_run_jobs{playbook="site.yml",state="unreaped"} 1\n' in text
    assert file.stat().st_mode & 0o044 == 0o044
    # The next run takes its place: old figures would stay for ever.
    assert run(play(LAUNCH, REAP), options={"metrics_path": f"{tmp_path}/textfile/"}).status == 0
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    assert 'state="unreaped"} 0\n' in file.read_text()


def test_a_run_without_jobs_has_metrics_too(run: Runner, tmp_path: Path) -> None:
    got = run(play("    - ansible.builtin.debug:\n"), options={"metrics_path": str(tmp_path / "m.prom")})
    assert got.status == 0, got.output
    assert 'state="reaped"} 0\n' in (tmp_path / "m.prom").read_text()


def test_the_steps_summary_gets_the_recap(run: Runner, tmp_path: Path) -> None:
    step = tmp_path / "summary.md"
    step.write_text("# Deploy\n")
    env = {"GITHUB_STEP_SUMMARY": str(step)}
    assert run(play(LAUNCH, REAP), env=env).status == 0
    assert step.read_text() == "# Deploy\n", "there is nothing to say of a clean run"
    assert run(play(LAUNCH), env=env).status == 2
    head, _, table = step.read_text().partition("| state |")
    assert head.startswith("# Deploy\n### Async jobs of `site.yml`: failed\n\n1 launched: 1 unreaped.\n")
    assert "| unreaped | `h1` | `Start the backup` | `site.yml:4` |" in table
    got = run(play(LAUNCH), env={"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert got.status == 2
    assert "GITHUB_STEP_SUMMARY cannot be written: Is a directory; the run goes on" in warnings(got)


def test_the_webhook_gets_the_summary_and_nothing_hidden(run: Runner, receiver: Receiver) -> None:
    options = {"webhook": receiver.address("/hook?token=t0ken", user="me:pa%40ss"), "on_failed": "report"}
    got = run(play(LAUNCH, HIDDEN), options=options, env=DIRECT)
    assert got.status == 2, got.output
    (request,) = receiver.requests
    assert request.path == "/hook?token=t0ken"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Basic bWU6cGFAc3M="
    assert b"S3CRET" not in request.body
    found = json.loads(request.body)
    assert got.report is not None
    assert found["summary"] == got.report["summary"]
    assert (found["version"], found["run"], found["outcome"]) == (1, got.report["run"], "failed")
    assert "jobs" not in found
    first, *lines = found["text"].splitlines()
    assert first == "site.yml: failed; async jobs: 2 launched, 1 failed, 1 unreaped"
    assert sorted(line.partition(", job ")[0] for line in lines) == [
        "failed: h1: 'Start what is hidden' at site.yml:11",
        "unreaped: h1: 'Start the backup' at site.yml:4",
    ]


def test_a_webhook_that_fails_costs_a_warning_without_its_secrets(run: Runner, receiver: Receiver) -> None:
    options = {"webhook": receiver.address("/services/t0ken", user="me:passw0rd")}
    shown = f"webhook: nothing reached http://127.0.0.1:{receiver.port} "
    receiver.status = 500
    got = run(play(LAUNCH, REAP), options=options, env=DIRECT)
    assert got.status == 0, got.output
    assert shown + "(it answered with status 500); the run goes on without it." in warnings(got)
    # Nor is a redirection followed, with what the request holds.
    receiver.status, receiver.location = 307, receiver.address("/elsewhere")
    got = run(play(LAUNCH, REAP), options=options, env=DIRECT)
    assert got.status == 0, got.output
    assert "(it answered with status 307)" in warnings(got)
    assert {request.path for request in receiver.requests} == {"/services/t0ken"}
    receiver.silence = threading.Event()
    got = run(play(LAUNCH, REAP), options=options, env=DIRECT)
    assert got.status == 0, got.output
    assert shown + "(no answer within 1 s)" in warnings(got)
    for text in (got.stdout, got.stderr):
        assert "t0ken" not in text
        assert "passw0rd" not in text


OTLP = environments.environment("otlp")
PARSE = """
import base64, json, sys
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
document = json.load(sys.stdin)
# The one exception from protobuf's JSON mapping that OTLP makes: ids are hexadecimal, not base64.
for scope in document["resourceSpans"][0]["scopeSpans"]:
    for span in scope["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in span:
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
request = Parse(json.dumps(document), ExportTraceServiceRequest())
(resource,) = request.resource_spans
(scope,) = resource.scope_spans
def plain(attributes):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
print(json.dumps({
    "resource": plain(resource.resource.attributes),
    "spans": [{"trace": span.trace_id.hex(), "id": span.span_id.hex(), "parent": span.parent_span_id.hex(),
               "name": span.name, "took": span.end_time_unix_nano - span.start_time_unix_nano,
               "status": span.status.code, **plain(span.attributes)} for span in scope.spans],
}))
"""


def spans_of(body: bytes) -> dict[str, Any]:
    """What OpenTelemetry's own definition of the request reads in it."""
    assert OTLP is not None
    done = subprocess.run([OTLP / "bin" / "python", "-c", PARSE], input=body, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


@pytest.mark.skipif(OTLP is None, reason="NOT TESTED AGAINST OTLP'S DEFINITION: no environment of that name")
def test_spans_go_where_the_opentelemetry_callback_sends_its_own(run: Runner, receiver: Receiver) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    env = {
        **DIRECT,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.address(""),
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t0ken,x-team=ops",
        "OTEL_SERVICE_NAME": "nightly",
        "TRACEPARENT": parent,
    }
    alone = run(play(LAUNCH, HIDDEN), env=env)
    assert receiver.requests == [], "without that callback nobody has asked for traces of Ansible"
    both = "async_reaper,community.general.opentelemetry"
    got = run(play(LAUNCH, HIDDEN), env=env, callbacks=both)
    assert got.status == alone.status == 2, got.output
    (request,) = receiver.requests
    assert request.path == "/v1/traces"
    assert (request.headers["Authorization"], request.headers["X-Team"]) == ("Bearer t0ken", "ops")
    assert b"S3CRET" not in request.body
    found = spans_of(request.body)
    assert found["resource"] == {"service.name": "nightly"}
    whole, *jobs = found["spans"]
    assert (whole["trace"], whole["parent"]) == tuple(parent.split("-")[1:3])
    assert {span["trace"] for span in jobs} == {whole["trace"]}
    assert {span["parent"] for span in jobs} == {whole["id"]}
    assert {span["name"]: span["ansible_reap.state"] for span in jobs} == {
        "Start the backup": "unreaped",
        "Start what is hidden": "failed",
    }
    assert all(span["took"] >= 0 and span["status"] == 2 for span in jobs)
    assert "t0ken" not in got.output
