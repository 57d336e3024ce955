"""The ledger of a real run: what it holds, and that a run never breaks for it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.conftest import Run, Runner
from scenarios.test_first import LAUNCH, REAP, play
from scenarios.test_wait import in_matrix, ledgers

LONG = LAUNCH.replace("sleep 1", "sleep 20")


def the_ledger(got: Run) -> Path:
    (name,) = ledgers(got)
    return got.folder / "state" / "ansible-reap" / "ledger" / name


def listed(got: Run) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ansible_reap", "jobs", "--ledger-dir", str(the_ledger(got).parent), "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [job["jid"] for job in json.loads(done.stdout)["jobs"]]


def test_nothing_is_left_of_a_run_whose_jobs_were_all_reaped(run: Runner) -> None:
    got = run(play(LAUNCH, REAP), hosts=("h1", "h2"))
    assert got.status == 0, got.output
    assert ledgers(got) == []


@in_matrix
def test_a_job_left_running_stays_listed_after_the_run(run: Runner) -> None:
    got = run(play(LONG), options={"on_unreaped": "report"})
    assert got.status == 0, got.output
    assert listed(got) == [got.only_job()["jid"]]
    assert stat.S_IMODE(the_ledger(got).stat().st_mode) == 0o600


@pytest.mark.parametrize("by", ["inventory", "template", "fact"])
def test_jobs_all_reads_status_files_in_the_folder_that_the_inventory_names(
    run: Runner, tmp_path: Path, by: str
) -> None:
    """What a host reports as a fact is no inventory: it would say which files of the controller are opened."""
    folder = {"inventory": f"{tmp_path}/async", "template": "{{ base }}/async", "fact": "{{ base_fact }}/async"}[by]
    reporting = "    - fact:\n"
    module = f"""\
#!/bin/sh
echo '{{"ansible_facts": {{"base_fact": "{tmp_path}"}}}}'
"""
    got = run(
        play(reporting, LAUNCH, "    - ansible.builtin.pause: {seconds: 3}\n"),
        inventory=f"[all:vars]\nbase={tmp_path}\nbase_fact=/nowhere\n",
        files={"library/fact": module, "host_vars/h1.yml": f'ansible_async_dir: "{folder}"\n'},
        options={"on_unreaped": "report", "look": "false"},
    )
    assert got.status == 0, got.output
    done = subprocess.run(
        [sys.executable, "-m", "ansible_reap", "jobs", "--all", "--ledger-dir", str(the_ledger(got).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ("1 job: 1 left" if by == "fact" else "1 job: 1 ended")


@in_matrix
def test_an_unwritable_ledger_is_one_warning_and_the_run_goes_on(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    got = run(play(LAUNCH, REAP), hosts=("h1", "h2"), options={"ledger_dir": str(tmp_path / "file" / "ledger")})
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"], "h2": ["reaped"]}
    said = " ".join(got.output.split())
    assert said.count("cannot be written") == 1
    assert "point ledger_dir to a folder that can be written" in said


@in_matrix
def test_what_no_log_hides_is_not_in_the_ledger(run: Runner) -> None:
    hidden = LONG + "      no_log: true\n      loop: [s3cret]\n      vars: {ansible_password: s3cret}\n"
    got = run(play(hidden), options={"on_unreaped": "report"})
    text = the_ledger(got).read_text()
    assert got.only_job()["jid"] in text
    assert "s3cret" not in text


@in_matrix
def test_a_run_without_launches_touches_nothing(run: Runner) -> None:
    got = run(play("    - ansible.builtin.debug:\n"))
    assert got.status == 0, got.output
    assert not (got.folder / "state").exists()
