"""The gate in plays of every kind: who fails, what later plays do, which exit status the run has."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scenarios.conftest import Runner
from scenarios.plays import launch, play, reap, say

LATER = play(say("went on"))
THREE = ("h1", "h2", "h3")


def test_a_loop_reaped_in_part_names_the_items_left(run: Runner) -> None:
    started = launch("sleep {{ item }}", loop="[0.1, 0.2, 0.3]")
    got = run(play(started, reap(jid="job.results[0].ansible_job_id")) + LATER)
    assert got.status == 2, got.output
    assert [(job["item"], job["state"]) for job in got.jobs] == [
        ("0.1", "reaped"),
        ("0.2", "unreaped"),
        ("0.3", "unreaped"),
    ]
    assert "went on" not in got.stdout
    assert any("(0.3)" in line for line in got.async_recap)


def test_run_once_and_delegation_are_told_by_the_job_id(run: Runner) -> None:
    tasks = [
        launch(name="Once", register="once", run_once="true"),
        launch(name="Elsewhere", register="elsewhere", delegate_to="h3", when="inventory_hostname == 'h2'"),
        launch(name="Forgotten", register="forgotten", delegate_to="h3", when="inventory_hostname == 'h1'"),
        reap("once", run_once="true"),
        reap(jid="hostvars.h2.elsewhere.ansible_job_id", delegate_to="h3", when="inventory_hostname == 'h1'"),
    ]
    got = run(play(*tasks) + LATER, hosts=THREE)
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    found = {job["task"]: (job["host"], job["delegated_to"], job["state"]) for job in got.jobs}
    assert found == {
        "Once": ("h1", None, "reaped"),
        "Elsewhere": ("h2", "h3", "reaped"),
        "Forgotten": ("h1", "h3", "unreaped"),
    }
    forgotten = next(job for job in got.jobs if job["task"] == "Forgotten")
    assert forgotten["last_seen"] in {"running", "finished"}, "the look went to the host that has the job"
    assert "h2 went on" in got.stdout
    assert any("h1->h3" in line for line in got.async_recap)


def test_a_job_that_is_waited_for_and_cleaned_up_where_its_folder_is_shared_is_reaped(run: Runner) -> None:
    """The job's own host finds no file any more, as the host that says so has removed it."""
    clean_up = "- ansible.builtin.async_status: {jid: '{{ job.ansible_job_id }}', mode: cleanup}\n  delegate_to: h2\n"
    names = [f"{name} ansible_connection=ansible.builtin.local" for name in ("h1", "h2")]
    got = run(play(launch("exit 0"), reap(delegate_to="h2"), clean_up, hosts="h1"), hosts=names)
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"]}


