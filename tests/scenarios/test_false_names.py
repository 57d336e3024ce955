"""A fact may be called ``inventory_hostname``: no host takes the name of another by it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scenarios.conftest import Runner
from scenarios.plays import launch, play
from scenarios.test_lying_hosts import COLLECT, EVIL, Liar, ledger, liar, told

__all__ = ["liar"]

ENDED = {"started": 1, "finished": 1, "rc": 0, "changed": True}
SETUP = "- ansible.builtin.setup:\n  when: inventory_hostname == 'evil'\n"
ONE_AFTER_THE_OTHER = {"ANSIBLE_FORKS": "1"}


def called(name: object) -> dict[str, object]:
    """What ``setup`` says on a host that goes by that name."""
    return {"changed": False, "ansible_facts": {"inventory_hostname": name}}


def asked(liar: Liar) -> set[str]:
    return set((liar.said / "asked").read_text().split())


@pytest.mark.parametrize("playbook", ["collect", "stop"])
def test_no_host_answers_for_the_jobs_of_the_ledger_of_another(liar: Liar, tmp_path: Path, playbook: str) -> None:
    stopped = {"changed": True, "jobs": [{"jid": "j1.1", "outcome": "stopped", "detail": "ok", "processes": 1}]}
    liar.says(setup=called("good"), async_status=ENDED, stop=stopped)
    work = COLLECT if playbook == "collect" else play("- reap.jobs.stop: {tasks: ['*']}\n")
    got = liar.run(
        play("- ansible.builtin.setup:\n", hosts="evil"),
        work,
        hosts=(EVIL, "good"),
        options=ledger(tmp_path / "ledgers", told("j1.1", "good")),
        env=ONE_AFTER_THE_OTHER,
    )
    assert asked(liar) == {"setup"}
    assert not got.recap["evil"]["failed"]
    if playbook == "collect":
        assert (got.status, got.states()) == (2, {"good": ["lost"]}), got.output
    else:
        assert "job j1.1: not found" in got.output
        assert list((tmp_path / "ledgers").glob("*.ledger")), "the job is still open"


def test_no_host_waits_for_the_jobs_of_another(liar: Liar) -> None:
    liar.says(setup=called("good"), async_status=ENDED)
    wait = launch("exit 3", when="inventory_hostname == 'good'") + SETUP + "- reap.jobs.wait:\n"
    got = liar.run(play(wait), hosts=(EVIL, "good"), env=ONE_AFTER_THE_OTHER)
    assert (got.status, got.only_job()["state"]) == (2, "failed"), got.output
    assert asked(liar) == {"setup"}


@pytest.mark.parametrize("look", ["", "- reap.jobs.wait:\n"])
def test_a_host_is_reached_with_its_own_variables(liar: Liar, look: str) -> None:
    """Those of the play are filled in for the host: they may hold the password that it is to get."""
    liar.says(
        setup=called("good"),
        async_wrapper={"started": 1, "finished": 0, "changed": True, "ansible_job_id": "j2.2", "results_file": "/j2.2"},
        async_status=ENDED,
    )
    got = liar.run(
        play(
            launch("exit 0", when="inventory_hostname in groups.liars"),
            SETUP,
            look,
            vars="{ansible_async_dir: '/{{ place }}-of-{{ inventory_hostname }}'}",
        ),
        hosts=("good place=theirs", f"{EVIL} place=mine", "[liars]", "evil"),
    )
    assert "/mine-of-evil" in liar.sent("async_status"), got.output


GATE = """\
- hosts: all
  strategy: free
  tasks:
    - ansible.builtin.setup:
    - name: Start it
      ansible.builtin.shell: sleep 1
      async: 60
      poll: 0
      when: "'victims' in group_names"
    - ansible.builtin.shell: for _ in $(seq 300); do [ -f "{{ playbook_dir }}/dumping" ] || sleep 0.1; done
      when: "'liars' in group_names"
    - ansible.builtin.command: "true"
      notify: [Dump, Restart]
      when: "'victims' in group_names"
    - ansible.builtin.command: touch "{{ playbook_dir }}/here"
      when: "'liars' in group_names"
  handlers:
    - name: Dump
      ansible.builtin.shell: |
        cd "{{ playbook_dir }}"; touch dumping
        for _ in $(seq 300); do [ -f here ] || sleep 0.1; done; sleep 2
    - name: Restart
      ansible.builtin.debug: {msg: RESTARTED}
"""


@pytest.mark.parametrize("name", ["v1", "nobody", ["v1"]])
def test_no_host_comes_to_the_gate_under_the_name_of_another(run: Runner, tmp_path: Path, name: object) -> None:
    """There its handlers would be over, and its launches lost."""
    python = Path(shutil.copy(Path(__file__).parent / "hosts" / "python_of_a_host", tmp_path / "python"))
    python.chmod(0o755)
    (tmp_path / "ANSWERS.json").write_text(json.dumps({"setup": json.dumps(called(name))}))
    local = "ansible_connection=ansible.builtin.local"
    got = run(
        GATE,
        hosts=("v1", f"evil {local} ansible_python_interpreter={python}", "[victims]", "v1", "[liars]", "evil"),
        options={"on_unreaped": "report"},
    )
    assert (got.status, got.states()) == (0, {"v1": ["unreaped"]}), got.output
    assert "RESTARTED" in got.output
    assert "error of its own" not in got.output
