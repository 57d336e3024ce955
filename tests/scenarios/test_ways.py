"""Each look, wait and clean-up of ours goes the way that the launch went, whatever has set its variables, and when."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from scenarios.conftest import Run, Runner
from scenarios.plays import launch, play, reap
from scenarios.test_lying_hosts import encrypted
from scenarios.test_wait import collection_at, left_in

WAIT = "- reap.jobs.wait:\n"
HOSTS = ("h1", "h2 ansible_connection=beside")


@pytest.fixture
def going(run: Runner, tmp_path: Path) -> Runner:
    """Like ``run``, with our collection and the tests' connections."""

    def run_with_both(playbook: str, **settings: Any) -> Run:
        connections = str(Path(__file__).parent / "connections")
        return run(
            playbook,
            **{"hosts": HOSTS, **settings},
            env={**collection_at(tmp_path), "ANSIBLE_CONNECTION_PLUGINS": connections},
        )

    return run_with_both


THERE = '{ansible_async_dir: "{{ playbook_dir }}/there"}'
SOURCES: dict[str, dict[str, Any]] = {
    "vars_files": {"vars_files": "[v.yml]"},
    "a template in vars_files": {"vars_files": "[template.yml]", "vars": "{named: there}"},
    "vars of a role": {"roles": "[of_vars]"},
    "defaults of a role": {"roles": "[of_defaults]", "vars": '{ansible_async_dir: "{{ by_default }}"}'},
    "a prompt": {"vars_prompt": '[{name: ansible_async_dir, prompt: it, default: "{{ playbook_dir }}/there"}]'},
}
"""Keywords of a play."""
TASKS_BEFORE = {
    "include_vars": "- include_vars: v.yml\n",
    "set_fact": f"- set_fact: {THERE}\n",
    "add_host": '- add_host: {name: h1, ansible_async_dir: "{{ playbook_dir }}/there"}\n',
}


def files(folder: Path, *tasks: str) -> dict[str, str]:
    """What the plays read; the tasks are those of both roles."""
    return {
        "v.yml": f"ansible_async_dir: {folder}/there\n",
        "template.yml": 'ansible_async_dir: "{{ playbook_dir }}/{{ named }}"\n',
        "roles/of_vars/tasks/main.yml": "".join(tasks),
        "roles/of_vars/vars/main.yml": f"ansible_async_dir: {folder}/there\n",
        "roles/of_defaults/tasks/main.yml": "".join(tasks),
        "roles/of_defaults/defaults/main.yml": f"by_default: {folder}/there\n",
    }


def play_with(source: str, *tasks: str) -> str:
    if source in TASKS_BEFORE:
        return play(TASKS_BEFORE[source], *tasks, hosts="h1")
    keywords = {"hosts": "h1", **SOURCES[source]}
    return play(**keywords) if "roles" in keywords else play(*tasks, **keywords)


@pytest.mark.parametrize("delegated", ["", "h2"])
@pytest.mark.parametrize("source", [*SOURCES, *TASKS_BEFORE])
def test_a_job_is_waited_for_where_its_launch_put_it(
    going: Runner, tmp_path: Path, source: str, delegated: str
) -> None:
    if delegated and source in TASKS_BEFORE:
        pytest.skip("set for the other host alone")
    tasks = (launch("exit 0", **({"delegate_to": delegated} if delegated else {})), WAIT)
    got = going(play_with(source, *tasks), files=files(tmp_path, *tasks))
    assert (got.status, got.states()) == (0, {"h1": ["reaped"]}), got.output
    assert (tmp_path / "there").is_dir(), "the launch has gone there"
    assert left_in(tmp_path / "there") == []


@pytest.mark.parametrize("source", [*SOURCES, *TASKS_BEFORE])
def test_what_no_log_hides_is_removed_where_its_launch_put_it(going: Runner, tmp_path: Path, source: str) -> None:
    tasks = (launch("echo S3CRET", no_log="true"), reap(no_log="true"))
    got = going(play_with(source, *tasks), files=files(tmp_path, *tasks))
    assert (got.status, got.states()) == (0, {"h1": ["reaped"]}), got.output
    assert (tmp_path / "there").is_dir()
    assert left_in(tmp_path / "there") == []
    assert "S3CRET" not in got.output


