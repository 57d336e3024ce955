"""``ansible -B 600 -P 0``: the job is in the ledger, ``jobs`` shows it and ``collect`` brings it home."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from scenarios.test_collect import Controller
from support import environments


def ad_hoc(controller: Controller, *args: str, loaded: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [environments.program(f"core-{controller.core}", "ansible"), "all", "-i", "hosts.ini", *args],
        cwd=controller.folder,
        env={
            **controller.environment,
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true" if loaded else "false",
            "ASYNC_REAPER_REPORT_PATH": str(controller.folder / "ad-hoc.json"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_job_of_an_ad_hoc_command_is_not_lost(core: str, tmp_path: Path) -> None:
    controller = Controller(core, tmp_path)
    launch = ("-B", "600", "-P", "0", "-m", "command", "-a", "sleep 1")
    without = ad_hoc(controller, *launch, loaded=False)
    assert controller.ledgers() == []
    done = ad_hoc(controller, *launch)
    assert done.returncode == without.returncode == 0, done.stdout + done.stderr
    assert "async_reaper" not in done.stdout + done.stderr
    assert "ASYNC RECAP" not in done.stdout
    assert not (tmp_path / "ad-hoc.json").exists(), "the report is that of playbooks"
    listed = controller.listed()["jobs"]
    assert {(job["host"], job["task"], job["path"]) for job in listed} == {
        (host, "command", "ad-hoc command") for host in ("h1", "h2")
    }
    assert all(job["jid"] in done.stdout for job in listed)
    lines = subprocess.run(
        [sys.executable, "-m", "ansible_reap", "jobs"],
        env=controller.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"^run \S+ of an ad-hoc command on ", lines.stdout)
    assert lines.stdout.count("'command' at ad-hoc command, job") == len(listed)
    got = controller.collect("-e", "wait=true")
    assert got.status == 0, got.output
    assert sorted(job["state"] for job in got.jobs) == ["reaped", "reaped"]
    assert controller.ledgers() == []


def test_an_ad_hoc_command_that_waits_leaves_no_ledger(core: str, tmp_path: Path) -> None:
    controller = Controller(core, tmp_path)
    done = ad_hoc(controller, "-B", "600", "-P", "1", "-m", "command", "-a", "sh -c 'exit 3'")
    assert done.returncode == 2
    assert "async_reaper" not in done.stdout + done.stderr
    assert controller.ledgers() == []
