"""Hosts that lie on purpose: what one answers concerns its own jobs, and never decides what is done elsewhere."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scenarios.conftest import CALLBACKS, Run, Runner
from scenarios.plays import launch, play
from scenarios.test_wait import collection_at
from support import environments

CONNECTIONS = Path(__file__).parent / "connections"
EVIL = "evil ansible_connection=scripted"
COLLECT = "- ansible.builtin.import_playbook: reap.jobs.collect\n"


def told(jid: str, host: str, **access: object) -> dict[str, Any]:
    """A launch in the ledger's form."""
    site = {"play": "p", "task": "t", "path": "site.yml", "line": 1, "limit_s": 60, "poll": 0, "access": access}
    return {"v": 1, "kind": "launch", "jid": jid, "host": host, "launched": 1700000000.0, "site": site}


def ledger(folder: Path, *lines: Mapping[str, object]) -> dict[str, str]:
    """A folder of ledgers of a run that was killed, as an option of the callback."""
    folder.mkdir(mode=0o700)
    run = {
        "v": 1,
        "kind": "run",
        "run": "killed",
        "pid": 2**22 + 1,
        "pid_start": "x:1",
        "controller": socket.gethostname(),
    }
    text = "".join(f"{json.dumps(line)}\n" for line in ({**run, "started": "2026-01-01T00:00:00Z"}, *lines))
    (folder / "killed.ledger").write_text(text)
    return {"ledger_dir": str(folder)}


