"""``ansible-reap history``: what it shows, in which order, and what it forgets."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ansible_reap.cli import main
from ansible_reap.history.database import parse_address
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.store import Store

NOW = datetime.now(timezone.utc).replace(microsecond=0)
LAUNCHES = {"Roomy": (10.0, 3600.0), "Tight": (400.0, 600.0), "Fair": (100.0, 600.0)}
"""Seconds taken on the slower of two hosts, and the limit."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with six runs of three launches on two hosts in a store of its own; db2 is the slow one."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "ansible.cfg").write_text("[callback_async_reaper]\nhistory = times.db\n")
    address = parse_address(str(root / "times.db"))
    assert address is not None
    jobs = [
        Observation(
            run=f"{(NOW - timedelta(days=n)):%Y-%m-%dT%H:%M:%S}Z-1",
            job=f"{task}-{n}-{host}",
            project="shop",
            identity=Identity("site.yml", task),
            host=host,
            outcome=Ending.FINISHED,
            seconds=seconds * share,
            uncertainty=0.0,
            limit=limit,
            launched=NOW - timedelta(days=n),
            core="2.21.5",
        )
        for n in range(6)
        for task, (seconds, limit) in LAUNCHES.items()
        for host, share in (("db1", 0.5), ("db2", 1.0))
    ]
    Store(address).add(jobs)
    return root


def shown(capsys: pytest.CaptureFixture[str], project: Path, *options: str) -> str:
    capsys.readouterr()
    assert main(["history", "show", "--project-dir", str(project), *options]) == 0
    return capsys.readouterr().out


def test_the_tightest_limit_stands_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, project).splitlines()
    assert [line.rsplit(": ", 1)[-1] for line in lines[1:]] == ["Tight", "Fair", "Roomy"]
    assert lines[0].split() == ["RUNS", "MEDIAN", "P95", "MAX", "BOUND", "LEVEL", "LIMIT", "HEADROOM", "LAUNCH"]
    assert lines[1].split()[:2] == ["6", "400"]
    assert " 1.5  " in lines[1]


def test_hosts_are_told_apart_on_demand(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, project, "--by-host").splitlines()
    assert [line.rsplit(": ", 1)[-1] for line in lines[1:3]] == ["Tight  on db2", "Tight  on db1"]
    launches = json.loads(shown(capsys, project, "--by-host", "--format", "json"))["launches"]
    tight = {each["host"]: each["max_s"] for each in launches if each["task"] == "Tight"}
    assert tight == {"db1": 200, "db2": 400}
    page = project / "times.html"
    shown(capsys, project, "--by-host", "--html", str(page))
    assert "on <bdi>db2</bdi>" in page.read_text(encoding="utf-8")


def test_the_committed_file_knows_no_hosts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "export", "--project-dir", str(project)]) == 0
    assert "db2" not in (project / ".ansible-reap" / "history.json").read_text(encoding="utf-8")
    assert main(["history", "show", "--committed", "--by-host", "--project-dir", str(project)]) == 2
    assert "has no hosts" in capsys.readouterr().err


def test_a_launch_can_be_forgotten_by_its_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "prune", "--launch", "*: Tight", "--project-dir", str(project)]) == 0
    assert "12 jobs forgotten" in capsys.readouterr().out
    assert "Tight" not in shown(capsys, project)


def test_old_runs_can_be_forgotten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "prune", "--older-than", "2.5", "--project-dir", str(project)]) == 0
    launches = json.loads(shown(capsys, project, "--format", "json"))["launches"]
    assert [each["runs"] for each in launches] == [3, 3, 3]


PLAYBOOK = """\
- hosts: all
  tasks:
    - name: {task}
      ansible.builtin.command: work
      async: {limit}
      poll: 0
      register: job
    - name: Wait
      ansible.builtin.async_status:
        jid: "{{{{ job.ansible_job_id }}}}"
      register: result
      until: result is finished
      retries: 100
      delay: 10
"""


def limits(capsys: pytest.CaptureFixture[str], project: Path, *options: str) -> str:
    capsys.readouterr()
    assert main(["history", "limits", "--project-dir", str(project), *options]) == 0
    return capsys.readouterr().out


def test_the_limits_to_change_are_listed_with_the_number_to_write(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heading, row, *rest = limits(capsys, project).splitlines()
    assert heading.split() == ["LIMIT", "WRITE", "HEADROOM", "WHY", "RUNS", "LAUNCH"]
    assert row.split() == ["600", "s", "async:", "900", "1.5", "tight", "6", "site.yml:", "Tight"]
    assert rest == ["", "ansible-reap check --history local --fix --unsafe-fixes writes these."]
    (entry,) = json.loads(limits(capsys, project, "--format", "json"))["limits"]
    assert (entry["task"], entry["limit_s"], entry["write_s"], entry["why"]) == ("Tight", 600.0, 900, "tight")
    tasks = [
        each["task"] for each in json.loads(limits(capsys, project, "--headroom", "8", "--format", "json"))["limits"]
    ]
    assert tasks == ["Tight", "Fair"], "the tightest first"
    assert limits(capsys, project, "--headroom", "1") == (
        "no limit of shop needs to be changed, by what was measured\n"
    )


def test_a_check_writes_the_number_when_it_is_told_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook = project / "site.yml"
    playbook.write_text(PLAYBOOK.format(task="Tight", limit=600))
    (entry,) = json.loads(limits(capsys, project, "--format", "json"))["limits"]
    command = ["check", str(project), "--project-dir", str(project), "--history", "local", "--select", "async-timeout"]
    main([*command, "--fix"])
    assert "async: 600\n" in playbook.read_text(), "how long work may take is not for a safe fix to say"
    main([*command, "--fix", "--unsafe-fixes"])
    assert f"async: {entry['write_s']}\n" in playbook.read_text()