@pytest.mark.parametrize("mode", ["fail", "report", "reap"])
def test_the_gate_looks_where_the_launch_put_it(going: Runner, tmp_path: Path, mode: str) -> None:
    tasks = (launch("exit 0"), "- wait_for: {timeout: 1}\n")
    got = going(play_with("vars of a role"), files=files(tmp_path, *tasks), options={"on_unreaped": mode})
    assert got.status == (2 if mode == "fail" else 0), got.output
    assert got.only_job()["state"] == ("reaped" if mode == "reap" else "unreaped")
    assert got.only_job()["last_seen"] == "finished"


ELSEWHERE = '{ansible_async_dir: "{{ playbook_dir }}/elsewhere"}'
CHANGES = {
    "set_fact": (f"- set_fact: {ELSEWHERE}\n", WAIT),
    "set_fact of the connection": (
        "- set_fact: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: nobody}\n",
        WAIT,
    ),
    "include_vars": ("- include_vars: elsewhere.yml\n", WAIT),
    "add_host": (
        '- add_host: {name: "{{ inventory_hostname }}", ansible_async_dir: "{{ playbook_dir }}/elsewhere"}\n',
        WAIT,
    ),
    "vars of the wait": ("- reap.jobs.wait:\n", f"  vars: {ELSEWHERE}\n"),
    "connection of the wait": ("- reap.jobs.wait:\n", "  vars: {ansible_connection: ssh, ansible_port: 1}\n"),
    "keywords of the wait": ("- reap.jobs.wait:\n", "  connection: ssh\n", "  port: 1\n", "  remote_user: nobody\n"),
}


@pytest.mark.parametrize("change", list(CHANGES))
@pytest.mark.parametrize("delegated", ["", "h2"])
def test_what_changes_after_the_launch_does_not_lead_a_wait_astray(going: Runner, change: str, delegated: str) -> None:
    start = launch("exit 0", limit=15, **({"delegate_to": delegated} if delegated else {}))
    got = going(
        play(start, *CHANGES[change], hosts="h1"),
        files={"elsewhere.yml": ELSEWHERE},
    )
    assert (got.status, got.states()) == (0, {"h1": ["reaped"]}), got.output


def test_vars_of_a_later_play_do_not_lead_a_wait_astray(going: Runner) -> None:
    later = play(WAIT, vars=ELSEWHERE)
    got = going(play(launch("exit 0", limit=15)) + later)
    assert (got.status, got.states()) == (0, {"h1": ["reaped"], "h2": ["reaped"]}), got.output


@pytest.mark.parametrize("mode", ["fail", "report", "reap"])
def test_what_changes_after_the_launch_does_not_lead_the_gate_astray(going: Runner, mode: str) -> None:
    got = going(
        play(launch("exit 0", limit=15), f"- set_fact: {ELSEWHERE}\n", "- wait_for: {timeout: 1}\n", hosts="h1"),
        options={"on_unreaped": mode},
    )
    assert got.status == (2 if mode == "fail" else 0), got.output
    assert got.only_job()["last_seen"] == "finished"


REGISTERED = "- command: echo {}\n  register: named\n"
TEMPLATES = {
    "by name": "{{ playbook_dir }}/{{ named.stdout }}",
    "by another": "{{ composed }}",
    "as a text": "{{ vars['composed'] }}",
    "by a lookup": "{{ lookup('vars', 'composed') }}",
}


@pytest.mark.parametrize("template", list(TEMPLATES))
def test_a_template_of_the_launch_is_worked_out_with_what_it_had(
    going: Runner, core: str, tmp_path: Path, template: str
) -> None:
    start = launch("exit 0", limit=15, vars=f'{{ansible_async_dir: "{TEMPLATES[template]}"}}')
    got = going(
        play(
            REGISTERED.format("first"),
            start,
            REGISTERED.format("second"),
            WAIT,
            hosts="h1",
            vars='{composed: "{{ playbook_dir }}/{{ named.stdout }}"}',
        )
    )
    assert (got.status, got.states()) == (0, {"h1": ["reaped"]}), got.output
    stays_as_written = template == "as a text" and core in ("2.16", "2.17", "2.18")
    assert (tmp_path / ("{{ playbook_dir }}" if stays_as_written else "first")).is_dir()


def test_each_item_of_a_loop_has_its_own_way(going: Runner, tmp_path: Path) -> None:
    start = launch("exit 0", limit=15, loop="[a, b]", vars='{ansible_async_dir: "{{ playbook_dir }}/{{ item }}"}')
    got = going(play(start, "- set_fact: {item: c}\n", WAIT, hosts="h1"))
    assert (got.status, got.states()) == (0, {"h1": ["reaped", "reaped"]}), got.output
    assert (left_in(tmp_path / "a"), left_in(tmp_path / "b")) == ([], [])


