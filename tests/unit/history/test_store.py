"""The store, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import struct
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ansible_reap.history import database as database_module
from ansible_reap.history import store as store_module
from ansible_reap.history.database import StoreError, default_path, parse_address
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.store import Store, keep
from support import postgres
from support.bounds import ends_within

NOW = datetime.now(timezone.utc).replace(microsecond=0)

WRITER = """
import sys
from datetime import datetime, timezone
from ansible_reap.history.database import parse_address
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Observation, Ending
from ansible_reap.history.store import keep
run, address, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
jobs = [Observation(run, f"j{i}", "site", Identity("site.yml", "Start", 0), f"h{i}", Ending.FINISHED, i / 7, 0.0,
                    600.0, datetime.now(timezone.utc), "2.21.5") for i in range(count)]
print("ready", flush=True)
sys.stdin.readline()
print(keep(jobs, parse_address(address)) or "kept")
"""


def observation(run: str = "r1", job: str = "j1", **changes: object) -> Observation:
    plain = Observation(
        run=run,
        job=job,
        project="site",
        identity=Identity("role:db/tasks/main.yml", "Start the backup"),
        host="db1",
        outcome=Ending.FINISHED,
        seconds=12.5,
        uncertainty=0.25,
        limit=600.0,
        launched=NOW,
        core="2.21.5",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture(scope="module")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("psycopg")
    if reason := postgres.missing():
        pytest.skip(reason)
    with postgres.server(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "state" / "history.db")
    url: str = request.getfixturevalue("postgres_url")
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {store_module.TABLE}")
    return url


def opened(address: str) -> Store:
    parsed = parse_address(address)
    assert parsed is not None
    return Store(parsed)


def test_what_is_kept_comes_back_as_it_was(address: str) -> None:
    told = [
        observation(),
        observation(job="j2", outcome=Ending.TIMED_OUT, identity=Identity("site.yml", "Näme with 'quotes' :x %s", 3)),
    ]
    store = opened(address)
    store.add(told)
    assert store.observations() == told
    assert store.observations("site") == told
    assert store.observations("other") == []


def test_the_same_job_twice_is_kept_once(address: str) -> None:
    store = opened(address)
    store.add([observation()])
    store.add([observation(), observation("r2")])
    assert [each.run for each in store.observations()] == ["r1", "r2"]


def test_twenty_runs_at_once_lose_nothing(address: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, f"run-{n}", address, "50"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(20)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said = [writer.communicate(timeout=60)[0].strip() for writer in writers]
    # On a machine that is too busy a run gives up in time, and what it measured waits for the next one.
    assert all(each == "kept" or "wait here" in each for each in said), said
    kept = opened(address).observations()
    assert len(kept) == 20 * 50
    assert len({each.run for each in kept}) == 20


def test_a_run_killed_while_it_writes_leaves_the_store_whole(tmp_path: Path) -> None:
    address = str(tmp_path / "history.db")
    opened(address).add([observation()])
    writer = "import os\nfrom ansible_reap.history import store\n" + WRITER.replace(
        'print("ready", flush=True)\nsys.stdin.readline()\n',
        # The pruning comes after the rows: die there, in the middle of the transaction.
        "store._prune = lambda *_: os.kill(os.getpid(), 9)\n",
    )
    died = subprocess.run([sys.executable, "-c", writer, "killed", address, "3000"], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL
    assert [each.run for each in opened(address).observations()] == ["r1"]
    with closing(sqlite3.connect(address)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    opened(address).add([observation("r2")])
    assert len(opened(address).observations()) == 2


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        opened(str(tmp_path / "new" / "history.db")).add([observation()])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "history.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_old_and_many_rows_go(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_PER_LAUNCH", 5)
    store = opened(address)
    store.add([observation("old", launched=NOW - timedelta(days=401))])
    assert store.observations() == []
    store.add([observation(f"r{n}", launched=NOW - timedelta(minutes=n)) for n in range(9)])
    other = observation("other", identity=Identity("site.yml", "Other"), launched=NOW - timedelta(hours=1))
    store.add([other])
    assert [each.run for each in store.observations()] == ["other", "r4", "r3", "r2", "r1", "r0"]
    monkeypatch.setattr(store_module, "MAX_ROWS", 3)
    assert store.prune() == 3
    assert store.prune(before=NOW - timedelta(seconds=30)) == 2
    assert [each.run for each in store.observations()] == ["r0"]


def test_launches_can_be_forgotten(address: str) -> None:
    store = opened(address)
    store.add([observation(), observation("r2", identity=Identity("site.yml", "Other"))])
    assert store.forget([("site", Identity("site.yml", "Other"))]) == 1
    assert [each.run for each in store.observations()] == ["r1"]


def test_a_locked_file_costs_little_and_loses_nothing(tmp_path: Path) -> None:
    address = parse_address(str(tmp_path / "history.db"))
    assert address is not None
    Store(address).add([observation()])
    with closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with ends_within(60):
            assert keep([observation("r2")], address, patience=0.2) is None
    assert [each.run for each in Store(address).observations()] == ["r1", "r2"]
    assert not list((tmp_path / "history.db.waiting").iterdir())


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("postgresql://reaper:secret@127.0.0.1:9/x", id="nobody listens"),
        pytest.param("/proc/no/history.db", id="no folder"),
        pytest.param("{file}/history.db", id="a file for a folder"),
        pytest.param("{file}", id="no database"),
    ],
)
def test_an_unreachable_store_is_one_warning_and_no_wait(bad: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("this is no database, however long it may be made\n" * 100)
    address = parse_address(bad.format(file=file))
    assert address is not None
    with ends_within(60):
        warning = keep([observation()], address)
    assert warning is not None
    assert warning.startswith("history: ")
    assert "\n" not in warning
    assert "secret" not in warning


def test_run_times_wait_for_a_server_that_was_away(postgres_url: str, state: Path) -> None:
    address = parse_address(postgres_url)
    assert address is not None
    Store(address).set_aside([observation("waited", identity=Identity("site.yml", "Waiting"))])
    waiting = list((state / "ansible-reap").glob("*.waiting/*.json"))
    assert [stat.S_IMODE(file.stat().st_mode) for file in waiting] == [0o600]
    assert keep([observation("later")], address) is None
    assert {"waited", "later"} <= {each.run for each in Store(address).observations()}
    assert not waiting[0].exists()


def test_only_so_many_runs_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_WAITING", 3)
    store = opened(str(tmp_path / "history.db"))
    for n in range(5):
        store.set_aside([observation(f"r{n}")])
    store.add([])
    assert [each.run for each in store.observations()] == ["r2", "r3", "r4"]


@pytest.mark.parametrize("full", [False, True], ids=["takes the call", "drops every packet"])
def test_a_server_that_never_answers_is_given_up(state: Path, full: bool) -> None:
    with ExitStack() as open_sockets:
        silent = open_sockets.enter_context(closing(socket.socket()))
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for _ in range(4 if full else 0):  # nobody takes these calls: the next ones get no answer at all
            call = open_sockets.enter_context(closing(socket.socket()))
            call.setblocking(False)
            call.connect_ex(silent.getsockname())
        address = parse_address(f"postgresql://reaper@127.0.0.1:{silent.getsockname()[1]}/x")
        assert address is not None
        with ends_within(60):
            warning = keep([observation()], address)
    assert warning is not None
    assert "127.0.0.1" in warning


def test_reading_what_was_never_written_says_so(address: str) -> None:
    with pytest.raises(StoreError, match="no history has been kept here"):
        opened(address).observations()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("/var/h.db", "/var/h.db"),
        ("sqlite:////var/h.db", "/var/h.db"),
        ("postgresql://u:p@db.example:5433/runs?sslmode=require", "postgresql://db.example:5433/runs"),
        ("postgresql+psycopg://db/runs", "postgresql://db/runs"),
        ("postgres://db/runs", "postgresql://db/runs"),
    ],
)
def test_an_address_is_shown_without_its_secrets(text: str, label: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert address.label == label


def test_an_empty_address_turns_the_history_off() -> None:
    assert parse_address(" ") is None
    with pytest.raises(StoreError, match="mysql"):
        parse_address("mysql://host/db")


def test_the_default_is_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "ansible-reap" / "history.db"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/u")
    assert default_path() == Path("/home/u/.local/state/ansible-reap/history.db")


def test_only_runs_of_ours_wait_for_the_store(tmp_path: Path) -> None:
    """A link, or a file of another user, in the place of the waiting room is left alone."""
    address = parse_address(str(tmp_path / "history.db"))
    assert address is not None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "state.json").write_text("{}")
    (tmp_path / "history.db.waiting").symlink_to(elsewhere)
    Store(address).add([observation()])
    assert (elsewhere / "state.json").exists()
    (tmp_path / "history.db.waiting").unlink()
    Store(address).set_aside([observation("r2")])
    (waiting,) = (tmp_path / "history.db.waiting").iterdir()
    if os.geteuid() == 0:
        os.chown(waiting, 12345, -1)
        assert [each.run for each in Store(address).observations()] == ["r1"]
        os.chown(waiting, 0, -1)
    assert [each.run for each in Store(address).observations()] == ["r1", "r2"]


@pytest.mark.parametrize("sign", ["#", "?", "/", "@", "[", "%zz", " ", ";/@", "?1@", "://"])
@pytest.mark.parametrize("where", ["u:S3cr{}Pw@127.0.0.1:1/db", "u:{}S3cr@127.0.0.1:1/db", "u:12{}S3cr@127.0.0.1:1/db"])
def test_a_password_that_cannot_be_told_from_the_rest_is_refused_and_not_shown(sign: str, where: str) -> None:
    with pytest.raises(StoreError, match="is not of the form") as refused:
        parse_address("postgresql://" + where.format(sign))
    assert not any(part in str(refused.value) for part in ("S3cr", "Pw"))


@pytest.mark.parametrize(
    "text",
    [
        "host=127.0.0.1 port=1 password=S3cr",
        "user = u password=S3cr",
        "postgresql:u:S3cr@h://db",
        "postgresql://u@h/db;password=S3cr",
        "postgresql://h/db#S3cr",
    ],
)
def test_what_is_no_address_is_refused_without_its_secrets(text: str) -> None:
    with pytest.raises(StoreError) as refused:
        parse_address(text)
    assert "S3cr" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("postgresql://u:S3%23cr@[::1]:5433/db", "postgresql://[::1]:5433/db"),
        ("postgresql:///db?host=/var/run/postgresql&password=S3cr", "postgresql:///db"),
        ("postgresql://%2Fvar%2Frun/db", "postgresql://%2Fvar%2Frun/db"),
        ("postgresql://u:S3cr@a:1,b:2/db", "postgresql://a:1,b:2/db"),
        ("postgresql://", "postgresql://"),
    ],
)
def test_an_address_in_any_form_that_is_certain_is_taken(text: str, label: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert address.label == label


class _Refusing(types.ModuleType):
    """A driver that repeats what it was given, as libpq does of parts that it cannot read."""

    Error = ConnectionError

    def connect(self, url: str, **_: object) -> None:
        raise ConnectionError(f"no way to {url}")


def test_a_driver_that_repeats_the_password_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", _Refusing("psycopg"))
    for url in ("postgresql://u:S3%20cr@h/db", "postgresql://h/db?sslpassword=S3%20cr"):
        address = parse_address(url)
        assert address is not None
        with pytest.raises(StoreError) as refused:
            Store(address, 1.0).observations()
        assert str(refused.value) == "postgresql://h/db: ConnectionError"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("outcome", "x"),
        ("launched", "yesterday"),
        ("seconds", "abc"),
        ("seconds", 1e308),
        ("time_limit", 9e999),
        ("seconds", -1),
        ("task", b"\x00\xff"),
        ("task", "x" * 20_000),
        ("position", "first"),
    ],
)
def test_a_row_that_no_run_has_written_costs_only_itself(column: str, value: object, tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    store = opened(str(file))
    store.add([observation("r1"), observation("r2")])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"UPDATE {store_module.TABLE} SET {column} = ? WHERE run = 'r1'", [value])
        connection.commit()
    assert [each.run for each in store.observations()] == ["r2"]


def test_a_view_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "LONGEST_READ", 0.5)
    file = tmp_path / "h.db"
    columns = ", ".join(f"n AS {name}" for name in store_module._COLUMNS.split(", "))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            f"CREATE VIEW {store_module.TABLE} AS WITH RECURSIVE c(n) AS "
            f"(SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT {columns} FROM c"
        )
    with ends_within(60), pytest.raises(StoreError, match="interrupted"):
        opened(str(file)).observations()


MAGIC = bytes.fromhex("d9d505f920a163d7")


def journal_that_names(victim: Path, pages: int) -> bytes:
    """A rollback journal that SQLite plays back, and whose super-journal it then deletes: ``victim``."""
    name = str(victim).encode()
    head = (MAGIC + struct.pack(">IIIII", 0, 0, pages, 512, 4096)).ljust(512, b"\0")
    return head + struct.pack(">I", (1 << 30) // 4096 + 1) + name + struct.pack(">II", len(name), sum(name)) + MAGIC


def log_of_others(file: Path) -> bytes:
    """A write-ahead log that SQLite takes for one of any database, with a history of its own in it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for statement in store_module._SCHEMA:
            connection.execute(statement)
        return Path(f"{file}-wal").read_bytes()


