"""What the environment of a run says of its jobs' folder and account holds for whoever collects them in another one."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from ansible_reap.runtime.ledger.reader import read_folder
from scenarios.conftest import Runner
from scenarios.plays import launch, play
from scenarios.test_collect import Controller
from scenarios.test_wait import as_root, open_folder

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
    host = f"h1 ansible_connection=local ansible_python_interpreter={sys.executable}"
    controller = Controller(core, tmp_path, hosts=(host,))
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