def test_a_host_that_the_play_names_elsewhere_is_reached_there(going: Runner) -> None:
    """The inventory does not know how the host is reached."""
    got = going(
        play(launch("exit 0", limit=15), WAIT, hosts="h3", vars_files="[way.yml]"),
        hosts=("h3 ansible_host=nowhere.invalid ansible_connection=ssh",),
        files={"way.yml": "{ansible_connection: beside, ansible_host: 127.0.0.1}"},
    )
    assert (got.status, got.states()) == (0, {"h3": ["reaped"]}), got.output


def test_a_job_can_be_on_the_controller_in_one_play_and_elsewhere_in_the_next(going: Runner) -> None:
    """Where a launch goes is asked of its own play."""
    plays = "".join(
        play(launch("exit 0", limit=15), WAIT, hosts="h3", vars_files=f"[{name}.yml]") for name in ("local", "beside")
    )
    ways = {f"{name}.yml": f"ansible_connection: {name}" for name in ("local", "beside")}
    got = going(plays, hosts=("h3 ansible_connection=ssh",), files=ways)
    assert (got.status, got.states()) == (0, {"h3": ["reaped", "reaped"]}), got.output


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_a_hidden_item_is_looked_for_where_it_was_delegated_to(
    going: Runner, tmp_path: Path, is_waited_for: bool
) -> None:
    """What the end of the loop names is a template, and no host."""
    there = [
        f'{name} ansible_connection=beside ansible_async_dir="{{{{ playbook_dir }}}}/of_{name}"'
        for name in ("h2", "h3")
    ]
    start = launch("exit 0", loop="[h2, h3]", delegate_to='"{{ item }}"', no_log="true")
    each = {"loop": '"{{ job.results }}"', "delegate_to": '"{{ item.item }}"', "no_log": "true"}
    wait = reap(jid="item.ansible_job_id", **each) if is_waited_for else ""
    got = going(play(start, wait, hosts="h1"), hosts=("h1", *there), options={"on_unreaped": "reap"})
    assert (got.status, got.states()) == (0, {"h1": ["reaped", "reaped"]}), got.output
    assert [job["delegated_to"] for job in got.jobs] == ["h2", "h3"]
    assert (tmp_path / "of_h2").is_dir()
    assert left_in(tmp_path / "of_h2") + left_in(tmp_path / "of_h3") == []


@pytest.mark.parametrize("mode", ["report", "reap"])
def test_an_item_out_of_a_vault_leads_to_its_job(going: Runner, core: str, tmp_path: Path, mode: str) -> None:
    """From ansible-core 2.22 on callbacks get it masked."""
    got = going(
        play(
            launch("exit 3", loop='["{{ there }}"]', vars='{ansible_async_dir: "{{ item }}"}'),
            "- wait_for: {timeout: 1}\n",
            hosts="h1",
            vars_files="[vaulted.yml]",
        ),
        files={"vaulted.yml": encrypted(core, tmp_path, f"{tmp_path}/there", "there")},
        args=["--vault-password-file", "password"],
        options={"on_unreaped": mode},
    )
    assert (got.status, got.states()) == (2, {"h1": ["failed"]}), got.output


@pytest.mark.parametrize("hidden", ["true", "false"])
def test_a_wait_on_another_name_of_the_machine_that_an_item_went_to_is_one(going: Runner, hidden: str) -> None:
    start = launch("exit 0", loop="[h2]", delegate_to='"{{ item }}"', no_log=hidden)
    wait = reap(jid="item.ansible_job_id", loop='"{{ job.results }}"', no_log=hidden)
    got = going(play(start, wait, hosts="h1"), hosts=[f"{name} ansible_connection=beside" for name in ("h1", "h2")])
    assert (got.status, got.states()) == (0, {"h1": ["reaped"]}), got.output


@pytest.mark.parametrize("mode", ["fail", "reap"])
@pytest.mark.parametrize("handled", ["rescue: [{meta: noop}]", "ignore_errors: true"])
def test_a_failure_seen_on_another_name_of_the_machine_has_come_up(going: Runner, handled: str, mode: str) -> None:
    wait = reap(delegate_to="h2", no_log="true")
    block = f"- block:\n{indent(wait, '    ')}  {handled}\n"
    hosts = [f"{name} ansible_connection=beside" for name in ("h1", "h2")]
    got = going(play(launch("exit 3"), block, hosts="h1"), hosts=hosts, options={"on_unreaped": mode})
    assert (got.status, got.states()) == (0, {"h1": ["failed"]}), got.output
    assert "went unanswered" not in got.output
