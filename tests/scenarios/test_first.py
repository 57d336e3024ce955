"""What a newcomer sees first: a green play turns red for an unreaped job, and green again once it is reaped."""

from __future__ import annotations

import pytest

from scenarios.conftest import Runner

LAUNCH = """
    - name: Start the backup
      ansible.builtin.command: sleep 1
      async: 30
      poll: 0
      register: backup
"""
REAP = """
    - name: Wait for the backup
      ansible.builtin.async_status:
        jid: "{{ backup.ansible_job_id }}"
      register: result
      until: result is finished
      retries: 30
      delay: 1
"""
LATER = """
- hosts: all
  tasks:
    - name: Build on it
      ansible.builtin.debug:
        msg: "{{ inventory_hostname }} went on"
"""


def play(*tasks: str, hosts: str = "all", **keywords: str) -> str:
    """A play of the tasks given, each indented by four."""
    head = "".join(f"  {key}: {value}\n" for key, value in keywords.items())
    return f"- hosts: {hosts}\n{head}  tasks:" + "".join(f"\n{task}" for task in tasks) + "\n"


def test_an_unreaped_job_fails_its_host_alone(run: Runner) -> None:
    only_one = LAUNCH + "      when: inventory_hostname == 'h1'\n"
    got = run(play(only_one) + LATER, hosts=("h1", "h2", "h3"))
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert "h1 went on" not in got.stdout
    assert "h2 went on" in got.stdout
    assert "h3 went on" in got.stdout
    job = got.only_job()
    assert (job["host"], job["state"], job["path"], job["line"]) == ("h1", "unreaped", "site.yml", 4)
    assert job["last_seen"] in {"running", "finished"}
    assert job["seen_by"] is None
    assert got.report is not None
    assert got.report["outcome"] == "failed"
    assert any("unreaped" in line and "h1" in line and "site.yml:4" in line for line in got.async_recap)
    assert got.recap["h1"] == {
        "ok": 1, "changed": 1, "unreachable": 0, "failed": 1, "skipped": 0, "rescued": 0, "ignored": 0
    }  # fmt: skip
    assert got.recap["h2"]["skipped"] == 1


def test_a_reaped_job_leaves_the_run_as_it_is(run: Runner) -> None:
    got = run(play(LAUNCH, REAP) + LATER)
    assert got.status == 0, got.output
    assert got.only_job()["state"] == "reaped"
    assert got.only_job()["seen_by"] == "playbook"
    assert got.async_recap == []
    assert "async_reaper" not in got.stdout


@pytest.mark.parametrize("look", ["true", "false"])
def test_report_mode_says_so_and_changes_nothing(run: Runner, look: str) -> None:
    options = {"on_unreaped": "report", "look": look}
    got = run(play(LAUNCH) + LATER, options=options)
    assert got.status == 0, got.output
    assert got.recap["h1"] == {
        "ok": 2, "changed": 1, "unreachable": 0, "failed": 0, "skipped": 0, "rescued": 0, "ignored": 0
    }  # fmt: skip
    assert "h1 went on" in got.stdout
    assert got.only_job()["state"] == "unreaped"
    assert (got.only_job()["last_seen"] is None) == (look == "false")
    assert got.report is not None
    assert got.report["outcome"] == "reported"
    assert got.async_recap


def test_a_job_reaped_in_a_later_play_is_left_to_it(run: Runner) -> None:
    got = run(play(LAUNCH) + LATER + play(REAP), hosts=("h1", "h2"))
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"], "h2": ["reaped"]}


def test_a_job_that_a_later_play_forgets_fails_there(run: Runner) -> None:
    forgetful = REAP + "      when: inventory_hostname == 'h1'\n"
    got = run(play(LAUNCH) + LATER + play(forgetful), hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert got.failed() == {"h2"}
    assert "h2 went on" in got.stdout
    assert got.states() == {"h1": ["reaped"], "h2": ["unreaped"]}


def test_a_failed_job_that_nobody_reaps_is_called_failed(run: Runner) -> None:
    doomed = LAUNCH.replace("sleep 1", "/bin/false")
    got = run(play(doomed, "    - ansible.builtin.pause: {seconds: 1}"))
    assert got.status == 2, got.output
    job = got.only_job()
    assert (job["state"], job["seen_by"], job["rc"]) == ("failed", "gate", 1)


def test_reap_mode_waits_and_passes(run: Runner) -> None:
    got = run(play(LAUNCH) + LATER, options={"on_unreaped": "reap"})
    assert got.status == 0, got.output
    job = got.only_job()
    assert (job["state"], job["seen_by"], job["last_seen"]) == ("reaped", "gate", "finished")
    assert "h1 went on" in got.stdout
    assert not list((got.folder / "async").glob("j*")), "the gate cleans up what it has reaped"


def test_reap_mode_fails_for_a_failed_job(run: Runner) -> None:
    doomed = LAUNCH.replace("ansible.builtin.command: sleep 1", "ansible.builtin.shell: sleep 1; exit 3")
    got = run(play(doomed) + LATER, options={"on_unreaped": "reap"})
    assert got.status == 2, got.output
    job = got.only_job()
    assert (job["state"], job["seen_by"], job["rc"]) == ("failed", "gate", 3)
    assert got.failed() == {"h1"}
