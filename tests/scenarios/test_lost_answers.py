"""Launches whose job may have started although no answer says so, and those that surely have started none."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.conftest import Runner
from scenarios.plays import launch, play

CONNECTIONS = str(Path(__file__).parent / "connections")
GOES_ON = {"ignore_unreachable": "true", "ignore_errors": "true", "register": ""}
LAUNCHES = {
    "plain": launch("exit 3", **GOES_ON),
    "hidden": launch("exit 3", no_log="true", **GOES_ON),
    "looped": launch("exit 3", loop="[1, 2]", **GOES_ON),
}


def hosts(*names: str) -> list[str]:
    return [f"{name} ansible_connection=severed" for name in names]


@pytest.mark.parametrize("how", list(LAUNCHES))
def test_a_launch_whose_answer_is_lost_may_have_started_its_job(run: Runner, how: str) -> None:
    names = ("cut", "garbled", "nameless")
    got = run(play(LAUNCHES[how]), hosts=hosts(*names), env={"ANSIBLE_CONNECTION_PLUGINS": CONNECTIONS})
    assert got.status == 2, got.output
    assert got.failed() == set(names)
    assert got.states() == {name: ["lost"] * (2 if how == "looped" else 1) for name in names}
    assert {job["host"]: job["msg"] for job in got.jobs} == {
        "cut": "the connection to its host failed, perhaps after the job had started",
        "garbled": "what its host answered to the launch cannot be read",
        "nameless": "its host gave no id for it",
    }


UNDECODABLE = {
    "surrogates": '"msg": "\\ud800"',
    "a type of Ansible's": '"x": {"__ansible_type": "TaggedStr"}',
    "a deep list": f'"x": {"[" * 900}{"]" * 900}',
    "a list without end": f'"x": {"[" * 90000}{"]" * 90000}',
    "a number as text": '"stdout": 5',
    "a number as facts": '"ansible_facts": 5',
}


@pytest.mark.parametrize("what", list(UNDECODABLE))
def test_a_launch_whose_answer_ansible_cannot_read_may_have_started_its_job(
    run: Runner, tmp_path: Path, what: str
) -> None:
    """Where it can read it after all, the job that it names is not to be found. Some versions end the loop there."""
    (tmp_path / "answer").write_text(
        f'{{"started": 1, "finished": 0, "ansible_job_id": "j1.1", {UNDECODABLE[what]}}}', encoding="utf-8"
    )
    got = run(play(*LAUNCHES.values()), hosts=hosts("told"), env={"ANSIBLE_CONNECTION_PLUGINS": CONNECTIONS})
    assert got.status == 2, got.output
    assert {job["state"] for job in got.jobs} == {"lost"}, got.output
    assert len({job["line"] for job in got.jobs}) == len(LAUNCHES), got.output


@pytest.mark.parametrize("hidden", ["true", "false"])
def test_the_items_before_one_that_ansible_cannot_read_are_not_forgotten(
    run: Runner, tmp_path: Path, hidden: str
) -> None:
    answer = '{"started": 1, "finished": 0, "ansible_job_id": "j1.1"'
    (tmp_path / "answer").write_text(f'{answer}, "stdout": 5}}', encoding="utf-8")
    task = launch("exit 0", loop="[h1, told]", delegate_to="'{{ item }}'", no_log=hidden, **GOES_ON)
    env = {"ANSIBLE_CONNECTION_PLUGINS": CONNECTIONS}
    got = run(play(task, hosts="h1"), hosts=("h1", *hosts("told")), env=env, options={"on_unreaped": "reap"})
    assert (got.status, len(got.jobs)) == (2, 2), got.output
    assert "lost" in got.states()["h1"], got.output


RAISES = "class FilterModule:\n    def filters(self):\n        return {'raises': lambda value: value.nothing}\n"
NEVER_SENT = [
    launch("'{{ 1 | raises }}'", **GOES_ON),
    launch("exit 3", when="1 | raises", **GOES_ON),
    launch("exit 3", loop="'{{ 1 | raises }}'", **GOES_ON),
    launch("exit 3", environment="{A: '{{ nobody.knows }}'}", **GOES_ON),
    launch("exit 3", vars="{ansible_python_interpreter: '{{ 1 | raises }}'}", **GOES_ON),
    launch("exit 3", vars="{ansible_async_dir: '{{ 1 | raises }}'}", **GOES_ON),
    launch("exit 3", become="true", become_method="nobody_has_it", **GOES_ON),
    launch("exit 3", become="true", become_user="nobody_of_that_name", **GOES_ON),
    launch("exit 3", vars="{ansible_async_dir: /proc/nowhere}", **GOES_ON),
    "- ansible.legacy.template: {src: nowhere.j2, dest: nowhere}\n  async: 30\n  poll: 0\n  ignore_errors: true\n",
    "- lacking:\n  async: 30\n  poll: 0\n  ignore_errors: true\n",
]


@pytest.mark.parametrize("hidden", ["false", "true"])
def test_a_launch_over_which_ansible_falls_before_it_is_sent_is_no_job(run: Runner, hidden: str) -> None:
    """Whoever writes a filter lets it raise what is no error of Ansible's."""
    files = {"filter_plugins/raises.py": RAISES, "library/lacking.py": "raise SystemExit(1)\n"}
    got = run(play(*NEVER_SENT, no_log=hidden), files=files)
    assert (got.status, got.jobs) == (0, []), got.output
    assert got.recap["h1"]["ignored"] == len(NEVER_SENT)


def test_a_launch_that_never_came_to_its_host_has_started_no_job(run: Runner) -> None:
    """And what runs in the foreground, by its limit or by its action, has no job to name."""
    foreground = [
        launch("echo", limit='"{{ item }}"', loop="[0, 0]"),
        launch("echo", limit='"{{ item }}"', loop="[0, 0]", no_log="true", register=""),
    ]
    env = {"ANSIBLE_CONNECTION_PLUGINS": CONNECTIONS}
    got = run(play(*LAUNCHES.values(), hosts="all:!h1") + play(*foreground, hosts="h1"),
              hosts=["h1", *hosts("refused", "pythonless")], env=env)  # fmt: skip
    assert got.status == 0, got.output
    assert got.jobs == []