class Liar:
    """What ``evil`` answers, by the name of the module, and a run in which it does."""

    def __init__(self, run: Runner, folder: Path) -> None:
        self._run = run
        self.folder = folder
        self.said = folder / "said"
        self.said.mkdir()

    def says(self, **answers: object) -> None:
        """A text is the answer as it is, all else is made JSON."""
        for module, answer in answers.items():
            (self.said / module).write_text(answer if isinstance(answer, str) else json.dumps(answer))

    def sent(self, module: str) -> str:
        """What was sent to the host to run."""
        return (self.said / f"sent-{module}").read_text(encoding="utf-8", errors="replace")

    def run(
        self,
        *playbooks: str,
        hosts: tuple[str, ...] = ("good", EVIL),
        env: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Run:
        settings = {
            "ANSIBLE_CONNECTION_PLUGINS": str(CONNECTIONS),
            "SCRIPTED_FOLDER": str(self.said),
            **collection_at(self.folder),
        }
        return self._run(list(playbooks), hosts=hosts, env={**settings, **(env or {})}, **more)


@pytest.fixture
def liar(run: Runner, tmp_path: Path) -> Liar:
    return Liar(run, tmp_path)


def to_run(command: str) -> dict[str, object]:
    """A way to the controller on which a command would be run there."""
    variables = {"ansible_connection": "local", "ansible_become": True, "ansible_become_method": "sudo"}
    found = {**variables, "ansible_become_exe": f"{command}; true", "ansible_python_interpreter": f"sh -c '{command}' "}
    return {"variables": [[name, value] for name, value in found.items()]}


def test_a_fact_does_not_say_which_jobs_collect_follows(liar: Liar, tmp_path: Path) -> None:
    job = told("j1.1", "evil", **to_run(f"touch {tmp_path}/owned"))
    liar.says(setup={"changed": False, "ansible_facts": {"async_reaper_outstanding": {"j1.1": job}}})
    got = liar.run(play("- ansible.builtin.setup:\n", hosts="evil"), COLLECT)
    assert got.status == 0, got.output
    assert not (tmp_path / "owned").exists()
    assert (liar.said / "asked").read_text().split() == ["setup"]


@pytest.mark.parametrize("playbook", ["collect", "stop", "sweep"])
def test_a_fact_sets_no_option_of_our_playbooks(liar: Liar, tmp_path: Path, playbook: str) -> None:
    """``ledger_dir`` would be a file of the controller; it tells in the failure that it was read."""
    facts = {"async_reaper_ledger_dir": f"{tmp_path}/said/setup", "jid": "j1.1", "wait": "nonsense", "stop": "true"}
    liar.says(
        setup={"changed": False, "ansible_facts": {**facts, "remove": "true", "timeout": "nonsense"}},
        sweep={"changed": False, "folder": "/jobs", "files": [], "removed": 0, "kept": {}},
    )
    first = play("- ansible.builtin.setup:\n", hosts="evil")
    args = ["-e", "run=none"] if playbook == "stop" else []
    got = liar.run(
        first,
        f"- ansible.builtin.import_playbook: reap.jobs.{playbook}\n",
        args=["-l", "evil", *args],
        # Nor does a variable that some role of the inventory has under such a name.
        hosts=("good", f"{EVIL} days=none max=none grace=none timeout=none cleanup=none task=x"),
    )
    assert got.status == 0, got.output
    if playbook == "sweep":
        assert '"remove": false' in liar.sent("sweep").replace("\\", "")


def test_a_host_does_not_write_the_artifact(liar: Liar) -> None:
    lie = {"aggregate": False, "per_host": False, "data": {"async_reaper_outstanding": {"j1.1": told("j1.1", "good")}}}
    liar.says(
        setup={"changed": False, "ansible_stats": lie}, ping={"ping": 1, "ansible_stats": {**lie, "aggregate": True}}
    )
    lies = play("- ansible.builtin.setup:\n- ansible.builtin.ping:\n", hosts="evil")
    env = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    got = liar.run(
        lies, play(launch("sleep 5", name="Honest"), hosts="good"), lies, options={"on_unreaped": "report"}, env=env
    )
    stats = [json.loads(found) for found in re.findall(r"^\tRUN: (.*)$", got.stdout, re.MULTILINE)]
    (job,) = got.jobs
    assert [list(found["async_reaper_outstanding"]) for found in stats] == [[job["jid"]]] * 2
    # A run without any job of ours hands nothing on either.
    assert "async_reaper_outstanding" not in liar.run(lies, env=env).stdout


@pytest.mark.parametrize("stop", ["false", "true"])
def test_an_artifact_does_not_say_how_a_host_is_reached(liar: Liar, tmp_path: Path, stop: str) -> None:
    """Whoever wrote it: account and folder come from there, machine and programs from the inventory."""
    jobs = [
        told("j1.1", "good", **to_run(f"touch {tmp_path}/owned")),
        told("j2.2", "good", variables=[["ansible_host", "elsewhere.example"]]),
        told("j3.3", "good", delegate_to="elsewhere.example"),
        told("j4.4", "good", become=True, become_user="{{ lookup('pipe', 'touch owned') }}"),
        told("j5.5", "evil", delegate_to="here"),
        told("j6.6", "good", become=True, become_user="x; touch owned"),
        {**told("j7.7", "good"), "site": {**told("j7.7", "good")["site"], "limit_s": 99999999999}},
        {**told("j8.8", "good"), "launched": 99999999999.0},
        told("j9.9", "localhost", variables=[["ansible_async_dir", str(tmp_path)]]),
        told("j11.11", "good", become=True, become_user="root -- touch owned"),
        told("j12.12", "good", become=True, become_user="-i"),
        told("j13.13", "good", become=True, become_user="x\\ -i"),
        told("j14.14", "good", variables=[["ansible_become_user", "$HOME"]]),
        told("j15.15", "good", variables=[["ansible_become_user", "a\\-b"]]),
        told("j16.16", "here"),
        told("j17.17", "good", delegate_to="unclear"),
        told("passwd", "good", variables=[["ansible_async_dir", "/etc"]]),
    ]
    (tmp_path / "artifact.json").write_text(json.dumps({"async_reaper_outstanding": {job["jid"]: job for job in jobs}}))
    hosts = ("good ansible_connection=beside", EVIL, "here", "unclear ansible_connection='{{ nobody_knows }}'")
    got = liar.run(COLLECT, hosts=hosts, args=["-e", "@artifact.json", "-e", f"stop={stop}"])
    said = " ".join(got.stderr.split())
    assert not (tmp_path / "owned").exists()
    for number, why in {
        "j2.2": "its play set ansible_host otherwise than this inventory",
        "j3.3": "it was delegated to a host that is not in this inventory",
        "j4.4": "its way there holds a template",
        "j5.5": "it was on the controller of its run",
        "j6.6": "no user or become method of such a name is taken",
        "j7.7": "it would be waited for for more than a month",
        "j8.8": "it would be waited for for more than a month",
        "j9.9": "it was on the controller of its run",
        **dict.fromkeys(
            ("j11.11", "j12.12", "j13.13", "j14.14", "j15.15"), "no user or become method of such a name is taken"
        ),
        "j16.16": "it was on the controller of its run",
        "j17.17": "it was on the controller of its run",
        "passwd": "no job has such an id",
    }.items():
        assert f"job {number} of the artifact is left alone: {why}" in said


STARTED = {"started": 1, "finished": 0, "changed": True, "ansible_job_id": "j77.77", "results_file": "/h/j77.77"}
NO_ANSWER = json.dumps({"started": 1, "finished": 1, "stdout": 5, "ansible_job_id": "j77.77"})
"""Makes the code of Ansible that reads it raise what is no error of Ansible's."""
AT_BOTH = (
    launch("exit 3", name="Honest", register=""),
    launch("sleep 0", name="At the other", register="", delegate_to="evil"),
)


@pytest.mark.parametrize("answer", [NO_ANSWER, "RAISE"])
@pytest.mark.parametrize("mode", ["report", "fail", "reap"])
def test_an_answer_that_cannot_be_read_costs_its_own_job_only(liar: Liar, mode: str, answer: str) -> None:
    liar.says(async_wrapper=STARTED, async_status=answer)
    tasks = [*AT_BOTH, "- ansible.builtin.pause: {seconds: 2}\n"]
    got = liar.run(play(*tasks, hosts="good"), options={"on_unreaped": mode})
    assert {job["task"]: job["state"] for job in got.jobs} == {"Honest": "failed", "At the other": "unreaped"}
    assert got.status == 2, got.output
    assert "an error of its own" not in got.output


@pytest.mark.parametrize("look", ["async_status: {jid: '{{ hostvars.good.left.ansible_job_id }}'}", "ping:"])
def test_a_host_that_says_its_answer_is_hidden_hides_no_job_of_another(liar: Liar, tmp_path: Path, look: str) -> None:
    """What is hidden is not told, and the file that holds it is removed from the job's own host."""
    answer = {"started": 1, "finished": 1, "changed": True, "censored": "no_log", "rc": 0}
    copy = (
        "- ansible.builtin.copy:\n"
        "    content: \"{{ answer | combine({'ansible_job_id': left.ansible_job_id}) | to_json }}\"\n"
        f"    dest: {tmp_path}/said/{{{{ item }}}}\n    mode: '0600'\n"
        "  loop: [ping, async_status]\n  when: inventory_hostname == 'good'\n"
    )
    honest = launch("exit 3", name="Honest", register="left", when="inventory_hostname == 'good'")
    lie = f"- ansible.builtin.{look}\n  register: seen\n  when: inventory_hostname == 'evil'\n"
    got = liar.run(play(honest, copy, lie, more=f"vars: {{answer: {json.dumps(answer)}}}"))
    (job,) = got.jobs
    assert (job["state"], job["rc"]) == ("failed", 3), got.output
    assert job["msg"]
    assert (tmp_path / "async" / job["jid"]).is_file()


def test_a_wait_is_not_ended_by_an_answer_that_cannot_be_read(liar: Liar) -> None:
    liar.says(async_wrapper=STARTED, async_status=NO_ANSWER)
    tasks = [AT_BOTH[0].replace("exit 3", "exit 0"), AT_BOTH[1], "- reap.jobs.wait: {timeout: 3}\n"]
    got = liar.run(play(*tasks, hosts="good"))
    assert {job["task"]: job["state"] for job in got.jobs} == {"Honest": "reaped", "At the other": "unreaped"}
    assert "did not answer: the look at it failed (AttributeError)" in " ".join(got.output.split())


def test_an_answer_that_cannot_be_read_makes_no_twin_fail_a_run(liar: Liar) -> None:
    """The look for a running twin is made in the process that runs the play."""
    liar.says(async_wrapper=STARTED, async_status=NO_ANSWER)
    book = play(launch("sleep 0", register="", name="Again"), hosts="evil")
    again = play(
        "- ansible.builtin.shell: kill -9 {{ lookup('ansible.builtin.pipe', 'ps -o ppid= -p $PPID') }}\n", hosts="good"
    )
    liar.run(book, again, options={"on_unreaped": "report", "look": "false"})
    got = liar.run(book, options={"on_unreaped": "report"})
    assert got.status == 0, got.output
    assert "may still be running" in " ".join(got.output.split())


def test_sweep_tells_a_host_of_nobody_elses_jobs(liar: Liar, tmp_path: Path) -> None:
    liar.says(sweep={"changed": False, "folder": "/jobs", "files": [], "removed": 0, "kept": {}})
    options = ledger(tmp_path / "led", told("j4242.4242", "good"))
    got = liar.run("- ansible.builtin.import_playbook: reap.jobs.sweep\n", args=["-l", "evil"], options=options)
    assert got.status == 0, got.output
    assert "claimed" in liar.sent("sweep")
    assert "4242" not in liar.sent("sweep")


def hidden(jid: str) -> dict[str, Any]:
    job = told(jid, "evil")
    return {**job, "site": {**job["site"], "no_log": True}}


def test_numbers_of_a_host_about_a_hidden_job_are_not_printed(liar: Liar, tmp_path: Path) -> None:
    said = {"jid": "j1.1", "outcome": "stopped", "detail": "48151623", "processes": 48151623, "left": [42424242]}
    liar.says(stop={"changed": True, "jobs": [said]})
    args = ["-l", "evil", "-v", "-e", "jid=j1.1"]
    options = ledger(tmp_path / "led", hidden("j1.1"))
    got = liar.run("- ansible.builtin.import_playbook: reap.jobs.stop\n", args=args, options=options)
    assert "stopped: what was said of it is hidden by no_log" in " ".join(got.output.split())
    assert not re.search("48151623|42424242", got.output)


def test_a_host_that_cannot_be_searched_repeats_no_argument_of_a_hidden_launch(liar: Liar, tmp_path: Path) -> None:
    liar.says(find={"failed": True, "msg": "you told me S3CRET"})
    intent = {"v": 1, "kind": "intent", "key": "k", "host": "evil", "when": time.time(), "site": hidden("j1.1")["site"]}
    got = liar.run(COLLECT, args=["-l", "evil"], options=ledger(tmp_path / "led", intent))
    assert "cannot be searched: what was said of it is hidden by no_log" in " ".join(got.output.split())
    assert "S3CRET" not in got.output


def test_a_password_that_a_host_repeats_is_not_shown(liar: Liar) -> None:
    liar.says(async_wrapper=STARTED, async_status={"failed": True, "msg": "sudo: S3CRETPW is not 87654321"})
    book = play(
        launch("sleep 0", register=""),
        hosts="evil",
        more="vars: {ansible_become_password: S3CRETPW, ansible_password: 87654321}",
        become="true",
    )
    got = liar.run(book, options={"on_unreaped": "fail"})
    assert "sudo: ******** is not ********" in got.only_job()["msg"], got.output
    assert not re.search("S3CRETPW|87654321", got.output)


REPEATS = {**STARTED, "results_file": "/h/S3CRETPW", "ansible_loop_var": "x", "x": "S3CRETPW", "stdout": "S3CRETPW"}
TRIED = {"loop": "[1]", "register": "job", "until": "job.never is defined", "retries": "1", "delay": "1"}


@pytest.mark.parametrize(
    "start",
    [
        launch("sleep 0", register=""),
        launch("sleep 0", ignore_errors="true", **TRIED),
        "- ansible.builtin.command: say\n  register: said\n"
        + launch("sleep 0", register="", loop="'{{ [said.stdout] }}'", loop_control="{label: '{{ item }}'}"),
    ],
    ids=["status file", "item of a retry", "item"],
)
def test_a_password_that_a_host_repeats_of_a_launch_is_not_written(liar: Liar, start: str) -> None:
    liar.says(async_wrapper={**REPEATS, "_ansible_item_label": "S3CRETPW"}, command=REPEATS)
    more = "vars: {ansible_become_password: S3CRETPW}\nbecome: true"
    env = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    got = liar.run(play(start, hosts="evil", more=more), options={"on_unreaped": "report", "look": "false"}, env=env)
    assert got.jobs, got.output
    (ledger,) = (got.folder / "state").rglob("*.ledger")
    (stats,) = re.findall(r"^\tRUN: (.*)$", got.stdout, re.MULTILINE)
    _, _, recap = got.stdout.partition("ASYNC RECAP")
    assert "S3CRETPW" not in json.dumps(got.report) + ledger.read_text() + stats + recap


@pytest.mark.parametrize("by", ["S3CRETPW", "'{{ sudo_pw }}'"])
def test_a_password_that_a_host_repeats_to_the_playbooks_own_wait_is_not_written(liar: Liar, by: str) -> None:
    """Ansible itself prints it up to 2.21."""
    liar.says(
        async_wrapper=STARTED, async_status={"started": 1, "finished": 1, "failed": True, "msg": "sudo: S3CRETPW?"}
    )
    more = f"vars: {{sudo_pw: S3CRETPW, ansible_become_password: {by}}}"
    wait = "- ansible.builtin.async_status: {jid: '{{ job.ansible_job_id }}'}\n  ignore_errors: true\n"
    got = liar.run(play(launch("sleep 0"), wait, hosts="evil", more=more, become="true"))
    assert got.only_job()["msg"] is not None, got.output
    assert "S3CRETPW" not in json.dumps(got.report)


@pytest.mark.parametrize("work", ["stop: {jid: j1.1}", "sweep:"])
def test_a_password_that_a_host_repeats_of_a_stop_or_a_sweep_is_not_shown(liar: Liar, work: str) -> None:
    jobs = [{"jid": "j1.1", "outcome": "stopped", "detail": "sudo: S3CRETPW", "processes": 1, "left": []}]
    liar.says(
        stop={"changed": True, "jobs": jobs},
        sweep={"changed": True, "folder": "/x/S3CRETPW", "files": [], "removed": 0, "kept": {}},
    )
    secret = "vars: {ansible_become_password: S3CRETPW}"
    got = liar.run(play(f"- reap.jobs.{work}\n", hosts="evil", more=secret, become="true"), args=["-v"])
    assert got.status == 0, got.output
    assert "********" in got.stdout
    assert "S3CRETPW" not in got.output


def encrypted(core: str, folder: Path, text: str, name: str = "") -> str:
    """A file of that text as ansible-vault encrypts it, or one variable of that name and value."""
    (folder / "password").write_text("open sesame")
    program = str(environments.program(f"core-{core}", "ansible-vault"))
    command = [program, "encrypt_string", "--name", name, "--", text] if name else [program, "encrypt", "--output", "-"]
    command[2:2] = ["--vault-password-file", "password"]
    env = {**os.environ, "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=folder, env=env, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.slow
def test_what_a_vault_says_of_the_way_to_a_host_is_used_and_not_written(liar: Liar, core: str, tmp_path: Path) -> None:
    """One variable is encrypted, or the file that it stands in, or the one that it is made of."""
    files = {
        "one.yml": encrypted(core, tmp_path, "S3CRET-user", "vaulted_user") + "user_of_it: '{{ vaulted_user }}'\n",
        "whole.yml": encrypted(core, tmp_path, "jobs_in: /h/S3CRET-folder\nnumbers: {port: '54321'}\n"),
    }
    ways = (
        "remote_user: '{{ user_of_it }}'",
        "port: '{{ numbers.port | int }}'",
        "vars: {ansible_async_dir: '{{ jobs_in }}'}",
    )
    liar.says(async_wrapper=STARTED)
    starts = [launch("sleep 0", register="", name=f"Way {number}") + f"  {way}\n" for number, way in enumerate(ways)]
    killed = "- ansible.builtin.shell: kill -9 {{ lookup('ansible.builtin.pipe', 'ps -o ppid= -p $PPID') }}\n"
    book = play(*starts, hosts="evil", vars_files="[one.yml, whole.yml]")
    book += play(killed, hosts="good")
    liar.run(book, files=files, args=["--vault-password-file", "password"], options={"on_unreaped": "report"})
    (written,) = (tmp_path / "state" / "ansible-reap" / "ledger").glob("*.ledger")
    text = written.read_text()
    assert text.count('"kind":"intent"') == len(ways)
    assert not re.search("S3CRET|54321", text)
    got = liar.run(COLLECT, args=["-l", "evil", "-e", "wait=true", "--vault-password-file", "password"])
    assert "its ledger does not say how its host is reached" in " ".join(got.output.split())


def test_no_argument_of_a_way_that_a_vault_tells_is_written(liar: Liar, core: str, tmp_path: Path) -> None:
    """Arguments and flags hold passwords."""
    ways = (
        "vars: {ansible_ssh_common_args: '{{ args }}', ansible_ssh_extra_args: '{{ args }}'}",
        "vars: {ansible_ssh_args: '{{ args | trim }}', ansible_become_flags: '{{ args }}'}",
        "vars: {ansible_become_flags: '-n {{ args }} -H'}",
        "become_flags: '{{ args }}'",
    )
    starts = [launch("sleep 0", register="", name=f"Way {number}") + f"  {way}\n" for number, way in enumerate(ways)]
    liar.says(async_wrapper=STARTED)
    killed = "- ansible.builtin.shell: kill -9 {{ lookup('ansible.builtin.pipe', 'ps -o ppid= -p $PPID') }}\n"
    book = play(*starts, hosts="evil", vars_files="[one.yml]") + play(killed, hosts="good")
    files = {"one.yml": encrypted(core, tmp_path, "-p S3CRET", "args")}
    got = liar.run(book, files=files, args=["--vault-password-file", "password"], options={"on_unreaped": "report"})
    written = ledger_of(tmp_path)
    assert written.count('"kind":"intent"') == len(ways), got.output
    assert "S3CRET" not in written


def test_what_stands_in_an_encrypted_file_of_tasks_is_used_and_not_written(
    liar: Liar, core: str, tmp_path: Path
) -> None:
    ways = (
        "remote_user: S3CRET-user",
        "vars: {ansible_async_dir: /h/S3CRET-folder, ansible_private_key_file: /S3CRET}",
    )
    starts = [launch("sleep 0", register="", name=f"Way {number}") + f"  {way}\n" for number, way in enumerate(ways)]
    liar.says(async_wrapper=STARTED)
    killed = "- ansible.builtin.shell: kill -9 {{ lookup('ansible.builtin.pipe', 'ps -o ppid= -p $PPID') }}\n"
    book = play("- ansible.builtin.include_tasks: tasks.yml\n", hosts="evil") + play(killed, hosts="good")
    files = {"tasks.yml": encrypted(core, tmp_path, "".join(starts))}
    liar.run(book, files=files, args=["--vault-password-file", "password"], options={"on_unreaped": "report"})
    (written,) = (tmp_path / "state" / "ansible-reap" / "ledger").glob("*.ledger")
    text = written.read_text()
    assert text.count('"kind":"intent"') == len(ways)
    assert "S3CRET" not in text
    got = liar.run(COLLECT, args=["-l", "evil"])
    assert " ".join(got.output.split()).count("its ledger does not say how its host is reached") >= len(ways)


UNNAMED = {"register": "", "loop_control": "{label: one}"}
LOOPS = {
    "the task's": launch("sleep 0", remote_user="'{{ item.name }}'", loop="'{{ users }}'", **UNNAMED),
    "by with_items": launch("sleep 0", become_user="'{{ item.name }}'", with_items="'{{ users }}'", **UNNAMED),
    "an include's": "- ansible.builtin.include_tasks: one.yml\n  loop: '{{ users }}'\n",
    "a role's": "- ansible.builtin.include_role: {name: one}\n  loop: '{{ users }}'\n",
    "one within the other": (
        "- ansible.builtin.include_tasks: two.yml\n  loop: [1]\n  loop_control: {loop_var: outer}\n"
        "  vars: {those: '{{ users }}'}\n"
    ),
    "a connection variable": (
        "- ansible.builtin.include_tasks: three.yml\n  loop: \"{{ users | map(attribute='name') }}\"\n"
        "  loop_control: {loop_var: ansible_user}\n"
    ),
    "in the folder": "- ansible.builtin.include_tasks: four.yml\n  loop: '{{ [users.0.name] }}'\n",
    "in a reason": launch(
        "sleep 0", loop="'{{ users }}'", vars="{async_reaper_detach: 'it is of {{ item.name }}'}", **UNNAMED
    ),
}


@pytest.mark.parametrize("how", LOOPS)
def test_what_a_loop_hands_on_of_a_vault_is_used_and_not_written(
    liar: Liar, core: str, tmp_path: Path, how: str
) -> None:
    """Where it comes from is what the loop says; the value does not always tell."""
    files = {
        "users.yml": "users:\n  - " + encrypted(core, tmp_path, "S3CRET-user", "name").replace("\n", "\n    "),
        "one.yml": launch("sleep 0", register="", remote_user="'{{ item.name }}'"),
        "roles/one/tasks/main.yml": launch("sleep 0", register="", remote_user="'{{ item.name }}'"),
        "two.yml": "- ansible.builtin.include_tasks: one.yml\n  loop: '{{ those }}'\n",
        "three.yml": launch("sleep 0", register=""),
        "four.yml": launch("sleep 0", register="", vars="{ansible_async_dir: '/jobs/{{ item }}'}"),
    }
    liar.says(async_wrapper=STARTED)
    got = liar.run(
        play(LOOPS[how], hosts="evil", vars_files="[users.yml]", become="true"),
        files=files,
        args=["--vault-password-file", "password"],
        options={"on_unreaped": "report", "look": "false"},
        env={"ANSIBLE_SHOW_CUSTOM_STATS": "1", "ASYNC_REAPER_RECAP": "always"},
    )
    written = "".join(path.read_text() for path in (tmp_path / "state" / "ansible-reap" / "ledger").glob("*.ledger"))
    stats = re.findall(r"^\tRUN: (.*)$", got.stdout, re.MULTILINE)
    assert got.only_job()["state"] in ("unreaped", "detached"), got.output
    _, _, recap = got.stdout.partition("ASYNC RECAP")
    assert "S3CRET" not in written + "".join(stats) + json.dumps(got.report) + recap


def ledger_of(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "state" / "ansible-reap" / "ledger").glob("*.ledger"))


MADE = """\
- ansible.builtin.set_fact: {made: "by-{{ secret }}"}
- ansible.builtin.add_host: {name: evil2, groups: added, ansible_async_dir: "/of/{{ secret }}"}
"""


def test_what_a_run_has_made_of_a_vault_is_used_and_not_written(liar: Liar, core: str, tmp_path: Path) -> None:
    """A fact and a register do not tell what they were made of."""
    ways = (
        {"remote_user": "'{{ made }}'"},
        {"vars": "{ansible_async_dir: '/of/{{ made }}'}"},
        {"vars": "{async_reaper_detach: 'it is of {{ made }}'}"},
    )
    files = {"one.yml": encrypted(core, tmp_path, "S3CRET-user", "secret")}
    liar.says(async_wrapper=STARTED)
    starts = [launch("sleep 0", register="", **way) for way in ways]
    folder = "- ansible.builtin.set_fact: {ansible_async_dir: '/of/{{ secret }}'}\n"
    got = liar.run(
        play(MADE, *starts, folder, launch("sleep 0", register=""), hosts="evil", vars_files="[one.yml]")
        + play(launch("sleep 0", register=""), hosts="added", connection="scripted"),
        files=files,
        args=["--vault-password-file", "password"],
        options={"on_unreaped": "report", "on_failed": "report", "look": "false"},
    )
    written = ledger_of(tmp_path)
    assert written.count('"kind":"intent"') == len(ways) + 2, got.output
    assert "S3CRET" not in written + json.dumps(got.report)


def test_the_folder_that_a_run_sets_is_written_where_no_vault_is_opened(liar: Liar, tmp_path: Path) -> None:
    liar.says(async_wrapper=STARTED)
    later = "- ansible.builtin.set_fact: {ansible_async_dir: /set/later}\n"
    start = launch("sleep 0", register="")
    liar.run(play(start, later, start, hosts="evil"), options={"on_unreaped": "report", "look": "false"})
    assert '"async_dir":"/set/later"' in ledger_of(tmp_path)


def test_what_a_vault_says_is_told_for_each_host(liar: Liar, core: str, tmp_path: Path) -> None:
    """Another host's value of the same name is a plain one."""
    files = {
        "host_vars/evil.yml": encrypted(core, tmp_path, "S3CRET-user", "by"),
        "host_vars/plain.yml": "by: anybody\n",
    }
    liar.says(async_wrapper=STARTED)
    ways = (f"{keyword}: '{{{{ by }}}}'" for keyword in ("remote_user", "become_user", "become_exe"))
    starts = [launch("sleep 0", register="", name=f"Way {number}") + f"  {way}\n" for number, way in enumerate(ways)]
    got = liar.run(
        play(*starts, become="true"),
        files=files,
        hosts=(EVIL, EVIL.replace("evil", "plain")),
        args=["--vault-password-file", "password"],
        options={"on_unreaped": "report", "look": "false"},
        env={"ANSIBLE_SHOW_CUSTOM_STATS": "1"},
    )
    (written,) = (tmp_path / "state" / "ansible-reap" / "ledger").glob("*.ledger")
    (stats,) = re.findall(r"^\tRUN: (.*)$", got.stdout, re.MULTILINE)
    assert "anybody" in written.read_text()
    assert "S3CRET" not in written.read_text() + stats


@pytest.mark.slow
def test_a_host_that_never_answers_about_a_running_twin_does_not_keep_the_run(liar: Liar) -> None:
    """Half a minute for one answer, made in the process that runs the play; then the host is not asked again."""
    liar.says(async_wrapper=STARTED)
    killed = "- ansible.builtin.shell: kill -9 {{ lookup('ansible.builtin.pipe', 'ps -o ppid= -p $PPID') }}\n"
    start = launch("sleep 0", register="", limit=600)
    liar.run(play(start, hosts="evil") + play(killed, hosts="good"), options={"on_unreaped": "report"})
    liar.says(async_status="SLEEP", async_wrapper={**STARTED, "ansible_job_id": "j88.88"})
    got = liar.run(play(start, hosts="evil"), options={"on_unreaped": "report", "look": "false"}, timeout=110)
    assert got.status == 0, got.output
    assert "may still be running (the host did not answer within 30 s)" in " ".join(got.output.split())


def test_a_host_that_calls_anothers_job_its_own_does_not_keep_stop_from_it(liar: Liar, tmp_path: Path) -> None:
    stopped = {"jid": "j1.1", "outcome": "stopped", "detail": "d", "processes": 1, "left": []}
    liar.says(stop={"changed": True, "jobs": [stopped]})
    got = liar.run(
        "- ansible.builtin.import_playbook: reap.jobs.stop\n",
        hosts=("good ansible_connection=scripted", EVIL),
        options=ledger(tmp_path / "ledgers", told("j1.1", "evil")),
        args=["-e", "jid=j1.1"],
    )
    assert (liar.said / "asked").read_text().split().count("stop") == 2, got.output
    assert [got.recap[host]["changed"] for host in ("good", "evil")] == [1, 1]


IMPATIENT = """
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = "impatient"

    def v2_playbook_on_start(self, playbook):
        from ansible_reap.runtime.actions import stop, sweep
        stop.PATIENCE, stop.MOST_FOR_A_JOB, sweep.LONGEST_SWEEP = 1, 1, 2
"""
"""Workers are forks of the process that has these."""


def test_stop_and_sweep_give_up_a_host_that_never_answers(liar: Liar, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "impatient.py").write_text(IMPATIENT, encoding="utf-8")
    liar.says(stop="SLEEP", sweep="SLEEP")
    got = liar.run(
        play("- reap.jobs.stop: {jid: j1.1, grace: 0}\n  ignore_errors: true\n", "- reap.jobs.sweep:\n", hosts="evil"),
        options=ledger(tmp_path / "ledgers", told("j1.1", "evil")),
        callbacks="impatient,async_reaper",
        callback_folders=(tmp_path / "others", CALLBACKS),
        timeout=120,
    )
    assert got.status == 2, got.output
    said = " ".join(got.output.split())
    assert (liar.said / "asked").read_text().split() == ["stop", "sweep"]
    assert said.count("the host did not answer within 2 s") >= 2


def test_of_a_folder_of_too_many_files_none_is_taken_for_a_job_and_the_task_is_named(
    liar: Liar, tmp_path: Path
) -> None:
    intent = {
        "v": 1,
        "kind": "intent",
        "key": "k",
        "host": "evil",
        "when": time.time(),
        "site": told("j1.1", "evil")["site"],
    }
    files = [{"path": f"/scripted/.ansible_async/j{number}.1", "mtime": time.time()} for number in range(1001)]
    liar.says(find={"changed": False, "files": files})
    got = liar.run(COLLECT, args=["-l", "evil"], options=ledger(tmp_path / "led", intent))
    assert got.status == 0, got.output
    said = " ".join(got.output.split())
    assert "the folder of the jobs of 't' at site.yml:1 cannot be searched: it holds more than 1000" in said
    assert (liar.said / "asked").read_text().split() == ["find"], "no file is looked into"


def test_stop_and_sweep_run_nothing_on_windows(liar: Liar, tmp_path: Path) -> None:
    got = liar.run(
        play("- reap.jobs.stop: {jid: j1.1}\n  ignore_errors: true\n", "- reap.jobs.sweep:\n", hosts="evil"),
        options=ledger(tmp_path / "ledgers", told("j1.1", "evil")),
        hosts=("good", f"{EVIL} ansible_shell_type=powershell"),
    )
    assert got.status == 2, got.output
    said = " ".join(got.output.split())
    assert "job j1.1: not stopped: on Windows the processes of a job cannot be told" in said
    assert "reap.jobs.sweep: not on Windows" in said
    assert not (liar.said / "asked").exists()
