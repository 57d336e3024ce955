"""What a run's environment says of its jobs' folder and account holds for who looks at them in another environment."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from ansible_reap.runtime.ledger.reader import read_folder
from scenarios.conftest import Runner
from scenarios.plays import launch, play
from scenarios.test_collect import Controller
from scenarios.test_wait import as_root, collection_at, open_folder

__all__ = ["open_folder"]

PLAYBOOK = """\
- hosts: all
  tasks:
    - name: Start what fails
      ansible.builtin.command: sh -c 'exit 3'
      async: 60
      poll: 0
    - ansible.builtin.meta: end_play
- hosts: all
  tasks:
    - ansible.builtin.pause: {seconds: 60}
"""


LOCAL = f"h1 ansible_connection=local ansible_python_interpreter={sys.executable}"


def collected(controller: Controller, settings: dict[str, str]) -> None:
    """Kill a run that has launched with these settings, and collect its job without them."""
    before = dict(controller.environment)
    controller.environment.update(settings)
    try:
        controller.run_until(PLAYBOOK, 1, 0.5, signal.SIGKILL)
        assert len(controller.jobs()) == 1
        controller.environment = before
        got = controller.collect()
        assert (got.status, got.states()) == (2, {"h1": ["failed"]}), got.output
        assert controller.jobs() == set()
    finally:
        controller.end()


@pytest.mark.parametrize("where", ["environment", "ansible.cfg"])
def test_a_folder_that_only_the_run_s_configuration_names_is_known_to_collect(
    core: str, tmp_path: Path, where: str
) -> None:
    controller = Controller(core, tmp_path, hosts=(LOCAL,))
    config = tmp_path / "launch.cfg"
    config.write_text(f"[defaults]\nasync_dir = {tmp_path}/elsewhere\n", encoding="utf-8")
    given = {"ANSIBLE_ASYNC_DIR": f"{tmp_path}/elsewhere"}
    collected(controller, given if where == "environment" else {"ANSIBLE_CONFIG": str(config)})
    assert controller.status_files() == set()


@as_root
def test_an_account_that_only_the_run_s_environment_names_is_in_the_ledger(
    run: Runner, tmp_path: Path, open_folder: Path
) -> None:
    settings = f"{{ansible_async_dir: {open_folder}/jobs, ansible_python_interpreter: /usr/bin/python3}}"
    got = run(
        play(launch("sleep 3", vars=settings), "- ansible.builtin.meta: end_play\n"),
        env={
            "ANSIBLE_BECOME": "true",
            "ANSIBLE_BECOME_USER": "nobody",
            "ANSIBLE_REMOTE_TMP": f"{open_folder}/tmp",
        },
    )
    assert (got.status, got.states()) == (2, {"h1": ["unreaped"]}), got.output
    ((job,),) = (ledger.launches for ledger in read_folder(tmp_path / "state/ansible-reap/ledger", pytest.fail))
    assert (job.access.become, job.access.become_user) == (True, "nobody")


def test_a_job_on_the_controller_is_looked_for_in_the_home_that_its_run_had(core: str, tmp_path: Path) -> None:
    controller = Controller(core, tmp_path, hosts=(LOCAL,))
    collected(controller, {"HOME": str(tmp_path / "elsewhere")})
    assert list((tmp_path / "elsewhere" / ".ansible_async").glob("j*")) == []


def test_a_folder_that_counts_from_the_working_folder_is_in_the_ledger_as_what_it_was(
    run: Runner, tmp_path: Path
) -> None:
    got = run(play(launch("sleep 3"), "- ansible.builtin.meta: end_play\n", vars="{ansible_async_dir: its/jobs}"))
    assert (got.status, got.states()) == (2, {"h1": ["unreaped"]}), got.output
    ((job,),) = (ledger.launches for ledger in read_folder(tmp_path / "state/ansible-reap/ledger", pytest.fail))
    assert dict(job.access.variables)["ansible_async_dir"] == str(tmp_path / "its/jobs")


@pytest.mark.parametrize("home", ["{base}/of play", "'{{{{ theirs }}}}/of play'"])
@pytest.mark.parametrize("waits", [True, False], ids=["wait", "gate"])
def test_a_home_that_the_play_gives_its_tasks_is_where_their_jobs_are(
    run: Runner, tmp_path: Path, home: str, waits: bool
) -> None:
    """Ansible's own async_status does not find them there."""
    keywords = {
        "vars": f"{{ansible_async_dir: ~/jobs, theirs: {tmp_path}}}",
        "environment": f"{{HOME: {home.format(base=tmp_path)}}}",
    }
    tasks = [launch("sleep 1"), "- reap.jobs.wait:\n"] if waits else [launch("exit 3")]
    got = run(play(*tasks, **keywords), env=collection_at(tmp_path), options={} if waits else {"on_unreaped": "reap"})
    assert (got.status, got.states()) == ((0, {"h1": ["reaped"]}) if waits else (2, {"h1": ["failed"]})), got.output
    assert list((tmp_path / "of play" / "jobs").glob("j*")) == []
