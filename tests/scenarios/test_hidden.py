"""Launches under ``no_log`` whose settings only their loop items tell."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from scenarios.conftest import Runner
from scenarios.plays import launch, play, reap, say
from scenarios.test_wait import collection_at
from support import environments

on_old_versions = pytest.mark.parametrize("core", environments.old_cores(), indirect=True)
ITEMS = "[{where: h1, limit: 30}, {where: h2, limit: 40}]"


def test_each_hidden_item_has_its_own_host_and_limit(run: Runner) -> None:
    task = launch(
        no_log="true",
        limit='"{{ item.limit }}"',
        loop=ITEMS,
        delegate_to='"{{ item.where }}"',
        when="inventory_hostname == 'h1'",
    )
    got = run(play(task), hosts=("h1", "h2"), options={"on_unreaped": "reap"})
    assert got.status == 0, got.output
    assert [(job["delegated_to"], job["limit_s"], job["state"], job["item"]) for job in got.jobs] == [
        ("h1", 30, "reaped", None),
        ("h2", 40, "reaped", None),
    ]


def test_a_hidden_loop_whose_poll_turns_out_not_to_be_0_leaves_no_job(run: Runner) -> None:
    task = launch(no_log="true", limit='"{{ item }}"', loop="[30]").replace("poll: 0", 'poll: "{{ item // 30 }}"')
    got = run(play(task))
    assert got.status == 0, got.output
    assert all(job["poll"] > 0 or job["state"] == "reaped" for job in got.jobs)


SKIPPED = {
    "alone": {"when": "false"},
    "once": {"when": "false", "run_once": "true"},
    "some hosts": {"when": "inventory_hostname == 'h3'"},
    "items": {"when": "item > 2", "loop": "[1, 2]"},
    "no items": {"loop": "[]"},
    "unknown items": {"when": "nobody is defined", "loop": "'{{ nobody }}'"},
}


@on_old_versions
@pytest.mark.parametrize("how", list(SKIPPED))
def test_a_hidden_launch_that_its_condition_skips_is_no_job(run: Runner, how: str) -> None:
    tasks = [launch("exit 3", no_log="true", register=register, **SKIPPED[how]) for register in ("", "job")]
    got = run(play(*tasks, say("went on")), hosts=("h1", "h2"))
    assert (got.status, got.jobs) == (0, []), got.output
    assert got.recap["h1"]["skipped"] == 2


def test_of_a_hidden_loop_the_items_that_its_condition_skips_are_no_jobs(run: Runner) -> None:
    got = run(play(launch("exit 0", no_log="true", register="", loop="[1, 2, 3]", when="item == 2")))
    assert (got.status, got.states()) == (2, {"h1": ["unreaped"]}), got.output


TWICE = """\
- ansible.builtin.command: "true"
  notify: Handle
- ansible.builtin.meta: flush_handlers
- ansible.builtin.set_fact: {ready: true}
- ansible.builtin.command: "true"
  notify: Handle