def test_a_play_that_runs_once_has_a_gate_for_every_host(run: Runner) -> None:
    got = run(play(launch("exit 3", run_once="false"), launch(name="Once"), run_once="true"), hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert got.failed() == {"h1", "h2"}
    assert got.states() == {"h1": ["failed", "unreaped"], "h2": ["failed"]}


@pytest.mark.parametrize("section", ["tasks", "post_tasks"])
def test_jobs_that_handlers_start_are_seen(run: Runner, section: str) -> None:
    handlers = """
        handlers:
          - name: Start it
            ansible.builtin.command: sleep 1
            async: 30
            poll: 0
    """
    noisy = '- ansible.builtin.command: "true"\n  notify: Start it\n  when: inventory_hostname == "h1"\n'
    got = run(play(noisy, section=section, more=handlers) + LATER, hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert got.states() == {"h1": ["unreaped"]}
    assert "h2 went on" in got.stdout


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_every_strategy_fails_just_the_hosts_concerned(run: Runner, strategy: str) -> None:
    tasks = [
        '- ansible.builtin.command: sleep 0.5\n  when: inventory_hostname == "h3"\n',
        launch(when="inventory_hostname != 'h2'"),
        "- ansible.builtin.meta: flush_handlers\n",
        reap(when="inventory_hostname == 'h1'"),
    ]
    got = run(play(*tasks, strategy=strategy) + LATER, hosts=THREE)
    assert got.status == 2, got.output
    assert got.failed() == {"h3"}
    assert got.states() == {"h1": ["reaped"], "h3": ["unreaped"]}
    assert "h1 went on" in got.stdout
    assert "h2 went on" in got.stdout
    assert "h3 went on" not in got.stdout


def test_serial_stops_after_a_batch_that_failed_whole(run: Runner) -> None:
    got = run(play(launch(), serial=1) + LATER, hosts=THREE)
    assert got.status == 2, got.output
    assert got.states() == {"h1": ["unreaped"]}
    assert "went on" not in got.stdout


def test_serial_goes_on_past_batches_that_reaped(run: Runner) -> None:
    got = run(play(launch(), reap(when="inventory_hostname != 'h3'"), serial=1) + LATER, hosts=THREE)
    assert got.status == 2, got.output
    assert got.states() == {"h1": ["reaped"], "h2": ["reaped"], "h3": ["unreaped"]}
    assert got.failed() == {"h3"}


def test_any_errors_fatal_ends_the_run(run: Runner) -> None:
    tasks = launch(when="inventory_hostname == 'h1'")
    got = run(play(tasks, any_errors_fatal="true") + LATER, hosts=THREE)
    assert got.status == 2, got.output
    assert "went on" not in got.stdout
    assert got.recap["h1"]["failed"] == 1


@pytest.mark.parametrize(("percentage", "goes_on"), [(40, True), (20, False)])
def test_max_fail_percentage_counts_the_gates_failures(run: Runner, percentage: int, goes_on: bool) -> None:
    tasks = launch(when="inventory_hostname == 'h1'")
    got = run(play(tasks, max_fail_percentage=percentage) + LATER, hosts=THREE)
    assert got.status == 2, got.output
    assert ("h2 went on" in got.stdout) == goes_on
    assert got.recap["h1"]["failed"] == 1


def test_a_rescue_that_reaps_or_handles_is_enough(run: Runner) -> None:
    tasks = """\
- block:
    - ansible.builtin.shell: sleep 1; exit 3
      async: 30
      poll: 0
      register: job
    - ansible.builtin.async_status: {jid: "{{ job.ansible_job_id }}"}
      register: waited
      until: waited is finished
      retries: 30
      delay: 1
  rescue:
    - ansible.builtin.debug: {msg: handled}
"""
    got = run(play(tasks) + LATER)
    assert got.status == 0, got.output
    job = got.only_job()
    assert (job["state"], job["seen_by"], job["swallowed"], job["rc"]) == ("failed", "playbook", False, 3)
    assert got.recap["h1"]["rescued"] == 1
    assert got.report is not None
    assert got.report["outcome"] == "reported"
    assert "h1 went on" in got.stdout


def test_includes_and_roles_are_seen_with_their_own_places(run: Runner) -> None:
    files = {
        "tasks/more.yml": launch(name="From the include", register="included"),
        "roles/db/tasks/main.yml": launch(name="From the role", register="from_role"),
        "roles/web/tasks/main.yml": launch(name="From include_role", register="from_include"),
    }
    tasks = "- ansible.builtin.include_tasks: tasks/more.yml\n- ansible.builtin.include_role: {name: web}\n"
    got = run(play(tasks, more="roles: [db]"), files=files)
    assert got.status == 2, got.output
    assert {(job["task"], job["path"], job["line"], job["state"]) for job in got.jobs} == {
        ("From the include", "tasks/more.yml", 1, "unreaped"),
        ("From the role", "roles/db/tasks/main.yml", 1, "unreaped"),
        ("From include_role", "roles/web/tasks/main.yml", 1, "unreaped"),
    }
    assert got.recap["h1"]["failed"] == 1


def test_check_mode_never_turns_a_good_playbook_red(run: Runner, core: str) -> None:
    got = run(play(launch(), reap()) + LATER, args=["--check"])
    if core == "2.16":
        assert got.status == 2, "2.16 refuses async in check mode"
        assert got.jobs == []
    else:
        assert got.status == 0, got.output
        assert got.states() == {"h1": ["reaped"]}


def test_tags_do_not_skip_the_gate(run: Runner) -> None:
    got = run(play(launch(tags="[start]"), reap(tags="[finish]")) + LATER, args=["--tags", "start"])
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    got = run(play(launch(), reap(tags="[finish]")) + LATER, args=["--skip-tags", "always,finish"])
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}


def test_two_playbooks_on_one_command_line(run: Runner) -> None:
    first, second = play(launch(), reap()) + LATER, play(launch(name="Second", when="inventory_hostname == 'h1'"))
    got = run([first, second], hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert got.states() == {"h1": ["reaped", "unreaped"], "h2": ["reaped"]}
    assert got.report is not None
    assert got.report["playbooks"] == ["site.yml", "site2.yml"]
    got = run([second, first], hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert "went on" not in got.stdout, "Ansible runs no further playbook after one that failed"


def test_a_failure_that_the_playbook_sees_is_its_own(run: Runner) -> None:
    got = run(play(launch("sleep 1; exit 4"), reap(), say("not reached")) + LATER)
    assert got.status == 2, got.output
    assert got.recap["h1"]["failed"] == 1
    job = got.only_job()
    assert (job["state"], job["rc"], job["reap"]["line"]) == ("failed", 4, 8)
    assert "async_reaper :" not in got.stdout, "the gate has nothing to add"


IN_A_BLOCK = """\
- block:
    - name: In a block
      ansible.builtin.command: sleep 1
      async: 30
      poll: 0
  vars: {async_reaper_detach: watched elsewhere}
"""


def test_detached_jobs_are_left_alone_with_their_reason(run: Runner) -> None:
    files = {
        "roles/db/tasks/main.yml": launch(name="In a role", register="a"),
        "more.yml": launch(name="In an include", register="b"),
    }
    tasks = [
        launch(name="A task", register="c", vars='{async_reaper_detach: "lives on, {{ inventory_hostname }}"}'),
        IN_A_BLOCK,
        "- ansible.builtin.include_tasks: more.yml\n  vars: {async_reaper_detach: included}\n",
        launch(name="Loop", register="d", loop="[1]", vars='{async_reaper_detach: "watcher {{ item }} lives"}'),
    ]
    roles = "roles:\n  - role: db\n    vars: {async_reaper_detach: from the entry}"
    got = run(play(*tasks, more=roles) + LATER, files=files)
    assert got.status == 0, got.output
    assert {job["task"]: (job["state"], job["reason"]) for job in got.jobs} == {
        "A task": ("detached", "lives on, h1"),
        "In a block": ("detached", "watched elsewhere"),
        "In an include": ("detached", "included"),
        "In a role": ("detached", "from the entry"),
        "Loop": ("detached", "watcher 1 lives"),
    }
    assert got.async_recap == []
    assert not list((got.folder / "state").rglob("*.ledger")), "detached jobs need nobody to come back"


def test_a_play_can_detach_and_a_role_default_cannot(run: Runner) -> None:
    files = {
        "roles/db/tasks/main.yml": launch(name="In a role"),
        "roles/db/defaults/main.yml": "async_reaper_detach: from defaults\n",
        "roles/db/vars/main.yml": "async_reaper_detach: from vars\n",
    }
    own = play(launch(name="Of the play"), more="vars: {async_reaper_detach: all of it}")
    got = run(own + play(more="roles: [db]"), files=files, args=["-e", "async_reaper_detach=extra"])
    assert got.status == 2, got.output
    assert {job["task"]: job["state"] for job in got.jobs} == {"Of the play": "detached", "In a role": "unreaped"}


def test_an_empty_reason_does_not_detach(run: Runner) -> None:
    got = run(play(launch(vars='{async_reaper_detach: " "}')))
    assert got.status == 2, got.output
    assert (got.only_job()["state"], got.only_job()["reason"]) == ("unreaped", None)
    assert any("without a reason" in line for line in got.async_recap)


def test_a_job_that_cuts_its_own_connection_is_detached(run: Runner) -> None:
    # Nothing here reboots: the file does not exist, and a job in the background fails without a word.
    got = run(play(launch("sleep 5 && test -e /nonexistent && shutdown -r now", limit=1)))
    assert got.status == 0, got.output
    assert (got.only_job()["state"], got.only_job()["reason"]) == ("detached", "reboot")


def test_a_job_that_may_never_come_to_its_reboot_is_heard_of(run: Runner) -> None:
    # Nothing here reboots: the one has ended before, the other has nothing to read.
    tasks = [launch("exit 3; shutdown --show"), launch("shutdown --show < /nonexistent")]
    got = run(play(*tasks, "- ansible.builtin.command: sleep 1\n"))
    assert got.status == 2, got.output
    assert [job["state"] for job in got.jobs] == ["failed"] * 2, got.output


def test_a_failed_job_is_a_failure_whatever_its_name(run: Runner) -> None:
    script = "#!/bin/sh\nexit 3\n"
    tasks = [
        launch("sh {{ playbook_dir }}/restart.sh", name="Restart server", register="a"),
        launch("sh {{ playbook_dir }}/shutdown_vm_backup.sh", name="Collect", register="b"),
        launch("sh {{ playbook_dir }}/migrate.sh", name='"Halt on error: run the migrations"', register="c"),
        "- ansible.builtin.command: sleep 2\n",
    ]
    got = run(play(*tasks), files=dict.fromkeys(("restart.sh", "shutdown_vm_backup.sh", "migrate.sh"), script))
    assert got.status == 2, got.output
    assert [(job["state"], job["rc"]) for job in got.jobs] == [("failed", 3)] * 3


@pytest.mark.parametrize("mode", ["fail", "reap"])
def test_the_look_takes_the_way_that_the_launch_took(run: Runner, mode: str) -> None:
    tasks = launch(vars="{ansible_connection: local, ansible_port: 22}")
    got = run(play(tasks), hosts=["h1 ansible_connection=ssh ansible_port=1"], options={"on_unreaped": mode})
    assert got.status == (2 if mode == "fail" else 0), got.output
    assert got.only_job()["last_seen"] in {"running", "finished"}


def test_a_host_that_no_longer_answers_fails_all_the_same(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    silent = f"- ansible.builtin.command: rm {tmp_path}/python\n"
    got = run(play(launch(), silent) + LATER, hosts=[f"h1 ansible_python_interpreter={tmp_path}/python"])
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert got.only_job()["last_seen"] is None
    assert "went on" not in got.stdout


@pytest.mark.parametrize("mode", ["fail", "report", "reap"])
def test_an_environment_that_only_the_plays_own_tasks_can_fill_in_is_theirs(run: Runner, mode: str) -> None:
    got = run(
        play(launch(vars="{of_the_task: x}"), environment='{X: "{{ of_the_task }}"}'), options={"on_unreaped": mode}
    )
    assert got.status == (2 if mode == "fail" else 0), got.output
    assert got.only_job()["state"] == ("reaped" if mode == "reap" else "unreaped")
    assert got.only_job()["last_seen"] in {"running", "finished"}, "the look has been taken"
    assert (got.recap["h1"]["ok"], got.recap["h1"]["ignored"]) == (1, 0)
    assert "of_the_task" not in got.output


OF_THE_TASKS = {
    "remote_user": {"remote_user": '"{{ of_the_task }}"'},
    "become_user": {"become_user": '"{{ of_the_task }}"'},
    "connection": {"connection": '"{{ of_the_task_too }}"', "port": '"{{ port_of_the_task }}"'},
}
OF_THE_TASK = "{of_the_task: root, of_the_task_too: local, port_of_the_task: 22}"


@pytest.mark.parametrize("mode", ["fail", "reap"])
@pytest.mark.parametrize("keyword", list(OF_THE_TASKS))
def test_how_hosts_are_reached_may_be_what_only_the_plays_own_tasks_say(run: Runner, keyword: str, mode: str) -> None:
    hidden = launch(name="Hidden", register="hidden", no_log="true", vars=OF_THE_TASK)
    wait = reap("hidden", no_log="true", vars=OF_THE_TASK)
    got = run(
        play(launch(vars=OF_THE_TASK), hidden, wait, **OF_THE_TASKS[keyword]),
        options={"on_unreaped": mode},
    )
    assert got.status == (2 if mode == "fail" else 0), got.output
    assert [job["state"] for job in got.jobs] == ["reaped" if mode == "reap" else "unreaped", "reaped"]
    assert got.jobs[0]["last_seen"] in {"running", "finished"}, "the look has been taken"
    assert got.recap["h1"]["ignored"] == 0
    assert not (got.folder / "async" / got.jobs[1]["jid"]).exists()


CLEANUP = "- ansible.builtin.async_status: {mode: cleanup, jid: '{{ job.ansible_job_id }}'}\n"
WITHOUT_RC = {"well": "stat: {path: /}", "badly": "file: {path: /nowhere/at/all, state: file}"}


@pytest.mark.parametrize("ends", list(WITHOUT_RC))
@pytest.mark.parametrize("no_log", ["false", "true"])
def test_how_a_job_ended_is_no_guess_where_its_wait_lets_failures_go(
    run: Runner, core: str, ends: str, no_log: str
) -> None:
    """Before ansible-core 2.19 only the status file would have told, and it is gone."""
    tasks = launch().replace("ansible.builtin.shell: sleep 1", f"ansible.builtin.{WITHOUT_RC[ends]}")
    got = run(play(tasks, reap(failed_when="false", no_log=no_log), CLEANUP), options={"on_swallowed": "fail"})
    job, is_told = got.only_job(), tuple(map(int, core.split("."))) >= (2, 19)
    told = {"well": (0, "reaped", False), "badly": (2, "failed", True)}
    expected = told[ends] if is_told else (2, "lost", True)
    assert (got.status, job["state"], job["swallowed"]) == expected, got.output


@pytest.mark.parametrize("no_log", ["false", "true"])
def test_a_failure_that_a_looped_wait_lets_go_is_swallowed(run: Runner, no_log: str) -> None:
    tasks = launch(loop="[1, 2]").replace("ansible.builtin.shell: sleep 1", f"ansible.builtin.{WITHOUT_RC['badly']}")
    wait = reap(jid="item.ansible_job_id", loop='"{{ job.results }}"', failed_when="false", no_log=no_log)
    got = run(play(tasks, wait), options={"on_swallowed": "fail"})
    states = [(job["state"], job["swallowed"]) for job in got.jobs]
    assert (got.status, states) == (2, [("failed", True)] * 2), got.output


@pytest.mark.parametrize("keywords", [{}, {"failed_when": "waited.failed | default(false)"}])
@pytest.mark.parametrize("module", ["ansible.builtin.shell: exit 0", f"ansible.builtin.{WITHOUT_RC['well']}"])
def test_a_wait_that_judges_and_then_cleans_up_has_reaped(run: Runner, module: str, keywords: dict[str, str]) -> None:
    tasks = launch().replace("ansible.builtin.shell: sleep 1", module)
    got = run(play(tasks, reap(**keywords), CLEANUP), options={"on_swallowed": "fail"})
    assert (got.status, got.only_job()["state"]) == (0, "reaped"), got.output


def test_files_under_no_log_that_are_looked_for_in_vain_are_told_of(run: Runner, tmp_path: Path) -> None:
    """Only what Ansible keeps of other hosts has led the launch there, and that has changed."""
    other = "- ansible.builtin.add_host: {name: h2, where: WHERE}\n"
    start = launch(
        "echo S3CRET", no_log="true", vars="{ansible_async_dir: \"{{ playbook_dir }}/{{ hostvars['h2'].where }}\"}"
    )
    wait = reap(vars='{ansible_async_dir: "{{ playbook_dir }}/a"}', no_log="true")
    got = run(play(other.replace("WHERE", "a"), start, wait, other.replace("WHERE", "b"), hosts="h1"))
    assert (got.status, got.only_job()["state"]) == (0, "reaped"), got.output
    assert len(list((tmp_path / "a").glob("*.*"))) == 1
    assert "what no_log hides is still in clear" in " ".join(got.output.split()), got.output
