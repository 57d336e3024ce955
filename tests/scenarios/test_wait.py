"""``reap.jobs.wait``: everything outstanding on a host, reaped by one task."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios.conftest import Run, Runner
from scenarios.test_first import LATER, LAUNCH, play
from support import environments

WAIT = """
    - name: Wait for all
      reap.jobs.wait:
      register: waited
"""
FAILING = """
    - name: Start what fails
      ansible.builtin.command: sh -c 'echo why; exit 3'
      async: 30
      poll: 0
"""
in_matrix = pytest.mark.parametrize("core", environments.side_cores(), indirect=True)
"""For tests that outside of a matrix run on the newest ansible-core only."""
as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/usr/bin/python3").exists(),
    reason="needs root, to become another user without a password, and a Python that this user may run",
)


@pytest.fixture
def waiting(run: Runner, tmp_path: Path) -> Runner:
    """Like ``run``, with our collection installed."""

    def run_with_collection(*args: Any, **settings: Any) -> Run:
        return run(*args, **{**settings, "env": {**collection_at(tmp_path), **settings.get("env", {})}})

    return run_with_collection


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs a Python that Ansible finds")
@pytest.mark.parametrize("interpreter", ["auto_silent", "{{ ansible_playbook_python }}"])
def test_a_job_that_was_delegated_outside_of_the_inventory_is_looked_at(waiting: Runner, interpreter: str) -> None:
    """As an ``async_status`` that is delegated there: with what the inventory says of all hosts."""
    job = f"""
    - name: Start elsewhere
      ansible.builtin.command: sleep 1
      async: 30
      poll: 0
      delegate_to: nowhere.example
      vars: {{ansible_python_interpreter: "{interpreter}"}}
"""
    got = waiting(play(job, WAIT), env={"PATH": "/usr/bin:/bin"})
    assert (got.status, got.states()) == (0, {"h1": ["reaped"]}), got.output


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter and write to; pytest's own are for its user alone."""
    with tempfile.TemporaryDirectory(prefix="ansible-reap-") as name:
        for folder in (Path(name), Path(name, "tmp")):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
        yield Path(name)


def collection_at(folder: Path) -> dict[str, str]:
    """The environment in which Ansible finds the collection, through a link below ``folder``."""
    link = folder / "collections" / "ansible_collections" / "reap" / "jobs"
    if not link.exists():
        link.parent.mkdir(parents=True)
        link.symlink_to(environments.ROOT / "collection")
    return {"ANSIBLE_COLLECTIONS_PATH": str(folder / "collections")}


