"""A managed host that lies about what modules returned changes nothing for the jobs of other hosts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from scenarios.conftest import Run, Runner
from scenarios.plays import launch, play, reap
from scenarios.test_wait import collection_at

ANSWERED = {"started": 1, "finished": 1, "rc": 0, "changed": False}
IS_EVIL = "inventory_hostname == 'evil'"
IS_VICTIM = "inventory_hostname == 'victim'"
INTERPRETER = """\
#!/bin/bash
case "$*" in
  *async_wrapper.py*) answer=launch ;;
  *async_status.py*) answer=status ;;
  *AnsiballZ_command.py*) answer=command ;;
  *AnsiballZ_sweep.py*|*AnsiballZ_stop.py*) answer=ours ;;
esac
if [ -f "{folder}/says/$answer" ]; then
  [ "$answer" = ours ] || for _ in $(seq 100); do
    victims=$(ls "{folder}/async" 2>/dev/null | grep -v tmp | head -1)
    [ "$victims" ] && break
    sleep 0.1
  done
  sed "s/VICTIMS/$victims/" "{folder}/says/$answer"
else
  exec python3 "$@"
fi
"""

Lies = Callable[..., Run]


@pytest.fixture
def lies(run: Runner, tmp_path: Path) -> Lies:
    """``lies(playbook, launch={...}, status={...}, command={...})``: what the host ``evil`` answers for these modules.

    ``VICTIMS`` in an answer stands for the id of the other host's job.
    """

    def start(playbook: str, **answers: Mapping[str, object]) -> Run:
        (tmp_path / "says").mkdir()
        for name, answer in answers.items():
            (tmp_path / "says" / name).write_text(json.dumps(answer))
        interpreter = tmp_path / "evil-python"
        interpreter.write_text(INTERPRETER.format(folder=tmp_path))
        interpreter.chmod(0o755)
        hosts = ("victim", f"evil ansible_connection=ansible.builtin.local ansible_python_interpreter={interpreter}")
        return run(playbook, hosts=hosts, env=collection_at(tmp_path))

    return start


def accepted(jid: str, **more: object) -> dict[str, object]:
    """A launch's reply."""
    return {"started": 1, "finished": 0, "changed": True, "ansible_job_id": jid, "results_file": f"/x/{jid}", **more}


@pytest.mark.parametrize("hidden", ["false", "true"])
def test_a_host_that_claims_anothers_id_by_a_skipped_launch_is_not_believed(lies: Lies, hidden: str) -> None:
    command = "\"{{ 'false' if inventory_hostname == 'victim' else 'true' }}\""
    got = lies(
        play(launch(command, no_log=hidden), reap(when=IS_EVIL)),
        launch=accepted("VICTIMS", skipped=True),
        status=ANSWERED,
    )
    assert got.status == 2, got.output
    assert "reaped" not in got.states()["victim"]
    assert "victim" in got.failed()


NAMES_ANOTHERS: dict[str, tuple[dict[str, Any], dict[str, object]]] = {
    "hidden": ({"no_log": "true"}, accepted("VICTIMS", finished=1)),
    "masked": ({}, accepted("VICTIMS", finished=1, start="$REDACTED$")),
    "polled": ({"poll": 1}, accepted("VICTIMS")),
    "unreachable": ({"ignore_unreachable": "true"}, accepted("VICTIMS", unreachable=True)),
}


@pytest.mark.parametrize("how", list(NAMES_ANOTHERS))
def test_whatever_way_a_host_names_anothers_job_its_wait_is_no_wait_for_it(lies: Lies, how: str) -> None:
    keywords, answer = NAMES_ANOTHERS[how]
    other = launch("exit 0", name="Other", when=IS_EVIL, **keywords)
    got = lies(
        play(
            launch("exit 0", name="Forgotten", register="forgotten", when=IS_VICTIM),
            "- ansible.builtin.pause: {seconds: 1}\n",
            other.replace("  poll: 0\n", "") if "poll" in keywords else other,
            reap(when=IS_EVIL),
        ),
        launch=answer,
        status=ANSWERED,
    )
    assert got.status == 2, got.output
    assert [job["state"] for job in got.jobs if job["task"] == "Forgotten"] == ["unreaped"]


def test_a_host_that_a_task_is_delegated_to_does_not_speak_for_the_delegating_hosts_job(lies: Lies) -> None:
    got = lies(
        play(
            launch("exit 1"),
            "- name: Leave the pool\n  ansible.builtin.command: leave\n  delegate_to: evil\n",
            hosts="victim",
        ),
        command={"changed": True, "rc": 0, "finished": 1, "ansible_job_id": "VICTIMS"},
    )
    assert got.status == 2, got.output
    assert got.only_job()["state"] == "failed"


