"""Launches and replies at the edges: judged failed, tried again, hidden in part, from hosts that lie or are gone."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

import pytest

from ansible_reap.cli import main
from scenarios.conftest import Run, Runner
from scenarios.plays import launch, play, reap
from scenarios.test_wait import collection_at

ASIDE = Path(__file__).parent
REAP_BY_THE_GATE = {"on_unreaped": "reap"}


def by_task(got: Run) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for job in got.jobs:
        found.setdefault(job["task"], []).append(job["state"])
    return found


def at_least(core: str, wanted: tuple[int, int]) -> bool:
    return tuple(map(int, core.split("."))) >= wanted


def test_a_launch_that_is_judged_failed_has_started_its_job_all_the_same(run: Runner) -> None:
    rescued = launch(name="Rescued", failed_when="true").replace("\n", "\n    ")
    tasks = [
        launch(name="Ignored", failed_when="job is not finished", ignore_errors="true"),
        launch(name="Errs", failed_when="job.rc != 0", ignore_errors="true"),
        launch(name="Looped", loop="[a, b]", failed_when="item == 'a'", ignore_errors="true"),
        launch(name="Tried", until="job is finished", retries="1", delay="0", ignore_errors="true"),
        f"- block:\n    {rescued}\n  rescue:\n    - ansible.builtin.meta: noop\n",
    ]
    got = run(play(*tasks))
    assert got.status == 2, got.output
    assert by_task(got) == {
        "Ignored": ["unreaped"],
        "Errs": ["unreaped"],
        "Looped": ["unreaped", "unreaped"],
        "Tried": ["unreaped", "unreaped"],
        "Rescued": ["unreaped"],
    }


UNHEARD = """\
#!/bin/sh
case "$*" in
*async_wrapper*) $PYTHON "$@" > /dev/null; test $HOST = h1 && sleep 3; echo Welcome;;
*) exec $PYTHON "$@";;
esac
"""
"""An interpreter that answers a launch too late, or with something of its own."""


def test_a_launch_that_fails_after_it_has_started_its_job_is_lost(run: Runner, tmp_path: Path) -> None:
    for host in ("h1", "h2"):
        path = tmp_path / f"python-{host}"
        path.write_text(UNHEARD.replace("$PYTHON", sys.executable).replace("$HOST", host), encoding="utf-8")
        path.chmod(0o755)
    got = run(
        play(
            launch("exit 3", timeout="\"{{ 1 if inventory_hostname == 'h1' else 0 }}\"", ignore_errors="true"),
            launch(
                "exit 3", timeout=1, ignore_errors="true", no_log="true", loop="[1]", when="inventory_hostname == 'h1'"
            ),
            launch("exit 3", ignore_errors="true", no_log="true", when="inventory_hostname == 'h2'"),
            vars="{ansible_python_interpreter: '{{ playbook_dir }}/python-{{ inventory_hostname }}'}",
        ),
        hosts=("h1", "h2"),
    )
    assert got.status == 2, got.output
    assert got.states() == {"h1": ["lost", "lost"], "h2": ["lost", "lost"]}
    assert got.failed() == {"h1", "h2"}


def test_a_limit_that_comes_to_nothing_starts_no_job(run: Runner) -> None:
    """The task starts as one that may launch, and its result is that of any other task."""
    foreground = launch("echo", limit='"{{ 600 if in_background | default(false) else 0 }}"')
    got = run(play(foreground))
    assert got.status == 0, got.output
    assert got.jobs == []


@pytest.mark.parametrize(
    "keywords", ["{async: -1, poll: 0}", "{async: -1, poll: 10}", "{async: 20, poll: -5}", "{async: 20}"]
)
def test_below_zero_a_limit_or_poll_starts_a_job_for_which_ansible_never_polls(run: Runner, keywords: str) -> None:
    task = f"- {{name: Back up, ansible.builtin.command: sleep 3, {keywords[1:]}\n"
    got = run(play(task), env={"ANSIBLE_POLL_INTERVAL": "-1"})
    assert got.status == 2, got.output
    assert by_task(got) == {"Back up": ["unreaped"]}


def test_a_hidden_launch_that_is_tried_again_does_not_pass_for_reaped(run: Runner) -> None:
    """Nobody is ever told the ids of the jobs that the first tries have started."""
    tried = launch(until="job is finished", retries="1", delay="0", ignore_errors="true", no_log="true")
    got = run(play(tried, reap()))
    assert got.status == 2, got.output
    assert sorted(got.states()["h1"]) == ["lost", "reaped"]
    lost = next(job for job in got.jobs if job["state"] == "lost")
    assert lost["msg"] == "what its launch told was hidden, and another try has replaced it"


def test_what_came_from_a_hidden_item_stays_hidden(
    run: Runner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    looped = launch(
        '"exit 3 # {{ item }}"',
        name="Some in secret",
        loop='"{{ words }}"',
        no_log="\"{{ item != 'open' }}\"",
        register="",
    ).replace("ansible.builtin.shell:", "ansible.builtin.command: /nowhere/{{ item }} #")
    wait = "- reap.jobs.wait:\n"
    got = run(
        play(looped, wait),
        env=collection_at(tmp_path),
        options={"junit_path": str(tmp_path / "j.xml"), "recap": "always"},
        args=["-e", '{"words": ["open", "s3cret"]}'],
    )
    assert got.status == 2, got.output
    assert [(job["item"], job["state"]) for job in got.jobs] == [("open", "failed"), (None, "failed")]
    assert "s3cret" not in got.output + json.dumps(got.report) + (tmp_path / "j.xml").read_text(encoding="utf-8")
    assert [job["msg"] is None for job in got.jobs] == [False, True]
    page = tmp_path / "page.html"
    for form in ([], ["--html", str(page)], ["--format", "markdown"], ["--format", "github"]):
        assert main(["report", str(tmp_path / "report.json"), *form]) == 0
    told = capsys.readouterr().out + page.read_text(encoding="utf-8")
    assert "open" in told
    assert "s3cret" not in told


@pytest.mark.parametrize("no_log", ["true", "false"])
def test_a_register_that_takes_a_part_of_the_result_does_not_hide_the_job(run: Runner, core: str, no_log: str) -> None:
    if not at_least(core, (2, 21)):
        pytest.skip("register is a name up to ansible-core 2.20")
    got = run(play(launch(register="{id: _task.result.ansible_job_id}", no_log=no_log), reap(jid="id")))
    assert got.status == 0, got.output
    assert got.states() == {"h1": ["reaped"]}


def test_a_look_that_cannot_be_made_is_told_as_such(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    gone = f"- ansible.builtin.command: rm {tmp_path}/python\n"
    got = run(play(launch("exit 3"), gone), hosts=[f"h1 ansible_python_interpreter={tmp_path}/python"])
    assert got.status == 2, got.output
    job = got.only_job()
    assert (job["state"], job["last_seen"]) == ("unreaped", None)
    assert job["msg"]
    assert "its state could not be looked up: " in got.stdout
    assert "still running" not in got.stdout


def test_what_ansible_evaluates_is_not_evaluated_again(run: Runner, tmp_path: Path) -> None:
    counted = f"lookup('ansible.builtin.pipe', 'echo x >> {tmp_path}/looked; echo 30')"
    tasks = [
        launch(limit=f'"{{{{ {counted} }}}}"', loop=f'"{{{{ [{counted}] }}}}"', register="first"),
        launch(limit='"{{ limit }}"', vars=f'{{limit: "{{{{ {counted} }}}}", ansible_user: "{{{{ limit }}}}"}}'),
    ]
    reaps = [reap("first", jid="first.results[0].ansible_job_id"), reap()]
    got = run(play(*tasks, *reaps), callbacks="another")
    assert got.status == 0, got.output
    alone = (tmp_path / "looked").read_text(encoding="utf-8").count("x")
    (tmp_path / "looked").unlink()
    got = run(play(*tasks, *reaps))
    assert got.status == 0, got.output
    assert (tmp_path / "looked").read_text(encoding="utf-8").count("x") == alone


def test_each_item_is_looked_at_where_it_went(run: Runner, tmp_path: Path) -> None:
    there = '{ansible_async_dir: "{{ playbook_dir }}/{{ where.folder }}"}'
    looped = launch(
        "exit {{ where.code }}",
        loop="[{folder: a, code: 0}, {folder: b, code: 4}]",
        loop_control="{loop_var: where, label: '{{ where.folder }}'}",
        vars=there,
        no_log='"{{ hide | default(false) | bool }}"',
    )
    got = run(play(looped), options=REAP_BY_THE_GATE)
    assert got.status == 2, got.output
    assert [(job["item"], job["state"], job["rc"]) for job in got.jobs] == [("a", "reaped", 0), ("b", "failed", 4)]
    got = run(play(looped), options=REAP_BY_THE_GATE, args=["-e", "hide=true"])
    assert [(job["item"], job["state"], job["rc"]) for job in got.jobs] == [
        (None, "reaped", None),
        (None, "failed", None),
    ]


SECRETS = """
    ansible_become_password: "{{ lookup('ansible.builtin.file', 'pw.txt') }}"
    ansible_password: S3CRET-password
    ansible_ssh_pass: S3CRET-sshpass
    ansible_ssh_common_args: -o ProxyCommand="sshpass -p S3CRET-proxy ssh -W %h:%p bastion"
    ansible_ssh_private_key_passphrase: S3CRET-passphrase
    ansible_become_flags: -p S3CRET-flags
