"""The ledger: what it keeps, what it survives, what it never holds up."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_reap.jobs import JobState, LastSeen
from ansible_reap.runtime.ledger.lines import Answer, Closing, Intent, LineError, Record, RunRecord, decode, encode
from ansible_reap.runtime.ledger.processes import controller_name, start_of
from ansible_reap.runtime.ledger.reader import LedgerFile, read_file, read_folder
from ansible_reap.runtime.ledger.writer import KEPT_DAYS, Ledger, append, default_folder
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord

ACCESS = Access(
    delegate_to="db1", become=True, become_user="backup", port=22, variables=(("ansible_async_dir", "/var/tmp/jobs"),)
)
SITE = LaunchSite(
    play="Nightly",
    task="Start the backup",
    path="roles/db/tasks/main.yml",
    line=12,
    role="db",
    register="backup",
    limit_s=3600,
    poll=0,
    no_log=True,
    async_dir="/var/tmp/jobs",
    access=ACCESS,
)
BARE = LaunchSite("", "", "p.yml", 1, None, None, 10, 0, no_log=False)


def a_run(run: str = "2026-11-22T10:00:00Z-4711") -> RunRecord:
    return RunRecord(
        run=run,
        pid=os.getpid(),
        pid_start=start_of(os.getpid()),
        controller=controller_name(),
        started="2026-11-22T10:00:00Z",
        playbooks=("site.yml",),
        ansible_core="2.21.5",
    )


def a_launch(jid: str, host: str = "web1") -> JobInfo:
    return JobInfo(jid, host, SITE, item="a", launched=1000.75)


def a_record(jid: str, phase: Phase, last_seen: LastSeen | None = None) -> JobRecord:
    return JobRecord(a_launch(jid), phase, last_seen)


def an_intent(host: str = "web1") -> Intent:
    return Intent("t1", host, 1000.5, SITE)


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def ledger(tmp_path: Path, warnings: list[str]) -> Ledger:
    return Ledger(tmp_path / "state" / "ledger", a_run(), warnings.append)


def test_a_ledger_is_held_although_others_ask_just_then_whether_it_is(tmp_path: Path, warnings: list[str]) -> None:
    """As runs that begin at the same time do, and whoever follows the jobs."""
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            for path in tmp_path.glob("*.ledger"):
                with path.open("rb") as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    except BlockingIOError:
                        continue
                    time.sleep(0.001)
                time.sleep(0.001)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        made = [Ledger(tmp_path, a_run(f"2026-11-22T10:00:00Z-{number}"), warnings.append) for number in range(50)]
        for ledger in made:
            ledger.launched(a_launch("j1.1"))
    finally:
        is_over.set()
        asking.join()
    assert all(read_file(ledger.path).locked for ledger in made if ledger.path is not None)
    for ledger in made:
        ledger.closed([])


def path_of(ledger: Ledger) -> Path:
    assert ledger.path is not None
    return ledger.path


@pytest.mark.parametrize(
    "record",
    [
        a_run(),
        an_intent(),
        Intent("k", "a", 0.0, BARE),
        Answer("t1", "web1"),
        a_launch("j1.2"),
        JobInfo("j1.2", "h\udcff\n", BARE, None, 0.0),
        Closing("j1.2", JobState.TIMED_OUT),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_read_back_is_the_record_written(record: Record) -> None:
    line = encode(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == record


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"v":2,"kind":"answer","key":"a","host":"b"}',
        b'{"v":1,"kind":"poem"}',
        b'{"v":1,"kind":["run"]}',
        b'{"v":1,"kind":"answer","key":1,"host":"b"}',
        b'{"v":1,"kind":"closing","jid":"j1.2","state":"vanished"}',
        b'{"v":1,"kind":"launch","jid":"j1.2"}',
    ],
)
def test_a_line_that_is_not_ours_is_refused(line: bytes) -> None:
    with pytest.raises(LineError):
        decode(line)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_in_a_shared_folder_the_files_of_others_are_passed_over(tmp_path: Path) -> None:
    theirs = tmp_path / "a\x1b[2J\n::error::pwned.ledger"
    theirs.write_text("no ledger")
    os.chown(theirs, 12345, 12345)
    warnings: list[str] = []
    assert read_folder(tmp_path, warnings.append) == []
    assert [warning.count("not a file of this user") for warning in warnings] == [1]
    tmp_path.chmod(0o1777)
    assert read_folder(tmp_path, pytest.fail) == []


def test_the_name_of_a_damaged_ledger_commands_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\n::error::pwned.ledger").write_text("no ledger")
    warnings: list[str] = []
    read_folder(tmp_path, warnings.append)
    assert len(warnings) == 1
    assert not {"\x1b", "\n"} & set(warnings[0])


def test_a_run_that_launches_nothing_touches_nothing(ledger: Ledger, tmp_path: Path) -> None:
    ledger.closed([], complete=True)
    assert list(tmp_path.iterdir()) == []


def test_a_launch_is_on_disk_before_the_call_returns(ledger: Ledger) -> None:
    ledger.intent("t1", SITE, "web1", 1000.5)
    ledger.launched(a_launch("j1.2"))
    found = read_file(path_of(ledger))
    assert found.run == a_run()
    assert found.launches == (a_launch("j1.2"),)
    assert found.intents == (an_intent(),)
    assert found.alive


def test_only_the_user_may_read_the_ledger(ledger: Ledger) -> None:
    old = os.umask(0)
    try:
        ledger.launched(a_launch("j1.2"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path_of(ledger).stat().st_mode) == 0o600
    assert stat.S_IMODE(path_of(ledger).parent.stat().st_mode) == 0o700


def test_nothing_is_left_of_a_run_whose_jobs_are_all_accounted_for(ledger: Ledger) -> None:
    ledger.intent("t1", SITE, "web1", 1000.5)
    ledger.launched(a_launch("j1.2"))
    ledger.launched(a_launch("j1.3"))
    ledger.answered("t1", "web1")
    ledger.settled(a_record("j1.2", Phase.REAPED))
    failed = a_record("j1.3", Phase.FAILED)
    failed.came_up = True
    ledger.settled(failed)
    path = path_of(ledger)
    ledger.closed([], complete=True)
    assert not path.exists()


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.LOST])
def test_a_failure_stays_until_somebody_has_been_told_of_it(ledger: Ledger, phase: Phase) -> None:
    ledger.launched(a_launch("j1.2"))
    record = a_record("j1.2", phase)
    ledger.settled(record)
    path = path_of(ledger)
    assert read_file(path).launches == (a_launch("j1.2"),)
    ledger.closed([record], complete=True)
    assert not path.exists()


def test_a_job_that_nobody_accounted_for_stays(ledger: Ledger, warnings: list[str]) -> None:
    for jid in ("j1.2", "j1.3"):
        ledger.launched(a_launch(jid))
    ledger.settled(a_record("j1.3", Phase.REAPED))
    ledger.settled(a_record("j9.9", Phase.REAPED))
    path = path_of(ledger)
    ledger.closed([], complete=True)
    (found,) = read_folder(path.parent, warnings.append)
    assert [launch.jid for launch in found.launches] == ["j1.2"]
    assert [job.jid for job in found.named] == ["j1.2", "j1.3"]
    assert not warnings


def test_a_job_seen_ended_is_accounted_for_though_nobody_waited(ledger: Ledger) -> None:
    ledger.launched(a_launch("j1.2"))
    path = path_of(ledger)
    ledger.closed([a_record("j1.2", Phase.OUTSTANDING, LastSeen.FINISHED)], complete=True)
    assert not path.exists()


def test_a_job_seen_running_at_the_end_stays(ledger: Ledger) -> None:
    ledger.launched(a_launch("j1.2"))
    path = path_of(ledger)
    ledger.closed([a_record("j1.2", Phase.OUTSTANDING, LastSeen.RUNNING)], complete=True)
    assert read_file(path).launches == (a_launch("j1.2"),)


def test_a_host_that_never_answered_stays(ledger: Ledger) -> None:
    ledger.intent("t1", SITE, "web1", 1000.5)
    ledger.intent("t1", SITE, "web2", 1000.5)
    ledger.answered("t1", "web1")
    path = path_of(ledger)
    ledger.closed([], complete=False)
    assert read_file(path).intents == (an_intent("web2"),)


def test_a_run_that_was_not_cut_short_has_heard_all_there_is(ledger: Ledger) -> None:
    ledger.intent("t1", SITE, "web1", 1000.5)
    ledger.intent("t1", SITE, "web2", 1000.5)
    path = path_of(ledger)
    ledger.closed([], complete=True)
    assert not path.exists()


def test_secrets_among_the_connection_variables_are_not_written(ledger: Ledger) -> None:
    secrets = (("ansible_password", "s3cret"), ("ansible_become_pass", "s3cret"), ("ansible_winrm_token", "s3cret"))
    site = replace(SITE, access=replace(ACCESS, variables=(("ansible_user", "ann"), *secrets)))
    ledger.intent("t1", site, "web1", 1000.5)
    ledger.launched(replace(a_launch("j1.1"), site=site))
    found = read_file(path_of(ledger))
    assert found.launches[0].access.variables == (("ansible_user", "ann"), ("ansible_async_dir", SITE.async_dir))
    assert b"s3cret" not in path_of(ledger).read_bytes()


def test_a_fork_that_ends_does_not_remove_the_ledger(ledger: Ledger) -> None:
    ledger.launched(a_launch("j1.2"))
    ledger.settled(a_record("j1.2", Phase.REAPED))
    child = os.fork()
    if child == 0:
        ledger.closed([], complete=True)
        os._exit(0)
    os.waitpid(child, 0)
    assert path_of(ledger).exists()


def test_a_file_cut_off_anywhere_keeps_every_whole_line(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(4):
        ledger.launched(a_launch(f"j1.{number}"))
    whole = path_of(ledger).read_bytes()
    header = whole.index(b"\n") + 1
    for cut in range(header, len(whole), 3):
        torn = tmp_path / "torn.ledger"
        torn.write_bytes(whole[:cut])
        found = read_file(torn)
        # A last line that only lacks its newline is whole too.
        complete = sum(line in whole[:cut] for line in whole.splitlines()[1:])
        assert len(found.launches) == complete, cut


def test_a_line_after_a_torn_one_is_not_lost(ledger: Ledger) -> None:
    ledger.launched(a_launch("j1.1"))
    path = path_of(ledger)
    with path.open("ab") as file:
        file.write(b'{"v":1,"kind":"laun')
    append(path, Closing("j1.1", JobState.REAPED))
    found = read_file(path)
    assert found.is_accounted_for
    assert found.damaged == 1


def test_a_ledger_that_is_read_again_and_again_tells_what_a_new_reader_would(ledger: Ledger) -> None:
    ledger.intent("t1", SITE, "web1", 1000.5)
    path = path_of(ledger)
    again = LedgerFile(path)
    steps: list[Callable[[], object]] = [
        lambda: ledger.launched(a_launch("j1.1")),
        lambda: ledger.launched(a_launch("j1.2")),
        lambda: ledger.intent("t1", SITE, "web2", 1001.5),
        lambda: ledger.answered("t1", "web1"),
        lambda: ledger.settled(a_record("j1.1", Phase.REAPED)),
        lambda: add(path, b'{"v":1,"kind":"poem"}\n'),
        # Cut off, twice added to, and then a line of its own.
        lambda: add(path, encode(a_launch("j1.3"))[:40]),
        lambda: add(path, encode(a_launch("j1.3"))[40:80]),
        lambda: add(path, encode(a_launch("j1.3"))[80:-1]),
        lambda: add(path, b"\n\n"),
        lambda: add(path, b'{"v":1,"kind":"laun'),
        lambda: append(path, Closing("j1.2", JobState.REAPED)),
        lambda: os.utime(path, (1, 1)),
        lambda: path.write_bytes(path.read_bytes()[:-40]),
        lambda: path.write_bytes(path.read_bytes().replace(b"web2", b"web9")),
        lambda: None,
    ]
    for number, step in enumerate(steps):
        step()
        assert again.read() == read_file(path), number
    assert [job.jid for job in again.read().named] == ["j1.1", "j1.2", "j1.3"]
    assert again.read().damaged == 3


def test_another_ledger_in_the_place_of_one_is_read_from_its_start(ledger: Ledger, tmp_path: Path) -> None:
    ledger.launched(a_launch("j1.1"))
    path = path_of(ledger)
    again = LedgerFile(path)
    assert [job.jid for job in again.read().named] == ["j1.1"]
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes().replace(b"j1.1", b"j9.9") + encode(a_launch("j8.8")))
    other.rename(path)
    assert [job.jid for job in again.read().named] == ["j9.9", "j8.8"]


def test_a_file_that_is_no_ledger_yet_is_one_once_it_has_its_first_line(ledger: Ledger, tmp_path: Path) -> None:
    ledger.launched(a_launch("j1.1"))
    whole = path_of(ledger).read_bytes()
    begun = tmp_path / "begun.ledger"
    begun.touch(mode=0o600)
    again = LedgerFile(begun)
    for end in (0, 10):
        begun.write_bytes(whole[:end])
        with pytest.raises(LineError):
            again.read()
    add(begun, whole[10:])
    assert [job.jid for job in again.read().named] == ["j1.1"]


def add(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


WRITER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_ledger import Ledger, a_launch, a_run
ledger = Ledger(Path(sys.argv[1]), a_run(), print)
number = 0
while True:
    ledger.launched(a_launch(f"j1.{{number}}"))
    print(number, flush=True)
    number += 1
"""