"""


def handled_twice(handler: str, *before: str) -> str:
    """A play whose handler is skipped at the first flush and runs at the second."""
    return play(*before, TWICE, more=f"vars: {{ready: false}}\nhandlers:\n{indent(handler, '  ')}")


def test_a_looped_handler_that_was_skipped_at_an_earlier_flush_launches_what_is_heard_of(run: Runner) -> None:
    handler = launch("exit 3", name="Handle", register="", no_log="true", loop="[1, 2]", when="ready | bool")
    got = run(handled_twice(handler), options={"on_unreaped": "reap"})  # which waits for their ends
    assert got.states() == {"h1": ["failed", "failed"]}, got.output
    assert got.status == 2


def test_a_looped_handler_that_was_skipped_at_an_earlier_flush_waits_for_what_it_names(run: Runner) -> None:
    ids = '"{{ [one.ansible_job_id, two.ansible_job_id] }}"'
    handler = reap(name="Handle", jid="item", no_log="true", loop=ids, when="ready | bool")
    got = run(handled_twice(handler, launch("exit 0", register="one"), launch("exit 0", register="two")))
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped", "reaped"]}


TELLS = """\
#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={}).fail_json(msg="the token is S3CRET")
"""


OURS = "reap: jobs.wait"


@pytest.mark.parametrize("how", ["failed_when: false", "when: wanted | default(false)", OURS])
def test_what_only_the_wait_hides_is_not_fetched_again_by_a_look(run: Runner, how: str, tmp_path: Path) -> None:
    """The launch tells no secret, so authors put ``no_log`` at the wait alone; it may be skipped, or prove nothing."""
    start = launch(name="Start").replace("ansible.builtin.shell: sleep 1", "tell:")
    keyword, _, value = how.partition(": ")
    wait = reap(no_log="true", **{keyword: value})
    if how == OURS:
        wait = "- reap.jobs.wait:\n  no_log: true\n  ignore_errors: true\n"
    got = run(
        play(start, wait, "- ansible.builtin.pause: {seconds: 2}\n"),
        files={"library/tell.py": TELLS},
        options={"junit_path": str(tmp_path / "junit.xml")},
        env=collection_at(tmp_path),
    )
    assert got.only_job()["state"] == "failed", got.output
    written = [got.output, (tmp_path / "report.json").read_text(), (tmp_path / "junit.xml").read_text()]
    assert not any("S3CRET" in text for text in written)


@pytest.mark.parametrize("hidden", ["launch", "wait"])
def test_what_run_once_registers_for_all_hosts_is_taken_back_from_all(run: Runner, hidden: str) -> None:
    """Under ``no_log`` such a register holds what nobody is to see."""
    start = {"register": "", "no_log": "true"} if hidden == "launch" else {}
    wait = "- ansible.builtin.async_status: {jid: '{{ job.ansible_job_id }}'}\n  no_log: true\n  run_once: true\n"
    show = (
        "- ansible.builtin.debug:\n"
        "    msg: \"left: {{ hostvars[inventory_hostname].keys() | select('match', 'async_reaper_reg') | list }}\"\n"
    )
    tasks = [launch("exit 0", run_once="true", **start), *([wait] if hidden == "wait" else []), show]
    got = run(play(*tasks), hosts=("h1", "h2"), options={"on_unreaped": "report"})
    assert got.stdout.count("left: []") == 2, got.output


INCLUDED = {"more.yml": "- ansible.builtin.debug: {msg: included}\n", "roles/one/tasks/main.yml": "[]\n"}
IN_A_RESCUE = """\
- block:
    - ansible.builtin.command: "false"
  rescue:
    - ansible.builtin.include_tasks: more.yml
    - ansible.builtin.shell: exit 0
      async: 30
      poll: 0
      no_log: true
"""
IN_A_HANDLER = """\
- ansible.builtin.include_tasks: more.yml
- ansible.builtin.command: "true"
  notify: Hidden
