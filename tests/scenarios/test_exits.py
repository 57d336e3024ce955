"""Where a play's end is never reached the run still ends with status 2, and everybody else has heard of its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scenarios.conftest import CALLBACKS, Run, Runner
from scenarios.plays import launch, play, reap, say
from support import environments

RECORDER = Path(__file__).parent / "callbacks"
LATER = play(say("went on"))
END = "- ansible.builtin.meta: {0}\n"


def heard_stats(got: Run) -> bool:
    """The other callback got its stats event, and got it once."""
    events = (got.folder / "events").read_text(encoding="utf-8")
    return events.count('"stats"') == 1


def with_recorder(run: Runner, playbook: str, **settings: object) -> Run:
    folder = settings.pop("folder")
    return run(
        playbook,
        callbacks="async_reaper,recorder",
        callback_folders=(CALLBACKS, RECORDER),
        env={"RECORDER_PATH": f"{folder}/events"},
        **settings,
    )


@pytest.mark.parametrize("limit", ['"0"', '" 00 "', "0.5", ""])
def test_a_limit_that_ansible_reads_as_none_changes_nothing(run: Runner, tmp_path: Path, limit: str) -> None:
    """Without a report nothing of ours sees to the end of such a run."""
    playbook = play(f"- ansible.builtin.command: 'true'\n  async: {limit}\n")
    plain = run(playbook, options={"enabled": "false"})
    got = with_recorder(run, playbook, folder=tmp_path, options={"report_path": ""})
    assert (got.status, got.recap) == (plain.status, plain.recap), got.output
    assert "async_reaper:" not in got.output
    assert heard_stats(got)


@pytest.mark.parametrize("limit", ['"5"', "true", "{{ limit }}"])
def test_a_limit_that_comes_to_a_number_is_one(run: Runner, limit: str) -> None:
    got = run(play(launch(limit=f'"{limit}"' if "{" in limit else limit), vars="{limit: 5}"))
    assert (got.status, got.only_job()["state"]) == (2, "unreaped"), got.output


@pytest.mark.parametrize("meta", ["end_play", "end_host", "end_batch"])
def test_a_play_that_ends_early_leaves_the_exit_status(run: Runner, tmp_path: Path, meta: str) -> None:
    got = with_recorder(run, play(launch(), END.format(meta), say("not reached")), folder=tmp_path)
    assert got.status == 2, got.output
    assert got.failed() == set(), "no task has failed"
    assert got.only_job()["state"] == "unreaped"
    assert got.only_job()["last_seen"] is None, "nobody looked, and the report says so"
    assert got.async_recap
    assert heard_stats(got)


def test_jobs_left_by_an_early_end_are_answered_for_by_the_next_gate(run: Runner) -> None:
    got = run(play(launch(), END.format("end_play")) + LATER)
    assert got.status == 2, got.output
    assert "h1 went on" in got.stdout
    assert got.failed() == {"h1"}
    assert got.only_job()["last_seen"] in {"running", "finished"}


def test_an_early_end_after_the_reap_is_fine(run: Runner) -> None:
    got = run(play(launch(), reap(), END.format("end_play")) + LATER)
    assert got.status == 0, got.output


def test_jobs_of_a_host_that_failed_are_named(run: Runner) -> None:
    broken = '- ansible.builtin.command: "false"\n  when: inventory_hostname == "h1"\n'
    got = run(play(launch(), broken, reap()) + LATER, hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert got.states() == {"h1": ["unreaped"], "h2": ["reaped"]}
    assert any("unreaped" in line and "h1" in line for line in got.async_recap)
    assert got.recap["h1"]["failed"] == 1
    assert "h2 went on" in got.stdout


def test_ansibles_own_status_for_unreachable_hosts_is_kept(run: Runner) -> None:
    gone = '- ansible.builtin.ping:\n  vars: {ansible_connection: ssh, ansible_host: "127.0.0.1", ansible_port: 1}\n'
    got = run(play(launch(), gone, reap()))
    assert got.status == 4, got.output
    assert got.only_job()["state"] == "unreaped"


def test_report_mode_keeps_the_status_of_an_early_end(run: Runner) -> None:
    got = run(play(launch(), END.format("end_play")), options={"on_unreaped": "report"})
    assert got.status == 0, got.output
    assert got.async_recap


def test_stepping_past_the_gate_leaves_the_exit_status(run: Runner) -> None:
    steps = "y\nn\ny\nn\n"  # the launch, the gate's look, the later play, the look of its gate
    got = run(play(launch()) + LATER, args=["--step"], answers=steps)
    assert got.status == 2, got.output
    assert got.failed() == set()
    assert "h1 went on" in got.stdout
    assert (got.only_job()["state"], got.only_job()["last_seen"]) == ("unreaped", None)
    assert got.async_recap


@pytest.mark.parametrize(
    ("gate", "later", "step"),
    [
        ("auto", "", "y\nn\n"),
        ("run", play(say("last"), hosts="h2"), ""),
        ("auto", play(reap(), hosts="of_nobody*"), ""),
    ],
    ids=["stepped past", "not in the last play", "left to a play of no host"],
)
def test_of_a_job_that_no_gate_has_waited_for_just_that_is_said(run: Runner, gate: str, later: str, step: str) -> None:
    """Its host may have been there to the end."""
    got = run(
        play(launch(), hosts="h1") + later,
        hosts=("h1", "h2"),
        options={"gate": gate, "on_unreaped": "reap"},
        args=["--step"] if step else [],
        answers=step or None,
        env={"COLUMNS": "200"},
    )
    assert (got.status, got.states()) == (2, {"h1": ["unreaped"]}), got.output
    assert got.async_recap[0].endswith("Start it: not waited for, no gate came to it"), got.output


def test_of_a_job_whose_host_failed_before_the_gate_just_that_is_said(run: Runner) -> None:
    got = run(
        play(launch(), "- ansible.builtin.command: 'false'\n"),
        options={"on_unreaped": "reap", "gate": "run"},
        env={"COLUMNS": "200"},
    )
    assert (got.status, got.states()) == (2, {"h1": ["unreaped"]}), got.output
    assert got.async_recap[0].endswith("Start it: not waited for, its host failed"), got.output


def test_stepping_through_the_gate_fails_the_host(run: Runner) -> None:
    got = run(play(launch()) + LATER, args=["--step"], answers="y\nc\n")
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert "h1 went on" not in got.stdout


def test_the_gate_of_the_run_stands_in_the_last_play_only(run: Runner) -> None:
    last = play(say("last"), hosts="h1")
    got = run(play(launch()) + LATER + last, hosts=("h1", "h2"), options={"gate": "run"})
    assert got.status == 2, got.output
    assert "h1 went on" in got.stdout
    assert "h1 last" in got.stdout
    assert got.failed() == {"h1"}, "h2 is not in the last play: its job changes the exit status only"
    got = run(play(launch()) + LATER + play(say("last"), hosts="h2"), hosts=("h1",), options={"gate": "run"})
    assert got.status == 2, got.output
    assert got.failed() == set()


def test_gate_play_leaves_nothing_to_later_plays(run: Runner) -> None:
    got = run(play(launch()) + play(reap()), options={"gate": "play"})
    assert got.status == 2, got.output
    assert "TASK [Wait for it]" not in got.stdout


def test_a_later_play_that_reaps_its_own_jobs_cannot_mean_this_one(run: Runner) -> None:
    own = play(launch(name="Another", register="other"), reap("other"))
    got = run(play(launch()) + own)
    assert got.status == 2, got.output
    assert "Another" not in got.stdout, "the play that launched fails, so that later plays do not build on it"


@pytest.mark.parametrize(("name", "mode"), [("SIGINT", "fail"), ("SIGTERM", "fail"), ("SIGINT", "reap")])
def test_a_run_cut_short_says_what_it_left(core: str, tmp_path: Path, name: str, mode: str) -> None:
    """Also where it is the gate that waits."""
    tasks = [launch("sleep 30")] if mode == "reap" else [launch("sleep 2"), "- ansible.builtin.command: sleep 60\n"]
    (tmp_path / "site.yml").write_text(play(*tasks), encoding="utf-8")
    (tmp_path / "hosts").write_text(
        f"h1 ansible_connection=local ansible_python_interpreter={sys.executable} ansible_async_dir={tmp_path}/async\n",
        encoding="utf-8",
    )
    plain = {key: value for key, value in os.environ.items() if not re.match("ANSIBLE|ASYNC_REAPER", key)}
    process = subprocess.Popen(
        [environments.program(f"core-{core}", "ansible-playbook"), "-i", "hosts", "site.yml"],
        cwd=tmp_path,
        env={
            **plain,
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
            "ANSIBLE_GATHERING": "explicit",
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "ASYNC_REAPER_REPORT_PATH": str(tmp_path / "report.json"),
            "ASYNC_REAPER_ON_UNREAPED": mode,
            "COLUMNS": "200",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("async/j*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1.5)
    process.send_signal(getattr(signal, name))
    process.wait(timeout=60)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # a worker that outlived it still holds the output open
    output, _ = process.communicate(timeout=60)
    ledgers = list((tmp_path / "state").rglob("*.ledger"))
    assert len(ledgers) == 1, output
    if name == "SIGINT":
        assert '"outcome": "interrupted"' in (tmp_path / "report.json").read_text(encoding="utf-8")
        assert "ASYNC RECAP" in output
        assert ("not waited for, the run was interrupted" in output) == (mode == "reap"), output
        assert "no gate came to it" not in output
