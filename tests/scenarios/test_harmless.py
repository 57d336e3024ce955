"""Whatever goes wrong with us is one warning, and the run goes on: guarded where that can be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_reap.runtime.policy.options import NAMES
from scenarios.conftest import CALLBACKS, Runner
from scenarios.plays import launch, play, reap, say
from support import environments

pytestmark = pytest.mark.parametrize("core", environments.side_cores(), indirect=True)
"""Outside of a matrix the newest ansible-core is enough here."""

RED = play(launch()) + play(say("went on"))
GREEN = play(launch(), reap())


def warnings(text: str) -> str:
    """The warnings as one line each, whatever the terminal's width."""
    return " ".join(re.sub(r"(?<=\w-)\n", "", text).split())  # Ansible breaks lines behind hyphens too


@pytest.mark.parametrize(
    ("name", "value"), [("on_unreaped", "explode"), ("gate", "never"), ("look", "perhaps"), ("ignore", "host=h1")]
)
def test_a_bad_value_is_one_warning_and_the_default(run: Runner, name: str, value: str) -> None:
    got = run(RED, options={name: value})
    assert got.status == 2, got.output
    assert warnings(got.output).count(f"async_reaper: {name} ") == 1
    assert value in got.output


def test_extra_vars_set_options_on_every_version(run: Runner) -> None:
    got = run(RED, args=["-e", "async_reaper_on_unreaped=report", "-e", "async_reaper_recap=never"])
    assert got.status == 0, got.output
    assert not got.async_recap
    assert got.only_job()["state"] == "unreaped"


def test_the_options_extra_vars_do_not_get_in_the_gates_way(run: Runner) -> None:
    options = ("on_unreaped=reap", "gate=play", "look=true", "on_failed=fail", "ignore=host:none")
    got = run(RED, args=[word for option in options for word in ("-e", f"async_reaper_{option}")])
    assert got.status == 0, got.output
    assert (got.only_job()["state"], got.only_job()["seen_by"]) == ("reaped", "gate")


def test_ansible_cfg_sets_options_and_the_environment_beats_it(run: Runner, tmp_path: Path) -> None:
    config = "[callback_async_reaper]\non_unreaped = report\nrecap = never\n"
    got = run(RED, files={"ansible.cfg": config}, options={"recap": "always"})
    assert got.status == 0, got.output
    assert got.async_recap


@pytest.mark.parametrize(
    ("value", "ignored", "warned"),
    [
        (["task:Start*"], True, False),
        (["task:Nope"], False, False),
        ({"task": "Start*"}, False, True),
        ("{{ groups.all }}", False, True),
        (7, False, True),
    ],
)
def test_a_list_is_a_list_and_any_other_type_is_one_warning(
    run: Runner, value: object, ignored: bool, warned: bool
) -> None:
    got = run(RED, args=["-e", json.dumps({"async_reaper_ignore": value, "async_reaper_recap": "always"})])
    assert got.status == (0 if ignored else 2), got.output
    assert warnings(got.output).count("async_reaper: ignore is ") == warned


