"""The two databases that a history can live in, behind the few calls that the store needs.

Every statement is plain SQL with ``:name`` parameters that both understand. SQLite comes with Python. PostgreSQL goes
through psycopg, the extra ``ansible-reap[postgres]``, which is imported only then; a layer above it would double what
its import costs every run, and the dialects do not differ in what is said here.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from ansible_reap import files
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass

Row = tuple[Any, ...]
Parameters = Mapping[str, object]

LONGEST_READ = 30.0
"""Seconds that a query of a SQLite file may take; that of a full history takes one or two."""
_STEPS = 100_000
"""Instructions of SQLite's between two looks at the clock."""

LOCK_KEY = 0x52454150
"""Held on PostgreSQL while the tables are made: two ``CREATE TABLE IF NOT EXISTS`` at once can collide there."""


class StoreError(Exception):
    """The store cannot be used; the message is one line and holds no secret."""


class StoreBusyError(StoreError):
    """Somebody else holds the store's lock for longer than this run may wait."""


class Connection(Protocol):
    """A transaction: all of it is kept, or nothing."""

    def run(self, sql: str, rows: Sequence[Parameters]) -> None:
        """Execute a statement once for each row of parameters."""

    def ask(self, sql: str, parameters: Parameters) -> list[Row]:
        """Execute a query; all rows."""


class Database(Protocol):
    """What the store asks of a database."""

    @property
    def label(self) -> str:
        """Where it is, without its secrets."""

    def transaction(self, *, write: bool) -> Any:
        """A context manager that gives a :class:`Connection`. Raises StoreError where there is no way to it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a history is kept: a file, or a database server's URL."""

    path: Path | None
    url: str = ""
    is_brought: bool = False
    """A project that nobody vouches for has brought the file: it is read as it is, and nothing that lies beside it."""

    @property
    def label(self) -> str:
        """What to call it in a message; without user, password and options."""
        if self.path is not None:
            return str(self.path)
        found = _SERVER.fullmatch(self.url)
        return f"postgresql://{found['place']}{found['path'] or ''}" if found else "postgresql://"

    def open(self, patience: float) -> Database:
        """The database itself; ``patience`` is how many seconds to wait for it."""
        if self.path is not None:
            return SqliteDatabase(self.path, patience, self.is_brought)
        return PostgresDatabase(self.url, self.label, patience)


def default_path() -> Path:
    """The history's file where nothing else is set: in the user's state folder.

    Raises:
        StoreError: there is no such folder.
    """
    try:
        return files.state_folder() / "history.db"
    except OSError as error:
        raise StoreError(f"{error.strerror}; name a file or a database with the option history") from error


def parse_address(text: str | None) -> Address | None:
    """Read the value of the ``history`` option: a path, a URL, or nothing at all, which turns the history off (None).

    ``None`` stands for the default path. Raises StoreError for a URL that cannot be meant, or of which it is not
    certain what in it is the password: that would get into messages.
    """
    if text is None:
        return Address(default_path())
    text = text.strip()
    if not text:
        return None
    if "://" not in text:
        if _KEYWORDS.match(text):
            raise StoreError(f"the keywords of libpq are no history: use a path or {_FORM}")
        return Address(Path(os.path.expandvars(text)).expanduser())
    scheme = text.partition("://")[0]
    if scheme == "sqlite":  # sqlite:///relative and sqlite:////absolute, as SQLAlchemy spells them
        return Address(Path(unquote(text.partition(":///")[2])).expanduser())
    if scheme.partition("+")[0] not in {"postgresql", "postgres"}:  # postgresql+psycopg is SQLAlchemy's spelling
        named = f"'{scheme}://'" if _SCHEME.fullmatch(scheme) else "this"
        raise StoreError(f"{named} is no history: use a path, sqlite:/// or postgresql://")
    url = f"postgresql://{text.partition('://')[2]}"
    if not _SERVER.fullmatch(url) or _BAD_PERCENT.search(url):
        raise StoreError(f"the URL of the history is not of the form {_FORM}; write signs such as #?/@[% there as %23")
    return Address(None, url)