- ansible.builtin.meta: flush_handlers
"""
HIDDEN = launch("exit 0", name="Hidden", register="", no_log="true")
AFTER_AN_INCLUDE = {
    "tasks": play("- ansible.builtin.include_tasks: more.yml\n", HIDDEN),
    "a role": play("- ansible.builtin.include_role: {name: one}\n", HIDDEN),
    "some hosts": play("- ansible.builtin.include_tasks: more.yml\n  when: inventory_hostname != 'h1'\n", HIDDEN),
    "a rescue": play(IN_A_RESCUE),
    "a handler": play(IN_A_HANDLER, more="handlers:\n" + indent(HIDDEN, "  ")),
    "free": play("- ansible.builtin.include_tasks: more.yml\n", HIDDEN, strategy="free"),
}


@on_old_versions
@pytest.mark.parametrize("where", list(AFTER_AN_INCLUDE))
def test_hidden_launches_of_all_hosts_are_known_after_an_include(run: Runner, where: str) -> None:
    """Up to ansible-core 2.18 each host then has its own copy of the tasks that follow."""
    got = run(AFTER_AN_INCLUDE[where], hosts=("h1", "h2", "h3"), files=INCLUDED, options={"on_unreaped": "reap"})
    assert got.states() == {"h1": ["reaped"], "h2": ["reaped"], "h3": ["reaped"]}, got.output
    assert not list((got.folder / "async").iterdir())


@on_old_versions
def test_hidden_looks_of_all_hosts_are_heard_after_an_include(run: Runner) -> None:
    wait = "- ansible.builtin.async_status: {jid: '{{ job.ansible_job_id }}'}\n  no_log: true\n"
    start = "- ansible.builtin.include_tasks: more.yml\n" + launch("exit 0")
    got = run(play(start, "- ansible.builtin.pause: {seconds: 2}\n", wait), hosts=("h1", "h2"), files=INCLUDED)
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"], "h2": ["reaped"]}


FIRST = "- ansible.builtin.async_status: {jid: j1.1}\n  when: false\n"
UNREACHED = {
    "vars": "{ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}",
    "ignore_unreachable": "true",
}
ENDED = {
    "skipped": launch("exit 0", register="", when="false"),
    "skipped, hidden": launch("exit 0", register="", when="false", no_log="true"),
    "skipped loop": launch("exit 0", register="", when="false", no_log="true", loop="[S3CRET, 2]"),
    "skipped once": launch("exit 0", register="", when="false", no_log="true", run_once="true"),
    "unreachable": launch("exit 0", register="", no_log="true", **UNREACHED),
    "unreachable loop": launch("exit 0", register="", no_log="true", loop="[S3CRET]", **UNREACHED),
    "failed": launch("'{{ not_there }}'", register="", no_log="true", ignore_errors="true"),
    "hidden": launch("exit 0", register="", no_log="true"),
    "plain": launch("exit 0", register=""),
    "look skipped": launch("exit 0") + FIRST + reap(),
    "look hidden": launch("exit 0", register="seen")
    + "- ansible.builtin.async_status: {jid: '{{ seen.ansible_job_id }}'}\n  no_log: true\n",
}
SHOW = (
    "- ansible.builtin.debug:\n"
    "    msg: \"left: {{ hostvars[inventory_hostname].keys() | select('match', 'async_reaper_reg') | list\n"
    "      + query('varnames', '^async_reaper_reg') }}\"\n"
)


def test_no_register_of_ours_stays_whatever_becomes_of_its_task(run: Runner) -> None:
    """``vars`` and ``hostvars`` are shown, and caches keep them."""
    tasks = [FIRST, *ENDED.values()]
    options = {"on_unreaped": "report", "on_failed": "report"}
    got = run(play(*(task + SHOW for task in tasks)), hosts=("h1", "h2"), options=options)
    assert got.status == 0, got.output
    assert got.stdout.count("left: []") == 2 * len(tasks), got.output
    assert "S3CRET" not in got.output


def test_a_name_of_ours_is_in_no_ledger(run: Runner) -> None:
    tasks = [launch("sleep 5", register="", no_log=hidden) for hidden in ("true", "false")]
    env = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    got = run(play(*tasks), options={"on_unreaped": "report", "look": "false"}, env=env)
    (ledger,) = (got.folder / "state").rglob("*.ledger")
    assert got.stdout.count("results_file") + got.stdout.count("limit_s") > 1, got.output
    assert "async_reaper_reg" not in got.output + ledger.read_text()


LEAVES_OFF = '#!/bin/sh\necho \'{"skipped": true, "changed": false}\'\n'


@pytest.mark.parametrize("hidden", ["true", "false"])
def test_a_wait_for_a_job_that_says_it_has_skipped_its_work_is_one(run: Runner, hidden: str) -> None:
    """Ansible calls the wait skipped too, as one that its condition leaves out: that one waits for nothing."""
    start = "- {name: Start it, leaves_off: , async: 30, poll: 0, register: job}\n"
    tasks = [
        start,
        reap(no_log=hidden),
        start.replace("}", ", loop: [1, 2]}"),
        reap(jid="item.ansible_job_id", loop='"{{ job.results }}"', no_log=hidden),
    ]
    got = run(play(*tasks), files={"library/leaves_off": LEAVES_OFF})
    assert (got.status, got.states()) == (0, {"h1": ["reaped"] * 3}), got.output
    left_out = run(play(start, reap(no_log=hidden, when="false")), files={"library/leaves_off": LEAVES_OFF})
    assert (left_out.status, left_out.states()) == (2, {"h1": ["unreaped"]}), left_out.output