def pages_of(file: Path) -> int:
    return file.stat().st_size // 4096


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_journal_beside_the_file_has_nothing_elsewhere_deleted(tmp_path: Path, mode: int) -> None:
    (tmp_path / "store").mkdir()
    file, victim = tmp_path / "store" / "h.db", tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    store = opened(str(file))
    store.add([observation("r1")])
    journal = Path(f"{file}-journal")
    journal.write_bytes(journal_that_names(victim, pages_of(file)))
    journal.chmod(mode)
    assert [each.run for each in store.observations()] == ["r1"]
    warning = keep([observation("r2")], store.address)
    assert warning is not None
    assert "h.db-journal lies beside it, which is none of ours" in warning
    assert victim.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_nothing_is_written_through_a_link_beside_the_file(tmp_path: Path, suffix: str) -> None:
    file, victim = tmp_path / "h.db", tmp_path / "victim"
    victim.write_bytes(bytes(64))
    store = opened(str(file))
    store.add([observation("r1")])
    Path(f"{file}{suffix}").symlink_to(victim)
    assert [each.run for each in store.observations()] == ["r1"]
    assert "none of ours" in str(keep([observation("r2")], store.address))
    assert victim.read_bytes() == bytes(64)


def test_a_write_ahead_log_beside_the_file_is_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    store = opened(str(file))
    store.add([observation("r1")])
    Path(f"{file}-wal").write_bytes(log_of_others(tmp_path / "other.db"))
    assert [each.run for each in store.observations()] == ["r1"]
    assert "h.db-wal lies beside it" in str(keep([observation("r2")], store.address))


def test_a_folder_to_which_others_may_add_files_holds_no_history(tmp_path: Path) -> None:
    (tmp_path / "sticky").mkdir()
    file, victim = tmp_path / "sticky" / "h.db", tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    store = opened(str(file))
    store.add([observation("r1")])
    file.parent.chmod(0o1777)
    Path(f"{file}-journal").write_bytes(journal_that_names(victim, pages_of(file)))
    assert "others may write to" in str(keep([observation("r2")], store.address))
    assert [each.run for each in store.observations()] == ["r1"]
    assert victim.exists()
    with pytest.raises(StoreError, match="others may write to"):
        store.prune()


def test_what_a_project_has_brought_is_read_and_never_written(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    store = opened(str(file))
    store.add([observation("r1")])
    store.set_aside([observation("r2")])
    before = {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    brought = Store(replace(store.address, is_brought=True))
    assert [each.run for each in brought.observations()] == ["r1"]
    assert {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()} == before
    assert {each.run for each in store.observations()} == {"r1", "r2"}, "ours take in what waits"