def test_a_run_killed_while_it_writes_loses_no_reported_job(tmp_path: Path) -> None:
    code = WRITER.format(tests=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        reported = [run.stdout.readline() for _ in range(200)]
        run.send_signal(signal.SIGKILL)
        reported += run.stdout.readlines()
    reported = [line for line in reported if line.endswith("\n")]
    (found,) = read_folder(tmp_path, pytest.fail)
    assert not found.alive
    assert {int(launch.jid[3:]) for launch in found.launches} >= {int(line) for line in reported}


def full_after(size: int) -> None:
    """Make every file of this process end at ``size`` bytes, as a full disk does: a short write, then an error."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_ledger import Ledger, a_launch, a_run, full_after
ledger = Ledger(Path(sys.argv[1]), a_run(), lambda text: print("warning:", text))
full_after({size})
for number in range(20):
    ledger.launched(a_launch(f"j1.{{number}}"))
full_after(resource.RLIM_INFINITY)
ledger.launched(a_launch("j2.0"))
print("went on")
"""


@pytest.mark.parametrize("size", [0, 100, 1500])
def test_a_full_disk_is_one_warning_and_the_run_goes_on(tmp_path: Path, size: int) -> None:
    code = FULL_DISK.format(tests=str(Path(__file__).parent), size=size)
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    warning, end = run.stdout.splitlines()
    assert "cannot be written" in warning
    assert "ledger_dir" in warning
    assert end == "went on"
    ledgers = read_folder(tmp_path, pytest.fail)
    if size < 1000:  # not even the run fitted: nothing is left that a reader would stumble over
        assert not list(tmp_path.iterdir())
    else:  # what came after there was room again is kept
        assert {launch.jid for launch in ledgers[0].launches} >= {"j1.0", "j2.0"}
        assert ledgers[0].damaged == 1


def test_a_path_that_cannot_be_written_is_one_warning(tmp_path: Path, warnings: list[str]) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    ledger = Ledger(blocker / "ledger", a_run(), warnings.append)
    ledger.intent("t1", SITE, "web1", 1000.5)
    for number in range(3):
        ledger.launched(a_launch(f"j1.{number}"))
    ledger.settled(a_record("j1.0", Phase.REAPED))
    ledger.closed([], complete=True)
    (warning,) = warnings
    assert str(blocker / "ledger") in warning


def test_two_runs_of_one_name_keep_two_ledgers(tmp_path: Path, warnings: list[str]) -> None:
    for number in range(3):
        Ledger(tmp_path, a_run(), warnings.append).launched(a_launch(f"j1.{number}"))
    assert len(read_folder(tmp_path, warnings.append)) == 3
    assert not warnings


def test_others_see_a_ledger_only_when_it_names_its_run_and_is_held(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that begin at the same moment read each other's ledgers."""
    seen: list[list[str]] = []
    write, rename = os.write, Path.rename

    def look_and_write(fd: int, line: bytes) -> int:
        seen.append([found.run.run for found in read_folder(tmp_path, warnings.append)])
        return write(fd, line)

    def rename_and_look(old: Path, new: Path) -> Path:
        renamed = rename(old, new)
        assert [found.locked for found in read_folder(tmp_path, warnings.append)] == [True]
        return renamed

    monkeypatch.setattr(os, "write", look_and_write)
    monkeypatch.setattr(Path, "rename", rename_and_look)
    ledger = Ledger(tmp_path, a_run("one"), warnings.append)
    ledger.launched(a_launch("j1.1"))
    assert seen == [[], ["one"]]
    assert not warnings
    assert [path.name for path in tmp_path.iterdir()] == ["one.ledger"]


def test_a_name_that_is_taken_for_the_time_being_is_passed_over(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / ".one.ledger.new").write_text("")
    (tmp_path / "one.1.ledger").write_text("")
    ledger = Ledger(tmp_path, a_run("one"), warnings.append)
    ledger.launched(a_launch("j1.1"))
    assert path_of(ledger).name == "one.2.ledger"
    assert not (tmp_path / ".one.1.ledger.new").exists()
    assert not warnings


def test_the_name_of_a_run_cannot_leave_the_folder(tmp_path: Path, warnings: list[str]) -> None:
    ledger = Ledger(tmp_path / "ledger", a_run("../../evil/run:1"), warnings.append)
    ledger.launched(a_launch("j1.1"))
    assert path_of(ledger).parent == tmp_path / "ledger"


def test_files_that_are_no_ledgers_are_named_and_skipped(tmp_path: Path, ledger: Ledger, warnings: list[str]) -> None:
    ledger.launched(a_launch("j1.2"))
    folder = path_of(ledger).parent
    (folder / "empty.ledger").write_bytes(b"")
    (folder / "other.ledger").write_bytes(b'{"v":1,"kind":"answer","key":"a","host":"b"}\n')
    (folder / "loop.ledger").symlink_to("loop.ledger")
    (folder / "folder.ledger").mkdir()
    os.mkfifo(folder / "pipe.ledger")
    (folder / "notes.txt").write_text("not looked at")
    assert [found.run.run for found in read_folder(folder, warnings.append)] == [a_run().run]
    assert sorted(Path(text.split(":")[0]).stem for text in warnings) == ["empty", "folder", "loop", "other", "pipe"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_ledger_that_another_user_planted_is_not_believed(ledger: Ledger, warnings: list[str]) -> None:
    ledger.launched(a_launch("j1.2"))
    os.chown(path_of(ledger), 12345, 12345)
    assert read_folder(path_of(ledger).parent, warnings.append) == []
    assert "not a file of this user" in warnings[0]


def test_a_folder_that_is_not_there_has_no_ledgers(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "none", pytest.fail) == []


def test_a_ledger_nobody_touched_for_months_is_forgotten(tmp_path: Path, warnings: list[str]) -> None:
    old = Ledger(tmp_path, a_run("old"), warnings.append)
    old.launched(a_launch("j1.1"))
    long_ago = time.time() - (KEPT_DAYS + 1) * 86400
    killed = tmp_path / ".killed.ledger.new"
    killed.write_bytes(path_of(old).read_bytes())
    for path in (path_of(old), killed):
        os.utime(path, (long_ago, long_ago))
    Ledger(tmp_path, a_run("new"), warnings.append).launched(a_launch("j1.2"))
    assert not killed.exists()
    assert [found.run.run for found in read_folder(tmp_path, warnings.append)] == ["new"]


@pytest.mark.parametrize(
    "content", [b"2019-12-31 Rent\n    Expenses  5 EUR\n", b"", b"\xff\0", b'{"v": 1, "kind": "closing"}\n']
)
def test_what_is_no_ledger_of_ours_is_never_forgotten(tmp_path: Path, warnings: list[str], content: bytes) -> None:
    """Books of the programs Ledger and hledger end in ``.ledger`` too."""
    (tmp_path / "2019.ledger").write_bytes(content)
    (tmp_path / "link.ledger").symlink_to("2019.ledger")
    (tmp_path / "folder.ledger").mkdir()
    os.mkfifo(tmp_path / "pipe.ledger")
    before = set(tmp_path.iterdir())
    for path in before:
        os.utime(path, (0, 0), follow_symlinks=False)
    Ledger(tmp_path, a_run("new"), warnings.append).launched(a_launch("j1.2"))
    assert before < set(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_ledger_of_another_user_is_never_forgotten(tmp_path: Path, warnings: list[str]) -> None:
    old = Ledger(tmp_path, a_run("old"), warnings.append)
    old.launched(a_launch("j1.1"))
    os.chown(path_of(old), 65534, -1)
    os.utime(path_of(old), (0, 0))
    Ledger(tmp_path, a_run("new"), warnings.append).launched(a_launch("j1.2"))
    assert path_of(old).exists()


def test_a_pid_given_out_again_is_not_the_run(ledger: Ledger) -> None:
    ledger.launched(a_launch("j1.1"))
    path = path_of(ledger)
    ledger.closed([], complete=True)
    first, rest = path.read_bytes().split(b"\n", 1)
    run = {**json.loads(first), "pid": 1}
    path.write_bytes(json.dumps(run).encode() + b"\n" + rest)
    assert not read_file(path).alive


def test_a_run_in_another_container_is_told_by_its_lock(ledger: Ledger) -> None:
    ledger.launched(a_launch("j1.1"))
    path = path_of(ledger)
    first, rest = path.read_bytes().split(b"\n", 1)
    with path.open("r+b") as file:
        file.write(json.dumps({**json.loads(first), "controller": "elsewhere"}).encode() + b"\n" + rest)
    assert read_file(path).alive
    ledger.closed([], complete=True)
    assert not read_file(path).alive


@pytest.mark.parametrize("state", ["/srv/state", "", "relative"])
def test_the_folder_is_under_the_users_state_folder(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", "/home/ann")
    base = "/srv/state" if state == "/srv/state" else "/home/ann/.local/state"
    assert default_folder() == Path(base, "ansible-reap", "ledger")