def vaulted(core: str, folder: Path, text: str, *, whole: bool = False) -> str:
    """The text as ``ansible-vault`` encrypts it, by itself or as a file."""
    (folder / "password").write_text("sesame")
    command = "encrypt" if whole else "encrypt_string"
    done = subprocess.run(
        [environments.program(f"core-{core}", "ansible-vault"), command, "--vault-password-file", folder / "password"],
        input=text,
        env={**os.environ, "ANSIBLE_HOME": str(folder / "ansible")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("value", ["report", "hush-hush"])
@pytest.mark.parametrize("form", ["value", "list", "file"])
def test_an_option_out_of_a_vault_is_read_and_not_shown(
    run: Runner, core: str, tmp_path: Path, value: str, form: str
) -> None:
    name = "ignore" if form == "list" else "on_unreaped"
    text = f"task:{'Start*' if value == 'report' else 'Nope'}, {value}" if form == "list" else value
    if form == "file":
        extra = vaulted(core, tmp_path, f"async_reaper_{name}: {text}\n", whole=True)
    else:
        extra = f"async_reaper_{name}: {vaulted(core, tmp_path, text)}"
    given = ("-e", "@extra.yml", "--vault-password-file", "password")
    (tmp_path / "extra.yml").write_text(extra)
    got = run(RED, args=given)
    assert got.status == (0 if value == "report" else 2), got.output
    assert "hush" not in got.output
    is_bad = value == "hush-hush" or form == "list"
    assert warnings(got.output).count("what a vault holds") == is_bad


def test_an_option_in_a_vault_that_nobody_can_open_is_one_warning(run: Runner, core: str, tmp_path: Path) -> None:
    (tmp_path / "extra.yml").write_text(f"async_reaper_on_unreaped: {vaulted(core, tmp_path, 'report')}")
    got = run(RED, args=["-e", "@extra.yml"])
    assert got.status == 2, got.output
    assert warnings(got.output).count("async_reaper: on_unreaped comes out of a vault that cannot be opened") == 1
    assert got.only_job()["state"] == "unreaped"


def test_enabled_switches_everything_off(run: Runner) -> None:
    for settings in ({"options": {"enabled": "false"}}, {"args": ["-e", "async_reaper_enabled=false"]}):
        got = run(RED, **settings)
        assert got.status == 0, got.output
        assert got.report is None
        assert "async_reaper" not in got.output
        assert "ASYNC RECAP" not in got.output
        assert not (got.folder / "state").exists()


def test_paths_in_ansible_cfg_start_at_its_folder(run: Runner, tmp_path: Path) -> None:
    config = "[callback_async_reaper]\nledger_dir = led\njunit_path = {{CWD}}/out/\nhistory = runs.db\n"
    got = run(RED, files={"conf/ansible.cfg": config}, env={"ANSIBLE_CONFIG": str(tmp_path / "conf/ansible.cfg")})
    assert got.status == 2, got.output
    assert (tmp_path / "conf/led").is_dir()
    assert (tmp_path / "conf/runs.db").is_file()
    (junit,) = (tmp_path / "out").iterdir()
    assert got.report is not None
    assert junit.name == got.report["run"].replace(":", "") + ".xml"
    assert 'failures="1"' in junit.read_text(encoding="utf-8")


def test_devices_and_pipes_are_not_written_to_and_links_are_followed(run: Runner, tmp_path: Path) -> None:
    pipe, link, null = tmp_path / "pipe", tmp_path / "link", tmp_path / "null"
    os.mkfifo(pipe)
    link.symlink_to("real.xml")
    null.symlink_to("/dev/null")
    got = run(RED, options={"junit_path": str(pipe)}, env={"ASYNC_REAPER_REPORT_PATH": str(null)})
    assert got.status == 2, got.output
    assert warnings(got.output).count("it is no file but a device, a pipe or a socket") == 2
    assert pipe.is_fifo()
    assert Path("/dev/null").is_char_device()
    got = run(RED, options={"junit_path": str(link)})
    assert link.is_symlink()
    assert (tmp_path / "real.xml").is_file()


def test_folders_that_others_may_write_to_hold_no_report(run: Runner, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "mine").mkdir(parents=True)
    (tmp_path / "link.xml").symlink_to(shared / "mine" / "junit.xml")
    shared.chmod(0o777)
    paths = {"ASYNC_REAPER_REPORT_PATH": str(shared / "mine" / "report.json")}
    got = run(RED, options={"junit_path": str(tmp_path / "link.xml")}, env=paths)
    assert got.status == 2, got.output
    assert warnings(got.output).count(f"others may write to {shared}") == 2
    assert [path for path in shared.rglob("*") if path.is_file()] == []
    shared.chmod(0o1777)  # as /tmp
    got = run(RED, options={"junit_path": str(tmp_path / "link.xml")}, env=paths)
    assert {path.name for path in (shared / "mine").iterdir()} == {"report.json", "junit.xml"}


def test_folders_that_others_may_write_to_hold_no_ledger_and_no_history(run: Runner, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    got = run(RED, options={"ledger_dir": str(shared / "ledger"), "history": str(shared / "history.db")})
    assert got.status == 2, got.output
    assert warnings(got.output).count(f"others may write to {shared}") == 2
    assert [path for path in shared.rglob("*") if path.is_file()] == []


def test_without_a_home_the_jobs_are_guarded_and_one_warning_says_what_is_not_kept(run: Runner) -> None:
    # "~" is what the home folder of a user without an entry comes out as.
    got = run(RED, env={"HOME": "~", "XDG_STATE_HOME": ""})
    assert got.status == 2, got.output
    assert got.only_job()["state"] == "unreaped"
    assert warnings(got.output).count("[WARNING]: async_reaper") == 1
    assert "there is no home folder" in warnings(got.output)


@pytest.mark.parametrize("rule", ["task:Start*", "host:h?", "path:site.yml"])
def test_ignored_jobs_are_left_alone_and_still_reported(run: Runner, rule: str) -> None:
    got = run(RED, options={"ignore": f"role:none, {rule}"})
    assert got.status == 0, got.output
    assert got.only_job()["state"] == "unreaped"
    assert not got.async_recap


def test_on_swallowed_and_on_failed_say_what_fails(run: Runner) -> None:
    swallowed = play(launch("exit 3"), reap() + "  ignore_errors: true\n")
    assert run(swallowed).status == 0
    got = run(swallowed, options={"on_swallowed": "fail"})
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    unseen = play(launch("exit 3"), "- ansible.builtin.command: sleep 1\n")
    got = run(unseen, options={"on_failed": "report", "on_unreaped": "report"})
    assert got.status == 0, got.output
    assert got.only_job()["state"] == "failed"


def test_loaded_twice_only_the_first_acts(run: Runner, tmp_path: Path) -> None:
    twin = tmp_path / "twin" / "callback_plugins"
    twin.mkdir(parents=True)
    shutil.copy(CALLBACKS / "async_reaper.py", twin / "async_reaper_twin.py")
    got = run(RED, callbacks="async_reaper,async_reaper_twin", callback_folders=(CALLBACKS, twin))
    assert got.status == 2, got.output
    assert got.stdout.count("ASYNC RECAP") == 1
    assert len(got.jobs) == 1


def test_another_version_of_the_package_is_one_warning(run: Runner, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    text = (CALLBACKS / "async_reaper.py").read_text(encoding="utf-8")
    (other / "async_reaper.py").write_text(text.replace('VERSION = "', 'VERSION = "9.'), encoding="utf-8")
    got = run(RED, callback_folders=(other,))
    assert got.status == 2, got.output
    assert warnings(got.output).count("install the same version of both") == 1


@pytest.mark.parametrize(("on_error", "status"), [("fail", 2), ("report", 0)])
def test_an_error_of_ours_does_not_let_the_run_pass_for_clean(
    run: Runner, tmp_path: Path, on_error: str, status: int
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    text = (CALLBACKS / "async_reaper.py").read_text(encoding="utf-8")
    handing_over = 'self._guarded("result", result)'
    assert handing_over in text
    (broken / "async_reaper.py").write_text(
        text.replace(handing_over, 'self._fail(RuntimeError("ours"))', 1), encoding="utf-8"
    )
    got = run(
        RED, callback_folders=(broken,), options={"on_error": on_error, "on_unreaped": "report", "on_failed": "report"}
    )
    assert got.status == status, got.output
    assert "h1 went on" in got.stdout
    assert warnings(got.output).count("async_reaper: an error of its own") == 1


FAULTY = """
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "notification", "faulty"

    def fails(self, *args, **kwargs):
        raise RuntimeError("no fault of async_reaper")

    v2_playbook_on_play_start = v2_playbook_on_task_start = v2_runner_on_ok = v2_playbook_on_stats = fails
"""


@pytest.mark.parametrize("order", ["faulty,async_reaper", "async_reaper,faulty"])
def test_another_plugins_exception_does_not_keep_us_from_the_jobs(run: Runner, tmp_path: Path, order: str) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "faulty.py").write_text(FAULTY, encoding="utf-8")
    got = run(RED, callbacks=order, callback_folders=(tmp_path / "others", CALLBACKS))
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert got.async_recap
    assert "no fault of async_reaper" in warnings(got.output)
    assert "an error of its own" not in warnings(got.output)


def test_an_ansible_core_out_of_range_is_one_warning_and_the_jobs_are_guarded(run: Runner, tmp_path: Path) -> None:
    later = tmp_path / "later"
    later.mkdir()
    text = (CALLBACKS / "async_reaper.py").read_text(encoding="utf-8")
    start = "self._session = entry.session_for("
    assert start in text
    narrow = text.replace(start, f"entry.OLDEST = entry.NEWEST = (2, 15)\n            {start}")
    (later / "async_reaper.py").write_text(narrow, encoding="utf-8")
    got = run(RED, callback_folders=(later,))
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert warnings(got.output).count("is untested; supported are") == 1


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, of which next to nothing is left."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED ON A FULL DISK: this user may not mount a file system")
    try:
        with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_warning_for_each_file_and_the_jobs_are_guarded(run: Runner, full_disk: Path) -> None:
    options = {name: str(full_disk / name) for name in ("report_path", "junit_path", "history", "ledger_dir")}
    got = run(play(launch(), reap(), launch(register="")) + play(say("went on")), options=options)
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert "went on" not in got.stdout
    assert any("unreaped" in line for line in got.async_recap)
    said = warnings(got.output)
    for text in ("the ledger", "report_path:", "junit_path:", "history:"):
        assert said.count(f"async_reaper: {text}") == 1, got.output
    left = [path for path in full_disk.rglob("*") if path.is_file() and path.name != "ballast" and path.stat().st_size]
    assert not left, "what cannot be written whole is not written"


def test_paths_that_cannot_be_written_are_one_warning_each(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    options = {name: str(tmp_path / "file" / name) for name in ("junit_path", "ledger_dir", "history")}
    options |= {"report_path": "r" * 300, "history": f"{options['history']}\x1b[31m\n::error::"}
    got = run(GREEN, options=options, args=["-e", json.dumps({"async_reaper_metrics_path": "m\0m"})])
    assert got.status == 0, got.output
    told = warnings(got.output)
    for text in ("junit_path: ", "report_path: r", "metrics_path is ", "the ledger", "history:"):
        assert told.count(f"async_reaper: {text}") == 1, text
    assert "\x1b" not in got.output
    assert "\n::error::" not in got.output


def test_a_play_may_remove_the_folder_that_it_was_started_from(run: Runner, tmp_path: Path) -> None:
    """As one does that cleans up a checkout: paths that do not start there are written all the same."""
    gone = tmp_path / "checkout"
    gone.mkdir()
    junit, ledger = tmp_path / "out" / "junit.xml", tmp_path / "ledger"
    junit.parent.mkdir()
    remove = f"- ansible.builtin.file: {{path: {gone}, state: absent}}\n"
    options = {"junit_path": str(junit), "ledger_dir": str(ledger), "metrics_path": "here.prom"}
    got = run(play(remove, launch("exit 0"), reap(), launch("sleep 1")), options=options, cwd=gone)
    assert (got.status, got.states()) == (2, {"h1": ["reaped", "unreaped"]}), got.output
    assert "error of its own" not in got.output
    assert junit.exists()
    assert list(ledger.iterdir()), "the job that runs on is in it"
    assert warnings(got.output).count("async_reaper: metrics_path: here.prom cannot be written (No such file") == 1


def test_without_the_package_the_callback_says_so(core: str, run: Runner) -> None:
    got = run(RED, env={"PYTHONPATH": ""})
    assert got.status == 0, got.output
    assert warnings(got.output).count("Install ansible-reap into the Python environment") == 1


def test_junit_names_file_line_and_failure(run: Runner, tmp_path: Path) -> None:
    got = run(RED, options={"junit_path": str(tmp_path / "junit.xml")})
    assert got.status == 2
    text = (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert 'tests="1" failures="1"' in text
    assert 'file="site.yml" line="3"' in text
    assert '<failure type="unreaped"' in text
    assert (tmp_path / "junit.xml").stat().st_mode & 0o777 == 0o600


def test_ad_hoc_runs_are_left_alone(core: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            environments.program(f"core-{core}", "ansible"),
            "localhost",
            "-m",
            "command",
            "-a",
            "sleep 1",
            "-B",
            "30",
            "-P",
            "0",
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_BIN_ANSIBLE_CALLBACKS": "1",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "async_reaper" not in done.stdout + done.stderr
    assert "ASYNC RECAP" not in done.stdout


def test_every_option_is_documented(core: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [environments.program(f"core-{core}", "ansible-doc"), "-t", "callback", "async_reaper", "-M", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        assert f"ASYNC_REAPER_{name.upper()}" in done.stdout
