"""Which jobs the gate leaves to a later play, or to the hosts of its own play that are not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from scenarios.conftest import Runner
from scenarios.plays import launch, play, reap, say
from scenarios.test_wait import collection_at
from support import environments

in_matrix = pytest.mark.parametrize("core", environments.side_cores(), indirect=True)
HOSTS = ("h1", "h2")
STARTED = launch("sleep 1")
HOSTVARS = "hostvars['h1'].job.ansible_job_id"
PLUGIN = """\
    import os, time
    from ansible.plugins.action import ActionBase
    class ActionModule(ActionBase):
        def run(self, tmp=None, task_vars=None):
            super().run(tmp, task_vars)
            for _ in range(40):
                found = self._execute_module(
                    module_name="ansible.legacy.async_status",
                    module_args={"jid": self._task.args["jid"], "_async_dir": task_vars["ansible_async_dir"]},
                    task_vars=task_vars,
                )
                if found.get("finished"):
                    break
                time.sleep(0.5)
            return found
"""
IN_COLLECTION = "collections/ansible_collections/some/thing"
BY_PLUGIN = "- {name}: {{jid: '{{{{ job.ansible_job_id }}}}'}}\n"


class Case(NamedTuple):
    """A playbook whose first play starts a job on h1, and whose second one waits for it."""

    first: str
    second: str
    files: Mapping[str, str] = MappingProxyType({})
    inventory: str = ""


LEFT = {
    "delegated facts": Case(
        play(
            STARTED
            + "- ansible.builtin.set_fact: {jids: ['{{ job.ansible_job_id }}']}\n"
            + "  delegate_to: h2\n  delegate_facts: true\n",
            hosts="h1",
        ),
        play(reap(jid="item", loop="'{{ jids }}'", delegate_to="h1"), hosts="h2"),
    ),
    "filters and tests that only Ansible has": Case(
        play(STARTED, hosts="h1"),
        play(reap(jid="([job] | flatten | select('changed') | first).ansible_job_id"), hosts="h1"),
    ),
    "a group made in the run": Case(
        play(STARTED + "- ansible.builtin.group_by: {key: made}\n", hosts="h1"), play(reap(), hosts="made")
    ),
    "a group made in an include": Case(
        play(STARTED + "- ansible.builtin.include_tasks: group.yml\n", hosts="h1"),
        play(reap(), hosts="made"),
        {"group.yml": "- ansible.builtin.group_by: {key: made}\n"},
    ),
    "hostvars through a variable of the inventory": Case(
        play(STARTED, hosts="h1"),
        play(reap(jid="of_the_other"), hosts="h2"),
        inventory='[h2s]\nh2\n[h2s:vars]\nof_the_other="{{ ' + HOSTVARS + ' }}"\n',
    ),
    "an include for another host": Case(
        play(STARTED, hosts="h1"),
        play("- ansible.builtin.include_tasks: collect.yml\n", hosts="h2"),
        {"collect.yml": reap(jid=HOSTVARS)},
    ),
    "a role's dependency": Case(
        play(STARTED, hosts="h1"),
        play("- ansible.builtin.include_role: {name: top}\n", hosts="h1"),
        {
            "roles/top/tasks/main.yml": say("x"),
            "roles/top/meta/main.yml": "dependencies: [{role: waiter}]\n",
            "roles/waiter/tasks/main.yml": reap(),
        },
    ),
    "the project's own action in an include": Case(
        play(STARTED, hosts="h1"),
        play("- ansible.builtin.include_tasks: collect.yml\n", hosts="h1"),
        {"action_plugins/await_job.py": PLUGIN, "collect.yml": BY_PLUGIN.format(name="await_job")},
    ),
    "a collection's action": Case(
        play(STARTED, hosts="h1"),
        play(BY_PLUGIN.format(name="some.thing.await_job"), hosts="h1"),
        {f"{IN_COLLECTION}/plugins/action/await_job.py": PLUGIN},
    ),
    "a collection's action by its short name, in an include": Case(
        play(STARTED, hosts="h1"),
        play("- ansible.builtin.include_tasks: collect.yml\n", hosts="h1", collections="[some.thing]"),
        {f"{IN_COLLECTION}/plugins/action/await_job.py": PLUGIN, "collect.yml": BY_PLUGIN.format(name="await_job")},
    ),
    "reap.jobs.wait by its short name": Case(
        play(launch("sleep 1", register=""), hosts="h1"),
        play("- wait:\n", hosts="h1", collections="[reap.jobs]"),
    ),
    "another batch of the same play": Case(
        play(
            launch("sleep 1", when="inventory_hostname == 'h1'"),
            reap(jid=HOSTVARS, when="inventory_hostname == 'h2'"),
            serial=1,
        ),
        play(say("went on"), hosts="h1"),
    ),
}
AGAIN = play(launch("sleep 0.1", name="Again", register="again"), reap("again"), hosts="h1")
NOT_LEFT = {
    "waits for its own jobs": Case(play(STARTED, hosts="h1"), AGAIN),
    "has the same register on another host": Case(
        play(STARTED, hosts="h1"), play(launch("sleep 0.1"), reap(), hosts="h2")
    ),
    "waits on another host": Case(play(STARTED, hosts="h1"), play("- wait:\n", hosts="h2", collections="[reap.jobs]")),
    "includes plain tasks": Case(
        play(STARTED, hosts="h1"),
        play("- ansible.builtin.include_tasks: plain.yml\n", "- ansible.builtin.include_role: {name: plain}\n"),
        {
            "plain.yml": '- block:\n    - ansible.builtin.command: "true"\n      notify: x\n      when: false\n'
            "- ansible.builtin.meta: flush_handlers\n- ping:\n",
            "roles/plain/tasks/main.yml": "- ansible.builtin.set_fact: {a: !unsafe '{{ b }}'}\n",
            "roles/plain/meta/main.yml": "galaxy_info: {author: somebody}\ndependencies: []\n",
        },
    ),
    "reads what a task without register cannot have filled": Case(
        play(launch("sleep 0.1", name="Seen", register="seen"), launch("sleep 1", register=""), hosts="h1"),
        play(reap("seen"), hosts="h1"),
    ),
    "reads what a hidden task without register cannot have filled": Case(
        play(
            launch("sleep 0.1", name="Seen", register="seen"),
            launch("exit 1", register="", no_log="true", loop="[1]"),
            hosts="h1",
        ),
        play(reap("seen"), hosts="h1"),
    ),
}


@in_matrix
@pytest.mark.parametrize("name", LEFT)
def test_a_job_is_left_to_a_play_that_may_wait_for_it(run: Runner, tmp_path: Path, name: str) -> None:
    case = LEFT[name]
    got = run(
        case.first + case.second,
        hosts=HOSTS,
        files=case.files,
        inventory=case.inventory,
        env=collection_at(tmp_path),
    )
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"]}


@in_matrix
@pytest.mark.parametrize("name", NOT_LEFT)
def test_a_job_is_not_left_to_a_play_that_provably_cannot_mean_it(run: Runner, tmp_path: Path, name: str) -> None:
    case = NOT_LEFT[name]
    later = play(say("went on"), hosts="h1")
    got = run(case.first + case.second + later, hosts=HOSTS, files=case.files, env=collection_at(tmp_path))
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert "unreaped" in got.states()["h1"]
    assert "TASK [Again]" not in got.stdout, "the first play has failed the host"


BUSY = """\
- ansible.builtin.command: touch {{ playbook_dir }}/started
  when: inventory_hostname == 'h2'