def left_in(folder: Path) -> list[str]:
    """The status files in a folder of jobs, and the ledgers, that a run left."""
    return sorted(path.name for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []


def ledgers(got: Run) -> list[str]:
    return left_in(got.folder / "state" / "ansible-reap" / "ledger")


def test_it_reaps_every_form_of_launch(waiting: Runner) -> None:
    looped = LAUNCH + "      loop: [a, b]\n"
    delegated = LAUNCH.replace("Start the backup", "Start elsewhere") + "      delegate_to: h2\n"
    once = LAUNCH.replace("Start the backup", "Start once") + "      run_once: true\n"
    got = waiting(play(looped, delegated, once, WAIT), hosts=("h1", "h2"))
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"] * 4, "h2": ["reaped"] * 3}
    assert {job["seen_by"] for job in got.jobs} == {"playbook"}
    assert {job["reap"]["task"] for job in got.jobs} == {"Wait for all"}
    assert all(job["runtime_s"] >= 1 for job in got.jobs)
    assert left_in(got.folder / "async") == []
    assert ledgers(got) == []


@as_root
@in_matrix
def test_it_looks_as_the_user_that_launched(waiting: Runner, open_folder: Path) -> None:
    launch = f"""
    - name: Start as nobody
      ansible.builtin.command: whoami
      async: 30
      poll: 0
      become: true
      become_user: nobody
      vars:
        ansible_async_dir: {open_folder}/jobs
        ansible_python_interpreter: /usr/bin/python3
"""
    wait = WAIT + "      become: true\n      become_user: daemon\n"
    got = waiting(play(launch, LAUNCH, wait), env={"ANSIBLE_REMOTE_TMP": f"{open_folder}/tmp"})
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped", "reaped"]}
    assert left_in(open_folder / "jobs") == []


def test_one_message_names_every_job_that_failed(waiting: Runner) -> None:
    fails = FAILING + "      loop: [a, b]\n      when: inventory_hostname == 'h1'\n"
    got = waiting(play(LAUNCH, fails, WAIT) + LATER, hosts=("h1", "h2"))
    assert got.status == 2
    assert got.failed() == {"h1"}
    assert "2 of 3 async jobs failed: 'Start what fails' (item=a) at site.yml:11, job j" in got.stdout
    assert "failed with rc 3" in got.stdout
    assert "h1 went on" not in got.stdout
    assert "h2 went on" in got.stdout
    assert got.states() == {"h1": ["reaped", "failed", "failed"], "h2": ["reaped"]}
    assert ledgers(got) == []
    # It is the wait that fails the host, not the gate too.
    assert got.recap["h1"]["failed"] == 1


@in_matrix
def test_a_failure_that_rescue_handles_has_come_up(waiting: Runner) -> None:
    rescued = f"""
    - name: Handled
      block:
{"".join("    " + line + chr(10) for line in (FAILING + WAIT).splitlines() if line)}
      rescue:
        - name: Handle it
          ansible.builtin.debug:
            msg: "{{{{ waited.jobs | map(attribute='state') | list }}}}"
"""
    got = waiting(play(rescued))
    assert got.status == 0, got.output
    assert got.recap["h1"]["rescued"] == 1
    assert got.only_job()["state"] == "failed"
    assert not got.only_job()["swallowed"]


@in_matrix
def test_only_the_tasks_named_are_waited_for(waiting: Runner) -> None:
    other = LAUNCH.replace("Start the backup", "Begin another")
    wait = WAIT.replace("reap.jobs.wait:", "reap.jobs.wait:\n        tasks: ['Start *', nothing]")
    got = waiting(play(LAUNCH, other, wait))
    assert got.status == 2
    assert [(job["task"], job["state"]) for job in got.jobs] == [
        ("Start the backup", "reaped"),
        ("Begin another", "unreaped"),
    ]


@in_matrix
def test_a_timeout_leaves_the_job_outstanding(waiting: Runner) -> None:
    launch = LAUNCH.replace("sleep 1", "sleep 20")
    wait = WAIT.replace("reap.jobs.wait:", "reap.jobs.wait:\n        timeout: 1") + "      ignore_errors: true\n"
    got = waiting(play(launch, wait))
    assert got.status == 2
    assert "1 of 1 async job failed: 'Start the backup' at site.yml:4, job j" in got.stdout
    assert "still running after 1 s" in got.stdout
    job = got.only_job()
    assert (job["state"], job["last_seen"]) == ("unreaped", "running")
    # The gate fails for it, and the ledger keeps what still runs.
    assert got.recap["h1"]["failed"] == 1
    assert len(ledgers(got)) == 1


@in_matrix
def test_a_timeout_of_the_task_ends_it_like_any_other(waiting: Runner) -> None:
    """Ansible's own ``timeout`` keyword and our bound for an answer of the host share the one alarm of a process."""
    launch = LAUNCH.replace("sleep 1", "sleep 300")
    got = waiting(play(launch, WAIT + "      timeout: 4\n"), options={"on_unreaped": "report"})
    assert got.status == 2
    assert re.search(r"expected time frame \(4\)|Timed out after 4 s", " ".join(got.output.split())), got.output
    assert got.only_job()["state"] == "unreaped"


@in_matrix
def test_status_files_stay_where_asked_to(waiting: Runner) -> None:
    wait = WAIT.replace("reap.jobs.wait:", "reap.jobs.wait:\n        cleanup: false")
    got = waiting(play(LAUNCH, wait))
    assert got.status == 0, got.output
    assert left_in(got.folder / "async") == [got.only_job()["jid"]]


def test_it_says_so_when_the_callback_is_off(waiting: Runner) -> None:
    got = waiting(play(LAUNCH, WAIT), callbacks="another")
    assert got.status == 2
    assert "callbacks_enabled = reap.jobs.async_reaper" in got.output
    assert got.report is None


@in_matrix
def test_nothing_outstanding_is_fine(waiting: Runner) -> None:
    detached = LAUNCH + "      vars: {async_reaper_detach: a daemon}\n"
    kept_alive = LAUNCH.replace("poll: 0", "poll: 1").replace("backup", "other")
    check = """
    - name: Check
      ansible.builtin.assert:
        that: waited.jobs | length == 0 and waited is not changed
"""
    got = waiting(play(detached, kept_alive, WAIT, check))
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["detached", "reaped"]}