_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS"
_HOST = r"(?:[\w.%~-]*|\[[0-9A-Za-z:.%]+\])(?::\d*)?"
_SERVER = expression(
    rf"postgresql://(?:(?P<user>[^/?#@\[\]\s:]*)(?::(?P<password>[^/?#@\[\]\s]*))?@)?"
    rf"(?P<place>{_HOST}(?:,{_HOST})*)(?P<path>/[\w.%~+!$*,-]*)?(?:\?(?P<options>[^@#\s]*))?"
)
"""A URL that can be read in one way only: one @ at most, and none of the signs that end a part but where they do so."""
_SCHEME = expression(r"[A-Za-z][A-Za-z0-9+.-]{0,30}")
_BAD_PERCENT = expression("%(?![0-9A-Fa-f]{2})")
_KEYWORDS = expression(r"(?:host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=")
"""How a connection string of libpq's other form begins."""


def _secrets(url: str) -> set[str]:
    """What in a URL no message may hold, as written and as meant."""
    found = _SERVER.fullmatch(url)
    if found is None:
        return {url}
    options = (part.partition("=") for part in re.split("[&;]", found["options"] or ""))
    raw = {found["password"] or "", *(value for name, _, value in options if "pass" in unquote(name).lower())}
    return {text for each in raw for text in (each, unquote(each)) if text}


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """A SQLite file, readable and writable by its owner alone.

    It keeps the ordinary rollback journal: write-ahead logging would be faster, but not safe on a home folder that
    several controllers mount.
    """

    path: Path
    patience: float
    is_brought: bool = False

    @property
    def label(self) -> str:
        return str(self.path)

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        try:
            target = self._writable() if write else self._readable()
            way, is_uri = self._way_to(target, write)
            with closing(sqlite3.connect(way, timeout=0, isolation_level=None, uri=is_uri)) as connection:
                self._begin(connection, write)
                yield _SqliteConnection(connection)
                self._locked_out(lambda: connection.execute("COMMIT"))
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path}: {error}") from error
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error

    def _readable(self) -> Path:
        if not self.path.is_file():
            raise StoreError(f"{self.path}: no history has been kept here")
        return Path(os.path.realpath(self.path))

    def _writable(self) -> Path:
        """The file itself, which is made if there is none. Raises OSError where it is not ours alone."""
        files.make_folder(self.path.parent)
        files.refuse_shared(self.path.parent)
        target = files.target_of(self.path)
        why = planted(target)
        if why is not None:
            raise files.UnsafePathError(why, self.path)
        # SQLite would make the file with the umask's permissions; its journal takes over those of the file.
        fd = os.open(target, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, files.PRIVATE_FILE)
        try:
            if not files.is_ours(target):
                raise files.UnsafePathError("it is a file of another user", self.path)
            if os.fstat(fd).st_uid == os.geteuid():
                os.fchmod(fd, files.PRIVATE_FILE)
        finally:
            os.close(fd)
        return target

    def _way_to(self, target: Path, write: bool) -> tuple[str, bool]:
        """How SQLite is to open the file, and whether that is a URI.

        It takes what lies beside the file for a part of it: it plays back a journal, and deletes the file that the
        journal names as its super-journal. Where somebody else may have put that there, only the file itself is read.
        """
        if write or (not self.is_brought and planted(target) is None):
            return str(target), False
        return f"{target.as_uri()}?mode=ro&immutable=1", True

    def _begin(self, connection: sqlite3.Connection, write: bool) -> None:
        connection.execute("PRAGMA trusted_schema = OFF")
        self._locked_out(lambda: connection.execute("PRAGMA synchronous = NORMAL"))
        self._locked_out(lambda: connection.execute("BEGIN IMMEDIATE" if write else "BEGIN"))
        if not write:
            # What bears the table's name may be a view of somebody else's that never ends.
            give_up = time.monotonic() + LONGEST_READ
            connection.set_progress_handler(lambda: time.monotonic() > give_up, _STEPS)
            # a deferred transaction takes its lock with the first read
            self._locked_out(lambda: connection.execute("SELECT count(*) FROM sqlite_master"))

    def _locked_out(self, attempt: Callable[[], object]) -> None:
        """Try until the lock is ours. SQLite's own waiting sleeps longer and longer, which starves one of many."""
        give_up = time.monotonic() + self.patience
        while not _succeeds(attempt):
            if time.monotonic() >= give_up:
                raise StoreBusyError(f"{self.path}: locked by another process")
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter


def planted(target: Path) -> str | None:
    """Why what lies beside a SQLite file, or may come to lie there, is not known to be ours; None where it is."""
    if files.lets_others_add(target.parent):
        return f"others may write to {target.parent}, and so beside the file"
    for suffix in ("-wal", "-shm"):  # never kept by us, see SqliteDatabase
        if os.path.lexists(f"{target}{suffix}"):
            return f"{target.name}{suffix} lies beside it, which is none of ours"
    journal = Path(f"{target}-journal")
    if not os.path.lexists(journal):
        return None
    if files.is_private(journal) and not _names_super_journal(journal):
        return None  # of a run of ours that was killed while it wrote
    return f"{journal.name} lies beside it, which is none of ours"


_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
"""How a rollback journal begins, and how one ends that names a super-journal: https://sqlite.org/fileformat2.html."""


def _names_super_journal(journal: Path) -> bool:
    """Whether the journal is one of several, of a transaction over several files; ours are over one."""
    with journal.open("rb") as stream:
        stream.seek(max(stream.seek(0, os.SEEK_END) - len(_JOURNAL_MAGIC), 0))
        return stream.read() == _JOURNAL_MAGIC


def _succeeds(attempt: Callable[[], object]) -> bool:
    """Whether it was done; False where somebody else holds the lock."""
    try:
        attempt()
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            return False
        raise
    return True


@dataclass(frozen=True, slots=True)
class _SqliteConnection:
    connection: sqlite3.Connection

    def run(self, sql: str, rows: Sequence[Parameters]) -> None:
        self.connection.executemany(sql, rows)

    def ask(self, sql: str, parameters: Parameters) -> list[Row]:
        return self.connection.execute(sql, dict(parameters)).fetchall()


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A PostgreSQL server."""

    url: str
    label: str
    patience: float

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        psycopg = import_psycopg(self.label)
        try:
            with psycopg.connect(self.url, connect_timeout=max(2, int(self.patience))) as connection:
                # A server that hangs must not hold a run; nor may a forgotten lock there.
                connection.execute(f"SET LOCAL statement_timeout = {int(self.patience * 1000)}")
                if write:
                    connection.execute(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
                yield _PostgresConnection(connection)
        except psycopg.Error as error:
            said = _first_line(error)
            if any(secret in said for secret in _secrets(self.url)):
                said = type(error).__name__
            raise StoreError(f"{self.label}: {said}") from error


def import_psycopg(label: str) -> Any:
    """The driver, which takes longer to import than everything else here. Raises StoreError where it is absent."""
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StoreError(f"{label}: needs psycopg: install ansible-reap[postgres] beside Ansible") from error
    return psycopg


@dataclass(frozen=True, slots=True)
class _PostgresConnection:
    connection: Any

    def run(self, sql: str, rows: Sequence[Parameters]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(_pyformat(sql), rows)

    def ask(self, sql: str, parameters: Parameters) -> list[Row]:
        return list(self.connection.execute(_pyformat(sql), parameters))


def _pyformat(sql: str) -> str:
    """The statement with its ``:name`` parameters spelled as psycopg wants them."""
    return re.sub(r":(\w+)", r"%(\1)s", sql)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
