"""A run's report in the forms of other programs."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_reap.cli import main
from ansible_reap.reports import otlp, prometheus, run_report, summary
from support import environments

JOB: dict[str, Any] = {
    "jid": "j1.1",
    "host": "web1",
    "delegated_to": None,
    "play": "all",
    "task": "Start the backup",
    "path": "site.yml",
    "line": 12,
    "item": None,
    "limit_s": 3600,
    "poll": 0,
    "state": "reaped",
    "last_seen": "finished",
    "seen_by": "playbook",
    "swallowed": False,
    "reason": None,
    "rc": 0,
    "msg": None,
    "launched": "2026-11-22T10:00:10Z",
    "finished": "2026-11-22T10:01:10Z",
    "runtime_s": 60.5,
    "reap": None,
}
HOSTILE = 'Say "hi" \\ <b>|`x`</b>\n::error::x'
BAD = {
    **JOB,
    "jid": "j2.1",
    "host": "web2",
    "task": HOSTILE,
    "line": 20,
    "state": "failed",
    "rc": 3,
    "msg": "disk | full\n# HELP x",
    "finished": None,
    "runtime_s": None,
}


def written(folder: Path, *jobs: dict[str, Any], outcome: str = "failed") -> Path:
    path = folder / "run.json"
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "run": "2026-11-22T10:00:00Z-4711",
                "playbooks": ["site.yml"],
                "ansible_core": "2.21.5",
                "started": "2026-11-22T10:00:00Z",
                "ended": "2026-11-22T10:02:00Z",
                "outcome": outcome,
                "jobs": list(jobs),
                "summary": {},
            }
        )
    )
    return path


@pytest.fixture
def report(tmp_path: Path) -> run_report.Report:
    return run_report.read(written(tmp_path, JOB, {**JOB, "jid": "j3.1", "runtime_s": 90}, BAD))


LINE = re.compile(
    r"# (HELP|TYPE) ansible_reap_\w+ .+"
    r'|(?P<name>ansible_reap_\w+)\{(?P<labels>(\w+="(\\.|[^"\\\n])*",?)*)\} (?P<value>-?[0-9.e+]+)'
)
"""The lines of the text format; see https://prometheus.io/docs/instrumenting/exposition_formats/."""


def test_prometheus_has_one_series_a_launch(report: run_report.Report) -> None:
    text = prometheus.render(report)
    assert text.endswith("\n")
    matches = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(matches), text
    samples = {(m["name"], m["labels"]): float(m["value"]) for m in matches if m and m["name"]}
    site = 'playbook="site.yml",task="Start the backup",path="site.yml",line="12"'
    assert samples["ansible_reap_launch_runtime_seconds", site] == 90
    assert samples["ansible_reap_launch_limit_seconds", site] == 3600
    assert samples["ansible_reap_run_jobs", 'playbook="site.yml",state="reaped"'] == 2
    assert samples["ansible_reap_run_jobs", 'playbook="site.yml",state="failed"'] == 1
    assert samples["ansible_reap_run_duration_seconds", 'playbook="site.yml"'] == 120
    problems = {labels: value for (name, labels), value in samples.items() if name.endswith("launch_problem_jobs")}
    assert sorted(problems.values()) == [0, 1]
    assert "j1.1" not in text


PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = text_string_to_metric_families(sys.stdin.read())
print(json.dumps([[sample.name, sample.labels, sample.value] for family in families for sample in family.samples]))
"""


@pytest.mark.skipif(environments.environment("otlp") is None, reason="no environment otlp: tools/envs.py make otlp")
def test_prometheus_is_read_by_prometheus_own_parser(tmp_path: Path) -> None:
    text = prometheus.render(run_report.read(written(tmp_path, JOB, BAD)))
    python = environments.program("otlp", "python")
    done = subprocess.run([python, "-c", PARSE], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    samples = json.loads(done.stdout)
    assert len(samples) == sum(not line.startswith("#") for line in text.splitlines())
    assert {labels["task"] for _, labels, _ in samples if "task" in labels} == {JOB["task"], HOSTILE}


def test_every_family_is_named_once(report: run_report.Report) -> None:
    named = re.findall(r"^# TYPE (\S+)", prometheus.render(report), re.MULTILINE)
    assert len(named) == len(set(named)) >= 8


def test_spans_are_children_of_the_run(report: run_report.Report) -> None:
    (resource,) = json.loads(otlp.render(report))["resourceSpans"]
    run, *jobs = resource["scopeSpans"][0]["spans"]
    assert len(jobs) == 3
    assert {job["traceId"] for job in jobs} == {run["traceId"]}
    assert {job["parentSpanId"] for job in jobs} == {run["spanId"]}
    assert len({span["spanId"] for span in (run, *jobs)}) == 4
    assert re.fullmatch("[0-9a-f]{32}", run["traceId"])
    assert re.fullmatch("[0-9a-f]{16}", run["spanId"])
    assert int(jobs[0]["endTimeUnixNano"]) - int(jobs[0]["startTimeUnixNano"]) == 60 * 10**9
    assert jobs[2]["endTimeUnixNano"] == run["endTimeUnixNano"], "its end is not known"
    assert [job["status"]["code"] for job in jobs] == [1, 1, 2]


def test_markdown_shows_what_needs_a_look_and_no_markup_of_others(report: run_report.Report) -> None:
    text = summary.markdown(report)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert "3 launched: 2 reaped, 1 failed." in text
    assert len(rows) == 3  # heading, rule, the failed job
    assert "Start the backup" not in text
    assert len(re.findall(r"(?<!\\)\|", rows[2])) == 7, "a bar in a name made a column"
    assert "rc 3: disk \\| full" in rows[2]


def test_github_gets_one_command_a_problem(report: run_report.Report) -> None:
    (line,) = summary.github(report).splitlines()
    assert line.startswith("::error file=site.yml,title=async job failed,line=20::web2: ")
    assert ": rc 3: disk | full" in line


def test_a_run_without_problems_annotates_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(written(tmp_path, JOB, outcome="ok")), "--format", "github"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("form", ["text", "prometheus", "otlp-json", "markdown", "github"])
def test_each_form_can_be_written_to_a_file(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = written(tmp_path, JOB, BAD)
    assert main(["report", str(report), "--format", form]) == 0
    shown = capsys.readouterr().out
    assert main(["report", str(report), "--format", form, "--output", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out").read_text().rstrip("\n") == shown.rstrip("\n") != ""
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