def test_what_no_log_hides_stays_hidden(waiting: Runner) -> None:
    launch = """
    - name: Start in secret
      ansible.builtin.command: sh -c 'echo s3cret; echo s3cret >&2; exit {{ item | length }}'
      async: 30
      poll: 0
      no_log: true
      loop: [s3cret]
"""
    got = waiting(play(launch, WAIT), args=("-vvv",))
    assert got.status == 2
    assert "'Start in secret' at site.yml:4, job j" in got.stdout
    assert "s3cret" not in got.stdout.replace("echo s3cret", "").replace("loop: [s3cret]", "")
    job = got.only_job()
    assert (job["state"], job["item"], job["msg"], job["rc"]) == ("failed", None, None, None)


@pytest.mark.parametrize(("launch", "status", "state"), [(LAUNCH, 0, "reaped"), (FAILING, 2, "failed")])
@in_matrix
def test_a_wait_under_no_log_counts_too(waiting: Runner, launch: str, status: int, state: str) -> None:
    got = waiting(play(launch, WAIT + "      no_log: true\n"))
    assert got.status == status, got.output
    assert got.only_job()["state"] == state
    if status:
        assert got.recap["h1"]["failed"] == 1


@in_matrix
def test_a_job_whose_status_file_is_gone_is_lost(waiting: Runner) -> None:
    remove = """
    - name: Lose it
      ansible.builtin.file:
        path: "{{ backup.results_file }}"
        state: absent
"""
    launch = LAUNCH.replace("sleep 1", "sleep 0")
    settle = "\n    - ansible.builtin.pause: {seconds: 1}\n"
    got = waiting(play(launch, settle, remove, WAIT))
    assert got.status == 2
    assert got.only_job()["state"] == "lost"
    assert "lost" in got.stdout


@pytest.mark.slow
@in_matrix
def test_a_job_killed_at_its_limit_is_named_so(waiting: Runner) -> None:
    launch = LAUNCH.replace("sleep 1", "sleep 60").replace("async: 30", "async: 2")
    got = waiting(play(launch, WAIT))
    assert got.status == 2
    assert got.only_job()["state"] == "timed_out"
    assert "was killed at its limit of " in got.stdout


@in_matrix
def test_a_later_play_may_wait(waiting: Runner) -> None:
    got = waiting(play(LAUNCH) + play(WAIT), hosts=("h1", "h2"))
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"], "h2": ["reaped"]}


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
@in_matrix
def test_it_works_under_other_strategies(waiting: Runner, strategy: str) -> None:
    got = waiting(play(LAUNCH, WAIT, strategy=strategy), hosts=("h1", "h2"))
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"], "h2": ["reaped"]}


@in_matrix
def test_bad_options_are_an_error_of_the_task(waiting: Runner) -> None:
    got = waiting(play(LAUNCH, WAIT.replace("reap.jobs.wait:", "reap.jobs.wait:\n        timeout: soon")))
    assert got.status == 2
    assert "argument 'timeout' is of type" in got.output