@pytest.mark.parametrize("name", ["unknown-1", "unknown:1"])
def test_no_host_can_take_the_name_of_a_lost_job(lies: Lies, name: str) -> None:
    got = lies(
        play(
            launch("exit 0", when=IS_EVIL),
            launch(
                "exit 1",
                register="tried",
                no_log="true",
                until="tried.attempts > 1",
                retries=3,
                delay=0,
                when=IS_VICTIM,
            ),
            reap(jid="job.ansible_job_id | default(tried.ansible_job_id)", failed_when="false"),
        ),
        launch=accepted(name),
        status=ANSWERED,
    )
    assert got.status == 2, got.output
    assert got.states()["victim"].count("lost") == 1


@pytest.mark.parametrize("looped", ["", '"{{ [1] }}"'])
def test_a_host_cannot_set_the_variables_with_which_it_is_reached(lies: Lies, tmp_path: Path, looped: str) -> None:
    """The folder of the status files is a template here, and the host names a variable in it as its loop's own."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "passwd").write_text("precious")
    loop = {"loop": looped} if looped else {}
    got = lies(
        play(
            launch("exit 0", no_log="true", **loop),
            reap(jid="(job.results | default([job]))[0].ansible_job_id", retries=1),
            hosts="evil",
            vars=f'{{jobs_dir: "{tmp_path}/async", ansible_async_dir: "{{{{ jobs_dir }}}}"}}',
        ),
        launch=accepted(
            "passwd",
            ansible_loop_var="jobs_dir",
            ansible_index_var="jobs_dir",
            jobs_dir=str(precious),
        ),
    )
    assert (precious / "passwd").read_text() == "precious", got.output


def test_no_fact_of_a_later_task_leads_a_wait_to_another_folder(lies: Lies, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "passwd").write_text('{"rc": 0}')
    got = lies(
        play(launch("exit 0", limit=5), "- ansible.builtin.command: facts\n", "- reap.jobs.wait:\n", hosts="evil"),
        launch=accepted("passwd"),
        command={"changed": False, "rc": 0, "ansible_facts": {"ansible_async_dir": str(precious)}},
    )
    assert (precious / "passwd").exists(), got.output
    assert got.states() == {"evil": ["lost"]}


def test_a_host_whose_text_names_anothers_job_does_not_answer_for_it(lies: Lies) -> None:
    got = lies(
        play(
            launch("exit 1", when=IS_VICTIM),
            f"- ansible.builtin.command: cat /run/backup.id\n  register: found\n  when: {IS_EVIL}\n",
            reap(jid="found.stdout", when=IS_EVIL),
        ),
        command={"changed": True, "rc": 0, "stdout": "VICTIMS"},
        status=ANSWERED,
    )
    assert got.status == 2, got.output
    assert got.only_job()["state"] == "failed"


def test_what_a_host_says_of_a_sweep_is_no_command_and_no_error_of_ours(lies: Lies) -> None:
    got = lies(
        play("- name: Sweep\n  reap.jobs.sweep:\n", hosts="evil"),
        ours={
            "changed": True,
            "folder": "/x\n::error::pwned\n##vso[task.setvariable variable=x]y\x1b[2J",
            "files": [{"name": "j1.1", "days": 9, "bytes": 10**400}, {"name": "\x1b", "days": "x"}, 7],
            "removed": "\n::warning::z",
            "kept": {"\x1b[2J": 1, "claimed": 2},
        },
    )
    assert got.status == 0, got.output
    assert "/x \\x3a:error::pwned \\x23#vso[task.setvariable variable=x]y\\x1b[2J: 0 status files" in got.output
    assert "0 removed; kept: 2 claimed" in got.output
    assert not {"\x1b", "##vso"} & {part for part in ("\x1b", "##vso") if part in got.output}


def test_what_a_host_says_of_a_stop_is_no_error_of_ours(lies: Lies) -> None:
    got = lies(
        play("- name: Stop\n  reap.jobs.stop: {jid: [j1.1]}\n", hosts="evil"),
        ours={
            "jobs": [{"jid": "j1.1", "outcome": ["stopped"], "detail": {"a": 1}, "left": [10**400], "processes": -1}]
        },
    )
    assert got.status == 2, got.output
    assert "job j1.1: not stopped: the host said nothing of it" in got.output


@pytest.mark.parametrize("asks", ["ansible.builtin.command: uptime", "async_status"])
def test_a_host_does_not_answer_for_a_job_that_was_delegated_in_its_name(lies: Lies, asks: str) -> None:
    task = reap() if asks == "async_status" else f"- {asks}\n"
    got = lies(
        play(launch("exit 3", delegate_to="victim"), task, hosts="evil"),
        command={"changed": True, "rc": 0, "finished": 1, "ansible_job_id": "VICTIMS"},
        status={**ANSWERED, "ansible_job_id": "VICTIMS"},
    )
    assert got.status == 2, got.output
    job = got.only_job()
    assert job["state"] in FOLLOWED
    assert job["rc"] in (3, None)
    assert job["seen_by"] in ("gate", None)


def test_a_host_that_a_launch_is_delegated_to_does_not_take_the_delegating_hosts_job_for_its_own(lies: Lies) -> None:
    got = lies(
        play(
            launch("exit 0", name="Forgotten", register="forgotten"),
            launch("work", name="Daemon", delegate_to="evil", vars="{async_reaper_detach: it stays}"),
            reap(delegate_to="evil"),
            hosts="victim",
        ),
        launch=accepted("VICTIMS"),
        status={**ANSWERED, "ansible_job_id": "VICTIMS"},
    )
    assert got.status == 2, got.output
    assert [job["state"] for job in got.jobs if job["task"] == "Forgotten"] == ["unreaped"]


TAKEN_BACK: dict[str, dict[str, object]] = {
    "skipped": {"skipped": True},
    "unreachable": {"unreachable": True},
    "finished": {"finished": True},
    "finished by a number": {"finished": 1},
    "finished by no number": {"finished": float("nan")},
    "finished by a huge number": {"finished": 10**4000},
    "skipped and finished": {"skipped": True, "finished": True},
}


@pytest.mark.parametrize("as_if", list(TAKEN_BACK))
def test_a_launch_that_its_host_takes_back_has_started_a_job(lies: Lies, as_if: str) -> None:
    goes_on = {"ignore_unreachable": "true", "ignore_errors": "true", "register": ""}
    launches = [
        launch("exit 0", no_log=hidden, **goes_on, **looped)
        for hidden in ("true", "false")
        for looped in ({}, {"loop": "[1, 2]"})
    ]
    got = lies(play(*launches, hosts="evil"), launch=accepted("j1.1", **TAKEN_BACK[as_if]))
    assert got.status == 2, got.output
    assert got.states() == {"evil": ["lost"] * 6}


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[str]:
    """A server whose headers say that the first job here has ended well."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            jid = next(each.name for each in (tmp_path / "async").iterdir() if each.suffix != ".tmp")
            self.send_response(200)
            for name, value in {"Ansible-Job-Id": jid, "Finished": "true", "Started": "true"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_web_server_does_not_answer_for_a_job(lies: Lies, web_server: str) -> None:
    got = lies(play(launch("exit 3"), f"- ansible.builtin.uri: {{url: '{web_server}'}}\n", hosts="victim"))
    assert got.status == 2, got.output
    assert got.only_job()["state"] == "failed"


def test_a_wait_for_a_job_that_a_host_calls_its_own_is_no_wait_for_it(lies: Lies) -> None:
    got = lies(
        play(
            launch("exit 0", register="forgotten", when=IS_VICTIM), launch("exit 0", when=IS_EVIL), reap(when=IS_EVIL)
        ),
        launch=accepted("VICTIMS", skipped=True),
        status=ANSWERED,
    )
    assert got.status == 2, got.output
    assert got.states()["victim"] == ["unreaped"]


FOUND = play("- ansible.builtin.command: where\n  register: found\n", hosts="evil")
RESTART = """\
- ansible.builtin.command: {argv: ["/etc/init.d/WORD", restart], chdir: /nowhere}
  async: 30
  poll: 0
"""


FOLLOWED = {"failed", "unreaped"}
"""How a look finds such a job: whether it has failed by then is a matter of moments."""


@pytest.mark.parametrize(
    ("word", "is_reboot"), [("sshd", True), ("{{ own }}", False), ("{{ hostvars.evil.found.stdout }}", False)]
)
def test_a_reboot_is_what_the_playbook_says_without_a_template(lies: Lies, word: str, is_reboot: bool) -> None:
    """Who has a part in what a template comes to cannot be told: a host may have."""
    got = lies(
        FOUND + play(RESTART.replace("WORD", word), hosts="victim", vars="{own: sshd}"),
        command={"changed": True, "rc": 0, "stdout": "sshd"},
    )
    states = {"detached"} if is_reboot else FOLLOWED
    assert got.only_job()["state"] in states, got.output


@pytest.mark.parametrize("by", ["a loop around it", "add_host"])
def test_a_word_of_a_host_makes_no_job_a_reboot_by_a_detour(lies: Lies, tmp_path: Path, by: str) -> None:
    task = RESTART.replace("WORD", "{{ word }}")
    (tmp_path / "restart.yml").write_text(task)
    around = (
        "- ansible.builtin.include_tasks: restart.yml\n"
        '  loop: "{{ hostvars.evil.found.stdout_lines }}"\n  loop_control: {loop_var: word}\n'
    )
    add = "- ansible.builtin.add_host: {name: victim, word: '{{ hostvars.evil.found.stdout }}'}\n"
    got = lies(
        FOUND + (play(around, hosts="victim") if by != "add_host" else play(add, task, hosts="victim")),
        command={"changed": True, "rc": 0, "stdout": "sshd"},
    )
    assert got.only_job()["state"] in FOLLOWED, got.output


def test_under_no_log_an_id_is_no_way_to_repeat_a_secret(lies: Lies) -> None:
    got = lies(play(launch("exit 0", no_log="true"), hosts="evil"), launch=accepted("hunter2-xyzzy"))
    assert got.only_job()["state"] == "lost"
    assert "hunter2" not in got.output
    assert "hunter2" not in json.dumps(got.report)