"""


@pytest.mark.parametrize("stdout", ["default", "minimal"])
def test_no_connection_variable_leaves_the_worker_that_looks(run: Runner, tmp_path: Path, stdout: str) -> None:
    started = launch("sleep 30", vars=SECRETS, name="Start")
    (tmp_path / "python").symlink_to(sys.executable)
    gone = f"- ansible.builtin.command: rm {tmp_path}/python\n  when: inventory_hostname == 'h2'\n"
    got = run(
        play(started, gone),
        hosts=("h1", f"h2 ansible_python_interpreter={tmp_path}/python"),
        files={"pw.txt": "S3CRET-become", "everything.txt": ""},
        callbacks="async_reaper,everything,tree,junit",
        callback_folders=(ASIDE.parents[1] / "callback_plugins", ASIDE / "callbacks"),
        env={
            "ANSIBLE_STDOUT_CALLBACK": stdout,
            "EVERYTHING_PATH": f"{tmp_path}/everything.txt",
            "ANSIBLE_CALLBACK_TREE_DIR": f"{tmp_path}/tree",
            "JUNIT_OUTPUT_DIR": f"{tmp_path}/junit",
        },
        options={"junit_path": f"{tmp_path}/j.xml", "history": f"{tmp_path}/history.db"},
        args=["-vvvv"],
    )
    assert got.status == 2, got.output
    assert got.states() == {"h1": ["unreaped"], "h2": ["unreaped"]}
    assert {job["host"]: job["last_seen"] for job in got.jobs} == {"h1": "running", "h2": None}
    assert "async_reaper" in (tmp_path / "everything.txt").read_text(encoding="utf-8")
    assert "S3CRET" not in got.output
    places = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("site.yml", "pw.txt")]
    assert list((tmp_path / "state").rglob("*.ledger")), "the jobs still run, so the ledger stays"
    assert [path for path in places if b"S3CRET" in path.read_bytes()] == []


def test_no_variable_of_a_role_entry_or_an_include_leaves_a_look_that_cannot_be_made(
    run: Runner, tmp_path: Path
) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    started = launch("sleep 30", register="")
    got = run(
        play(
            f"- ansible.builtin.include_tasks: start.yml\n  vars:{SECRETS}",
            f"- ansible.builtin.include_role: {{name: included}}\n  vars:{SECRETS}",
            f"- ansible.builtin.command: rm {tmp_path}/python\n",
            more=f"roles:\n  - role: entered\n    vars:{indent(SECRETS, '  ')}",
        ),
        hosts=(f"h1 ansible_python_interpreter={tmp_path}/python",),
        files={
            "pw.txt": "S3CRET-become",
            "start.yml": started,
            "roles/entered/tasks/main.yml": started,
            "roles/included/tasks/main.yml": started,
        },
        options={"junit_path": f"{tmp_path}/j.xml"},
    )
    assert got.status == 2, got.output
    assert [(job["state"], job["last_seen"]) for job in got.jobs] == [("unreaped", None)] * 3, got.output
    assert "S3CRET" not in got.output
    places = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("site.yml", "pw.txt")]
    assert list((tmp_path / "state").rglob("*.ledger")), "the jobs still run, so the ledger stays"
    assert [path for path in places if b"S3CRET" in path.read_bytes()] == []


VAULTED = """\
$ANSIBLE_VAULT;1.1;AES256
62353064626238363063363234643164323664616133623065646230616136666464356235353830
3932663661326436636536326166393234363562633163310a383430363435366366393162393632
39653433326565303262356164373539326135613566346437333930336161353439323735336232
6335656238346435330a316333313462353366666663663064326433386364363261663332616665
64386536653035666261633566323337303537613761313436373830356162383538333238326164
3230396532383632633831646634386236326335343436383365
"""
"""``{replicas: 1, other: 2, three: "3"}``, encrypted with the password ``pw``."""


def test_masked_ids_and_numbers_are_true_in_the_report(run: Runner, core: str, tmp_path: Path) -> None:
    """From ansible-core 2.22: a registered "1" has holes put into every id, time and return code."""
    if not at_least(core, (2, 22)):
        pytest.skip("nothing is masked up to ansible-core 2.21")
    tasks = [
        launch("exit 1", name="Fails unseen", register=""),
        launch(name="Reaped"),
        launch("sleep {{ item }}; exit {{ item }}", name="Looped", register="jobs", loop="[0, 1]"),
        launch("exit 1", name="Waited for", register=""),
        launch(name="Polled", register="").replace("poll: 0", "poll: 1"),
        reap(),
        reap(jid="item.ansible_job_id", loop='"{{ jobs.results }}"', name="Reap the loop", ignore_errors="true"),
        "- reap.jobs.wait: {tasks: Waited for}\n  ignore_errors: true\n",
    ]
    got = run(
        play(*tasks, vars_files="[vaulted.yml]"),
        hosts=("web", "db"),
        files={"vaulted.yml": VAULTED, "key": "pw"},
        env=collection_at(tmp_path),
        args=["--vault-password-file", "key"],
        timeout=300,
    )
    assert "$REDACTED$" in got.stdout, got.output
    assert got.status == 2, got.output
    expected = {
        "Fails unseen": ["failed"] * 2,
        "Reaped": ["reaped"] * 2,
        "Looped": ["reaped", "failed"] * 2,
        "Waited for": ["failed"] * 2,
        "Polled": ["reaped"] * 2,
    }
    assert {task: sorted(states) for task, states in by_task(got).items()} == {
        task: sorted(states) for task, states in expected.items()
    }
    assert not [job for job in got.jobs if "REDACTED" in job["jid"] or job["runtime_s"] is None]
    assert {job["rc"] for job in got.jobs if job["state"] == "failed"} == {1}


VAULTED_NAMES = """\
$ANSIBLE_VAULT;1.1;AES256
64356230376562373565343865626337646130386465646335666563383739333066303661666264
6137636432353336643932373536643663363462303366300a656632663239393065303763616262
61643139306166393336326436376330313138383135326366323335376638633734623632353437
6338303737633530390a363132643332333964326563313166393639643132326432393561376134
38373937383234333431336133323736376465343730386632383565303765323839
"""
"""``{user: ansible, work: job}``, encrypted with the password ``pw``."""


def test_secrets_in_the_names_of_what_a_result_holds_hide_no_job(run: Runner, core: str) -> None:
    """From ansible-core 2.22 a vaulted "ansible" makes ``$REDACTED$_job_id`` of ``ansible_job_id``."""
    if not at_least(core, (2, 22)):
        pytest.skip("nothing is masked up to ansible-core 2.21")
    tasks = [
        launch("exit 1", name="Fails unseen", register=""),
        launch("exit 0", name="Reaped"),
        launch("exit {{ item }}", name="Looped", register="jobs", loop="[0, 1]"),
        launch("exit 0", name="Polled", register="").replace("poll: 0", "poll: 1"),
        reap(),
        reap(jid="item.ansible_job_id", loop='"{{ jobs.results }}"', name="Reap the loop", ignore_errors="true"),
    ]
    got = run(
        play(*tasks, vars_files="[vaulted.yml]"),
        files={"vaulted.yml": VAULTED_NAMES, "key": "pw"},
        args=["--vault-password-file", "key"],
    )
    assert "$REDACTED$" in got.stdout, got.output
    assert got.status == 2, got.output
    assert by_task(got) == {
        "Fails unseen": ["failed"], "Reaped": ["reaped"], "Looped": ["reaped", "failed"], "Polled": ["reaped"],
    }  # fmt: skip
    assert [job["item"] for job in got.jobs if job["task"] == "Looped"] == ["0", "1"]


LIES = {
    "another_job": {"async_wrapper": '{"ansible_job_id": "%s", "started": 1, "finished": 0, "results_file": "/x"}'},
    "no_id": {"async_wrapper": '{"ansible_job_id": "j1\\u001b[31m\\n::error::", "started": 1, "finished": 0}'},
    "infinite": {
        "async_wrapper": '{"ansible_job_id": "j1.1", "started": 1, "finished": 0, "results_file": "/etc/j1.1"}',
        "async_status": '{"ansible_job_id": "j1.1", "finished": 1, "start": Infinity, "end": "x"}',
    },
    "counted": {
        "async_wrapper": '{"ansible_job_id": "j3.3", "started": 1, "finished": 0, "results_file": "/etc/j3.3"}',
        "async_status": '{"ansible_job_id": "j3.3", "started": 1, "finished": 1, "attempts": Infinity}',
    },
    "zones": {
        "async_wrapper": '{"ansible_job_id": "j2.2", "started": 1, "finished": 0, "results_file": "/etc/j2.2"}',
        "async_status": '{"ansible_job_id": "j2.2", "finished": 1, "start": "2026-01-01 10:00:00", '
        '"end": "2026-01-01T10:00:01+00:00"}',
    },
}


def host_that_says(folder: Path, answers: Mapping[str, str]) -> str:
    """A line of the inventory for a host that answers these modules so, named like its folder."""
    folder.mkdir()
    python = (ASIDE / "hosts" / "python_of_a_host").read_text(encoding="utf-8")
    (folder / "python").write_text(python.replace("/usr/bin/env python3", sys.executable), encoding="utf-8")
    (folder / "python").chmod(0o755)
    (folder / "ANSWERS.json").write_text(json.dumps(answers), encoding="utf-8")
    return f"{folder.name} ansible_connection=ansible.builtin.local ansible_python_interpreter={folder}/python"


def test_what_a_host_says_concerns_that_host_alone(run: Runner, core: str, tmp_path: Path) -> None:
    hosts = ["good", *(host_that_says(tmp_path / name, answers) for name, answers in LIES.items())]
    steal = (
        "- ansible.builtin.copy:\n"
        "    content: \"{{ {'async_wrapper': lie | replace('%s', hostvars.good.job.ansible_job_id)} | to_json }}\"\n"
        f"    dest: {tmp_path}/another_job/ANSWERS.json\n"
        "    mode: '0600'\n"
        "  delegate_to: good\n  run_once: true\n"
        f"  vars: {{lie: {json.dumps(LIES['another_job']['async_wrapper'])}}}\n"
    )
    tasks = [
        launch("exit 7", when="inventory_hostname == 'good'"),
        steal,
        launch("sleep 1", name="Lie", register="lies", when="inventory_hostname != 'good'"),
        reap(
            "lies", when="inventory_hostname in ['infinite', 'counted', 'zones', 'another_job']", ignore_errors="true"
        ),
    ]
    got = run(play(*tasks), hosts=hosts, timeout=300)
    assert got.status == 2, got.output
    assert "an error of its own" not in got.output
    found = got.states()
    assert found["good"] == ["failed"], got.output
    assert found["another_job"] == found["no_id"] == ["lost"]
    assert found["infinite"] == ["lost"]
    assert found["zones"] == ["reaped"]
    # Up to ansible-core 2.20 Ansible puts its own count in the place of the host's: nothing of the lie is left.
    is_believed = not at_least(core, (2, 21))
    assert found["counted"] == (["reaped"] if is_believed else ["lost"])
    assert got.failed() == {"good", "another_job", "no_id", "infinite"} | (set() if is_believed else {"counted"})
    assert "\x1b" not in got.stdout.partition("ASYNC RECAP")[2]
    # One line for each job but those that are fine, and the summary; each of the lost has a reason of its own.
    assert len(got.async_recap) == (len(hosts) - 1 if is_believed else len(hosts)), got.async_recap


HOSTILE_IDS = {
    "upwards": "../precious/passwd",
    "whole": "{precious}/passwd",
    "fit": "j9.9",
    "commands": "j1.1\x1b[2J\n::error::x",
    "ten_megabytes": "j" + "1" * 10_000_000,
}
"""Beside each, the status file is said to be one of the folder ``precious``."""


@pytest.mark.parametrize("wait", ["", "- reap.jobs.wait: {timeout: 1}\n  ignore_errors: true\n"], ids=["gate", "task"])
def test_no_id_of_a_host_leads_a_wait_to_another_file(run: Runner, tmp_path: Path, wait: str) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    for name in ("passwd", "j9.9"):
        (precious / name).write_text('{"rc": 0, "finished": 1}', encoding="utf-8")
    hosts = []
    for name, jid in HOSTILE_IDS.items():
        said = {
            "ansible_job_id": jid.format(precious=precious),
            "started": 1,
            "finished": 0,
            "results_file": f"{precious}/{'passwd' if name != 'fit' else jid}",
        }
        hosts.append(host_that_says(tmp_path / name, {"async_wrapper": json.dumps(said)}))
    starts = [launch("exit 0", register="", limit=2, no_log=hidden) for hidden in ("false", "true")]
    got = run(
        play(*starts, wait),
        hosts=hosts,
        options=REAP_BY_THE_GATE,
        env=collection_at(tmp_path),
    )
    assert sorted(path.name for path in precious.iterdir()) == ["j9.9", "passwd"]
    assert got.status == 2
    assert got.states() == {name: ["lost", "lost"] for name in HOSTILE_IDS}
    assert len(got.output) < 20_000
    assert "\x1b" not in got.output
    assert not [line for line in got.output.splitlines() if line.lstrip().startswith("::")]