- ansible.builtin.shell: until test -e {{ playbook_dir }}/started; do sleep 0.2; done; sleep 2
  when: inventory_hostname == 'h1'
"""
STARTED_ON_2 = launch("sleep 0.5", when="inventory_hostname != 'h1'")


@pytest.mark.parametrize(("strategy", "forks"), [("free", 5), ("host_pinned", 1)])
def test_a_host_is_not_judged_while_another_may_wait_for_its_job(run: Runner, strategy: str, forks: int) -> None:
    hosts = ("h2", "h1", "h3")
    waits = reap(jid="hostvars.h2.job.ansible_job_id", when="inventory_hostname == 'h1'")
    got = run(
        play(STARTED_ON_2, BUSY, waits, strategy=strategy) + play(say("went on")),
        hosts=hosts,
        args=["--forks", str(forks)],
        env={"ANSIBLE_FORKS": str(forks)},
    )
    assert got.status == 2, got.output
    assert got.states() == {"h2": ["reaped"], "h3": ["unreaped"]}
    assert got.failed() == {"h3"}, "nobody came for the job of h3, and it failed within its play"
    assert "h2 went on" in got.stdout


def test_a_host_that_others_keep_waiting_is_judged_when_they_fail(run: Runner) -> None:
    waits = reap(jid="hostvars.h2.job.ansible_job_id", when="inventory_hostname == 'h1'")
    fails = "- ansible.builtin.command: 'false'\n  when: inventory_hostname == 'h1'\n"
    got = run(play(STARTED_ON_2, fails, waits, strategy="free") + play(say("went on")), hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert got.failed() == {"h1", "h2"}
    assert got.states() == {"h2": ["unreaped"]}