IN_SLICES = """
    - name: Wait in slices
      reap.jobs.wait:
        timeout: 2
      until: waited is success
      retries: 10
      delay: 1
      register: waited
"""
IN_GROUPS = """
    - name: First the backup, then whatever is left
      reap.jobs.wait:
        tasks: "{{ item }}"
      loop: [["Start the backup"], ["*"]]
"""


@pytest.mark.parametrize("wait", [IN_SLICES, IN_GROUPS, IN_SLICES + IN_GROUPS], ids=["slices", "groups", "both"])
def test_what_an_earlier_try_or_item_has_reaped_is_not_looked_for_again(waiting: Runner, wait: str) -> None:
    longer = LAUNCH.replace("Start the backup", "Start what takes longer").replace("sleep 1", "sleep 5")
    assert "sleep 5" in longer
    got = waiting(play(LAUNCH, longer, wait) + LATER)
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped", "reaped"]}
    assert "lost" not in got.output
    assert left_in(got.folder / "async") == []


@pytest.mark.parametrize("cleanup", ["true", "false"])
def test_a_job_that_failed_in_one_try_fails_the_others_too(waiting: Runner, cleanup: str) -> None:
    """An ``until`` that asks for success is not met because the status file has gone."""
    wait = IN_SLICES.replace("retries: 10", "retries: 2").replace("timeout: 2", f"cleanup: {cleanup}")
    got = waiting(play(FAILING, wait) + LATER, options={"on_swallowed": "fail"})
    assert got.status == 2, got.output
    assert "1 of 1 async job failed: 'Start what fails'" in got.stdout
    assert "failed with rc 3" in got.stdout
    assert "h1 went on" not in got.stdout
    assert (got.only_job()["state"], got.only_job()["swallowed"]) == ("failed", False)
    assert got.recap["h1"]["failed"] == 1


LOOPED = """
    - name: Wait for each
      reap.jobs.wait:
        tasks: ["{{ item }}"]
      loop: [Start the backup, Start what fails]
"""
LET_GO = [
    (WAIT + "      ignore_errors: true\n", True),
    (WAIT + "      failed_when: false\n", True),
    (WAIT + "      failed_when: false\n      no_log: true\n", True),
    (LOOPED + "      ignore_errors: true\n", True),
    (LOOPED + "      failed_when: false\n", True),
    (IN_SLICES.replace("retries: 10", "retries: 2") + "      ignore_errors: true\n", True),
    (WAIT + "      failed_when: waited.jobs | length > 9\n", False),
    (
        "    - block:\n" + WAIT.replace("\n    ", "\n        ") + "\n      rescue:\n        - ansible.builtin.debug:\n",
        False,
    ),
]


@pytest.mark.parametrize(("wait", "swallowed"), LET_GO)
def test_a_failure_that_the_wait_sees_and_lets_go_is_swallowed(waiting: Runner, wait: str, swallowed: bool) -> None:
    """As with ``async_status``: a condition that tests something is its author's judgement, and so is a rescue."""
    got = waiting(play(LAUNCH, FAILING, wait), options={"on_swallowed": "fail"})
    assert got.status == (2 if swallowed else 0), got.output
    assert [(job["state"], job["swallowed"]) for job in got.jobs] == [("reaped", False), ("failed", swallowed)]


@in_matrix
def test_a_stopped_job_is_not_swallowed_by_the_task_that_stops_it(waiting: Runner) -> None:
    stop = "    - reap.jobs.stop: {tasks: ['*'], live: true, grace: 1}\n      failed_when: false\n"
    got = waiting(play(LAUNCH.replace("sleep 1", "sleep 20"), stop), options={"on_swallowed": "fail"})
    assert (got.only_job()["state"], got.only_job()["swallowed"]) == ("failed", False), got.output
    assert got.status == 0, got.output
