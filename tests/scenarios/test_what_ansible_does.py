"""What the rules' pages say of Ansible itself, tried on real runs without our callback.

One playbook does most of it, once for each version: every test reads its own part of what that run kept.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from ansible_reap.timing import DEFAULT_DELAY, DEFAULT_RETRIES
from scenarios.conftest import Run, start
from support import environments, sharing

pytestmark = pytest.mark.slow  # what Ansible does is not changed by a change of ours: the matrix asks

TRUE = "- ansible.builtin.command: 'true'\n"
HEAD = "- hosts: all\n  tasks:\n"


def plain(core: str, folder: Path, playbook: str, **settings: Any) -> Run:
    """A run without our callback."""
    return start(core, folder, playbook, callbacks="minimal", callback_folders=(folder / "none",), **settings)


def asked(core: str, code: str) -> str:
    """What a program prints in an environment with this ansible-core."""
    python = environments.program(f"core-{core}", "python")
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def version(core: str) -> tuple[int, ...]:
    """The release of ansible-core, as in ``(2, 18, 19)``."""
    told = asked(core, "import ansible.release; print(ansible.release.__version__)")
    return tuple(int(part) for part in told.partition("rc")[0].partition("b")[0].split("."))


def launch(command: str, register: str, *, limit: int = 600, more: str = "") -> str:
    return (
        f'- ansible.builtin.shell:\n    cmd: {command}\n    chdir: "{{{{ playbook_dir }}}}"\n'
        f"  async: {limit}\n  poll: 0\n  register: {register}\n{more}"
    )


def wait(register: str, *, until: str = "is finished", retries: int = 200, more: str = "") -> str:
    """A wait whose result is called ``REGISTER_end``."""
    return (
        f'- ansible.builtin.async_status:\n    jid: "{{{{ {register}.ansible_job_id }}}}"\n  register: {register}_end\n'
        f"  until: {register}_end {until}\n  retries: {retries}\n  delay: 0.2\n  ignore_errors: true\n{more}"
    )


def touch(name: str) -> str:
    return f'- ansible.builtin.file:\n    path: "{{{{ playbook_dir }}}}/{name}"\n    state: touch\n'


def wait_for_file(path: str) -> str:
    return f'- ansible.builtin.wait_for:\n    path: "{path}"\n    timeout: 300\n'


TASKS = "".join(
    (
        # What cannot run.
        "- ansible.builtin.command: /no/such/program\n  async: 60\n  poll: 0\n  register: missing\n",
        "- ansible.builtin.file:\n    state: nonsense\n  async: 60\n  poll: 0\n  register: wrong\n",
        wait("missing"),
        wait("wrong"),
        # Results, conditions, handlers and a clean-up while the job is at work.
        launch(
            "while [ ! -e go ]; do sleep 0.2; done; echo said", "job",
            more="  notify: Say so\n  no_log: true\n  failed_when: job.rc != 0\n  ignore_errors: true\n",
        ),
        launch("while [ ! -e go ]; do sleep 0.2; done; echo said", "good", more="  notify: Say so\n"),
        "- ansible.builtin.meta: flush_handlers\n  async: 30\n  poll: 0\n  register: on_meta\n",
        '- ansible.builtin.async_status:\n    jid: "{{ good.ansible_job_id }}"\n  register: after_the_handler\n',
        launch("while [ ! -e go ]; do sleep 0.2; done", "cleaned"),
        '- ansible.builtin.async_status:\n    jid: "{{ cleaned.ansible_job_id }}"\n    mode: cleanup\n',
        '- ansible.builtin.stat:\n    path: "{{ cleaned.results_file }}"\n  register: cleaned_file\n',
        touch("go"),
        wait_for_file("{{ cleaned.results_file }}"),
        wait("job"),
        wait("good"),
        '- ansible.builtin.stat:\n    path: "{{ job.results_file }}"\n  register: job_file\n',
        '- ansible.builtin.slurp:\n    src: "{{ job.results_file }}"\n  register: job_text\n',
        '- ansible.builtin.stat:\n    path: "{{ job.results_file | dirname }}"\n  register: job_folder\n',
        # An until that a failed job never meets, and what until does where nothing else is said.
        launch("exit 3", "bad"),
        wait("bad"),
        wait("bad", until="is finished and bad_end.rc == 0", retries=4).replace("bad_end", "asked"),
        f"{TRUE}  register: tried\n  until: false\n  delay: 0.1\n  ignore_errors: true\n",
        # Fractions.
        f"{TRUE}  register: part_limit\n  async: 2.5\n  ignore_errors: true\n",
        f"{TRUE}  register: part_poll\n  async: 30\n  poll: 1.5\n  ignore_errors: true\n",
        # Keywords that do nothing, and a loop that polls.
        "- ansible.builtin.import_tasks: them.yml\n  async: 30\n  poll: 0\n  register: by_tasks\n",
        "- ansible.builtin.import_role: {name: them}\n  async: 30\n  poll: 0\n  register: by_role\n",
        "- ansible.builtin.command: echo said\n  async: 0\n  poll: 0\n  register: zero\n",
        "- ansible.builtin.command: echo said\n  poll: 0\n  register: no_limit\n",
        launch("echo {{ item }} >> order; sleep 1; echo {{ item }} >> order", "polled", more="  loop: [a, b]\n")
        .replace("poll: 0", "poll: 1"),
        # An action that refuses async.
        ('- copy:\n    content: x\n    dest: "{{ playbook_dir }}/copied"\n  async: 60\n  register: copied\n'
        "  ignore_errors: true\n"),
        # Looking elsewhere, loops and skipped items.
        launch("echo", "here", more='  environment:\n    ANSIBLE_ASYNC_DIR: "{{ playbook_dir }}/elsewhere"\n'),
        wait("here"),
        ('- ansible.builtin.async_status:\n    jid: "{{ here.ansible_job_id }}"\n  register: looked\n'
        '  vars:\n    ansible_async_dir: "{{ playbook_dir }}/other"\n  ignore_errors: true\n'),
        launch("echo", "jobs", more="  loop: [a, b, c]\n  when: item != 'b'\n"),
        wait("item", more='  loop: "{{ jobs.results }}"\n').replace("item_end", "each_end"),
    )
)  # fmt: skip

KEPT = {
    "cannot_run": "[missing.changed, wrong.changed, missing_end is failed, wrong_end is failed]",
    "launch": "{'started': good.started, 'changed': good.changed, 'has': good.keys() | list}",
    "end": "{'finished': good_end.finished, 'is_finished': good_end is finished, 'said': good_end.stdout}",
    "running": "{'finished': after_the_handler.finished, 'is_finished': after_the_handler is finished}",
    "judged": "{'launch': job is failed, 'job': job_end is failed}",
    "cleaned": "cleaned_file.stat.exists",
    "file": "{'mode': job_file.stat.mode, 'text': job_text.content | b64decode, 'folder': job_folder.stat.mode}",
    "asked": "{'first': bad_end is failed, 'tries': asked.attempts, 'failed': asked is failed}",
    "tried": "tried.attempts",
    "parts": "[part_limit.msg | default('') is search('could not be converted'),"
    " part_poll.msg | default('') is search('could not be converted')]",
    "imported": "[by_tasks is defined, by_role is defined, on_meta is defined, one.rc]",
    "foreground": "[zero.stdout, no_limit.stdout, zero.ansible_job_id is defined, no_limit.ansible_job_id is defined]",
    "copied": "copied.msg",
    "looked": "{'found': here_end is succeeded, 'text': looked.msg}",
    "looped": "{'top': jobs.ansible_job_id is defined, 'ids': jobs.results | map(attribute='ansible_job_id',"
    " default='none') | list, 'failed': each_end is failed, 'waited': each_end.results | default([])"
    " | selectattr('ansible_job_id', 'defined') | list | length}",
}
"""What the run keeps, as expressions."""


@dataclass(frozen=True)
class Told:
    """What the one run left."""

    core: tuple[int, ...]
    folder: Path
    run: Run

    def __getitem__(self, name: str) -> Any:
        file = self.folder / "kept-h1.json"
        assert file.exists(), self.run.output
        return json.loads(file.read_text(encoding="utf-8"))[name]


@pytest.fixture(scope="module", params=environments.chosen_cores())
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = sharing.common_folder(tmp_path_factory) / f"told-{request.param}"
    kept = folder / "run.pickle"
    with sharing.once(folder) as first:
        if first:
            folder.mkdir()
            kept.write_bytes(pickle.dumps(_told_by(request.param, folder)))
    return Told(version(request.param), folder, pickle.loads(kept.read_bytes()))


def _told_by(core: str, folder: Path) -> Run:
    pairs = ", ".join(f"'{name}': {expression}" for name, expression in KEPT.items())
    keep = (
        f'- ansible.builtin.copy:\n    content: "{{{{ {{{pairs}}} | to_json }}}}"\n'
        '    dest: "{{ playbook_dir }}/kept-{{ inventory_hostname }}.json"\n'
    )
    handlers = "  handlers:\n    - name: Say so\n      ansible.builtin.debug:\n        msg: handled\n"
    playbook = HEAD + indent(TASKS + keep, "    ") + handlers
    them = TRUE + "  register: one\n"
    before = os.umask(0o022)
    run = plain(core, folder, playbook, files={"them.yml": them, "roles/them/tasks/main.yml": them})
    os.umask(before)
    return run


def test_a_launch_of_what_cannot_run_succeeds_and_only_a_wait_fails(told: Told) -> None:
    assert told["cannot_run"] == [True, True, True, True]


def test_a_launch_has_the_job_s_id_and_no_output(told: Told) -> None:
    assert told["launch"]["changed"] is True
    has = set(told["launch"]["has"])
    assert has >= {"ansible_job_id", "started", "finished", "results_file", "changed"}
    assert has.isdisjoint({"rc", "stdout", "stderr"})
    assert told["end"]["said"] == "said"


def test_finished_is_a_number_or_a_truth_value_and_the_test_suits_both(told: Told) -> None:
    numbers = (1, 1, 0) if told.core < (2, 19) else (True, True, False)
    found = (told["launch"]["started"], told["end"]["finished"], told["running"]["finished"])
    assert [(type(value), value) for value in found] == [(type(value), value) for value in numbers]
    assert (told["end"]["is_finished"], told["running"]["is_finished"]) == (True, False)


def test_failed_when_fails_the_launch_while_its_job_runs_on_to_a_good_end(told: Told) -> None:
    assert told["judged"] == {"launch": True, "job": False}


def test_a_handler_of_a_launch_runs_at_the_next_flush_before_the_job_has_ended(told: Told) -> None:
    assert told["running"]["is_finished"] is False
    assert told.run.stdout.count('"msg": "handled"') == 1


def test_cleanup_removes_the_file_of_a_running_job_which_writes_it_again(told: Told) -> None:
    assert told["cleaned"] is False  # and the play waited until it was there again


def test_the_status_file_of_a_no_log_job_is_readable_for_all_and_stays(told: Told) -> None:
    assert told["file"]["mode"] == "0644"
    assert told["file"]["folder"] == "0755", "so is the list of files, where the umask is the usual one"
    held = json.loads(told["file"]["text"])
    assert held["stdout"] == "said"
    assert "while [ ! -e go ]" in held["cmd"]


def test_an_until_that_asks_for_success_asks_a_failed_job_to_the_end(told: Told) -> None:
    assert told["asked"] == {"first": True, "tries": 4, "failed": True}


def test_until_tries_three_times_five_seconds_apart_where_nothing_else_is_said(told: Told) -> None:
    assert told["tried"] == DEFAULT_RETRIES
    delay = asked(
        ".".join(map(str, told.core[:2])),
        "from ansible.playbook.task import Task; print(Task.fattributes['delay'].default)",
    )
    assert float(delay) == DEFAULT_DELAY


def test_a_fraction_is_cut_off_or_fails_the_task(told: Told) -> None:
    assert told["parts"] == ([True, True] if told.core >= (2, 18) else [False, False])


def test_async_poll_and_register_on_an_import_and_on_meta_are_passed_over(told: Told) -> None:
    assert told["imported"] == [False, False, False, 0]
    assert "invalid attribute" not in told.run.output  # as Ansible says it of an include


def test_without_a_limit_the_task_runs_in_the_foreground(told: Told) -> None:
    assert told["foreground"] == ["said", "said", False, False]


def test_with_poll_the_items_of_a_loop_run_one_after_another(told: Told) -> None:
    assert (told.folder / "order").read_text().split() == ["a", "a", "b", "b"], told.run.output


def test_an_action_that_refuses_async_fails_and_starts_no_job(told: Told) -> None:
    new = "This action (copy) does not support async."
    assert told["copied"] == (new if told.core >= (2, 17) else "async is not supported for this task.")
    assert not (told.folder / "copied").exists()


def test_a_look_in_another_folder_does_not_find_the_job_and_the_environment_names_none(told: Told) -> None:
    assert told["looked"] == {"found": True, "text": "could not find job"}
    assert not (told.folder / "elsewhere").exists()


def test_a_looped_launch_registers_a_result_for_each_item_and_a_skipped_one_has_no_id(told: Told) -> None:
    looped = told["looped"]
    assert looped["top"] is False
    assert [each == "none" for each in looped["ids"]] == [False, True, False]
    assert looped["ids"][0] != looped["ids"][2]


def test_a_wait_fails_at_a_skipped_item_and_goes_on_with_the_others_or_not(told: Told) -> None:
    assert told["looped"]["failed"] is True
    assert told["looped"]["waited"] == (2 if told.core >= (2, 19) else 0)


REFUSING = {
    "include_tasks": f"{HEAD}    - ansible.builtin.include_tasks: them.yml\n      async: 30\n",
    "include_role": f"{HEAD}    - ansible.builtin.include_role: {{name: them}}\n      poll: 0\n",
    "block": f"{HEAD}    - async: 30\n      block:\n        {TRUE}",
    "apply": f"{HEAD}    - ansible.builtin.include_tasks: {{file: them.yml, apply: {{async: 30}}}}\n",
    "play": f"- hosts: all\n  async: 30\n  tasks:\n    {TRUE}",
    "import_playbook": "- hosts: all\n- ansible.builtin.import_playbook: other.yml\n  async: 30\n",
}
"""Plays with a keyword where Ansible has none."""
FILES = {"them.yml": TRUE, "roles/them/tasks/main.yml": TRUE, "other.yml": f"{HEAD}    {TRUE}"}


@pytest.mark.parametrize("where", REFUSING)
def test_where_async_is_no_keyword_the_run_stops(core: str, tmp_path: Path, where: str) -> None:
    stopped = plain(core, tmp_path, REFUSING[where], files=FILES)
    assert stopped.status != 0
    assert "is not a valid attribute for a" in stopped.output


@pytest.mark.parametrize("where", ["include_tasks", "include_role", "block"])
def test_a_setting_lets_an_include_go_on_with_a_warning_and_no_block(core: str, tmp_path: Path, where: str) -> None:
    run = plain(core, tmp_path, REFUSING[where], files=FILES, env={"ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED": "false"})
    assert (run.status == 0) is (where != "block"), run.output
    assert ("Ignoring invalid attribute" in run.output) is (where != "block")


def test_async_of_a_role_entry_is_a_variable_of_the_role(core: str, tmp_path: Path) -> None:
    entry = "- hosts: all\n  roles:\n    - role: them\n      async: 30\n      poll: 0\n"
    told = "- ansible.builtin.debug:\n    msg: \"the limit is {{ vars['async'] }}\"\n"
    run = plain(core, tmp_path, entry, files={"roles/them/tasks/main.yml": told})
    assert run.status == 0, run.output
    assert "the limit is 30" in run.stdout


def test_a_play_whose_job_cannot_run_stays_green(core: str, tmp_path: Path) -> None:
    run = plain(
        core, tmp_path, f"{HEAD}    - ansible.builtin.command: /no/such/program\n      async: 60\n      poll: 0\n"
    )
    assert run.status == 0
    assert (run.recap["h1"]["changed"], run.recap["h1"]["failed"]) == (1, 0)


def test_check_mode_refuses_async_or_runs_it_in_check_mode(core: str, tmp_path: Path) -> None:
    run = plain(core, tmp_path, HEAD + indent(launch("touch made", "job"), "    "), args=["--check"])
    old = version(core) < (2, 17)
    assert (run.failed() == {"h1"}) is old, run.output
    assert ("check mode and async cannot be used on same task" in run.output) is old
    assert not (tmp_path / "made").exists()


def test_a_launch_with_run_once_is_registered_for_every_host(core: str, tmp_path: Path) -> None:
    tasks = launch("echo", "job", more="  run_once: true\n") + (
        '- ansible.builtin.debug:\n    msg: "has {{ job.ansible_job_id }}"\n'
    )
    run = plain(core, tmp_path, HEAD + indent(tasks, "    "), hosts=("h1", "h2"))
    ids = [line.partition("has ")[2] for line in run.stdout.splitlines() if '"msg": "has ' in line]
    assert len(ids) == 2, run.output
    assert len(set(ids)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("by", ["setsid", "timeout 600"])
def test_work_with_a_process_group_of_its_own_outlives_the_job_that_its_limit_ends(
    core: str, tmp_path: Path, by: str
) -> None:
    """The job's own processes are no part of this: under load Ansible may miss those too."""
    tasks = (
        launch(f"{by} sh -c 'while [ ! -e go ]; do sleep 0.2; done; touch lives'", "job", limit=10)
        + wait("job")
        + touch("go")
        + wait_for_file("{{ playbook_dir }}/lives")
        + '- ansible.builtin.debug:\n    msg: "told {{ job_end.msg }}"\n'
    )
    run = plain(core, tmp_path, HEAD + indent(tasks, "    "))
    assert run.status == 0, run.output
    assert "told Timeout exceeded" in run.stdout
