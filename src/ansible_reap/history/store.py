"""Run times kept: written once at the end of a run, read by ``ansible-reap history``."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ansible_reap import files
from ansible_reap.history.database import (
    Address,
    Connection,
    StoreBusyError,
    StoreError,
    default_path,
    import_psycopg,
)
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.reading import SourceError, parse_json, read
from ansible_reap.records import dataclass

PATIENCE = 1.5
"""Seconds that a run waits for the store at most; with what else it takes, a run loses less than two."""

MAX_AGE = timedelta(days=400)
"""Older run times go: the work, the hosts or the data have changed since."""

MAX_PER_LAUNCH = 5_000
"""Rows kept of one launch, a job each, the newest ones: 25 runs of 200 hosts."""

MAX_WAITING = 100
"""Runs that may wait for a store that is away; then the oldest go."""

MAX_ROWS = 200_000
"""Rows kept in all, some 50 MB."""

LONGEST_TEXT = 10_000
"""Characters of a text of a row that is believed."""

LARGEST = 10**10
"""Numbers of a row above this are not believed; no work takes three hundred years."""

TABLE = "ansible_reap_observations_v1"

_SCHEMA = (
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        run TEXT NOT NULL, job TEXT NOT NULL, project TEXT NOT NULL, place TEXT NOT NULL, task TEXT NOT NULL,
        position INTEGER NOT NULL, host TEXT NOT NULL, outcome TEXT NOT NULL, seconds DOUBLE PRECISION NOT NULL,
        uncertainty DOUBLE PRECISION NOT NULL, time_limit DOUBLE PRECISION NOT NULL, launched TEXT NOT NULL,
        core TEXT NOT NULL, PRIMARY KEY (run, job))""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_launch ON {TABLE} (project, place, task, position, launched)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_age ON {TABLE} (launched)",
)
_COLUMNS = "run, job, project, place, task, position, host, outcome, seconds, uncertainty, time_limit, launched, core"
_INSERT = (
    f"INSERT INTO {TABLE} ({_COLUMNS}) "  # noqa: S608 - constants
    f"VALUES ({', '.join(f':{name}' for name in _COLUMNS.split(', '))}) "
    "ON CONFLICT (run, job) DO UPDATE SET "
    "outcome = excluded.outcome, seconds = excluded.seconds, uncertainty = excluded.uncertainty"
)
_LAUNCH = "project = :project AND place = :place AND task = :task AND position = :position"


@dataclass(frozen=True, slots=True)
class Store:
    """A history at an address. Every call opens it, does one transaction and closes it: nothing stays locked."""

    address: Address
    patience: float = PATIENCE

    def add(self, observations: Sequence[Observation]) -> None:
        """Keep these and prune; of a job that is known already the newer word counts. Raises StoreError."""
        waiting = self._waiting()
        rows = [_to_row(each) for each in observations]
        rows += [row for file in waiting for row in _read_waiting(file)]
        with self.address.open(self.patience).transaction(write=True) as connection:
            _create(connection)
            connection.run(_INSERT, rows)
            launches = {(row["project"], row["place"], row["task"], row["position"]) for row in rows}
            _prune(connection, sorted(launches), datetime.now(timezone.utc) - MAX_AGE)
        for file in waiting:
            file.unlink(missing_ok=True)

    def observations(self, project: str | None = None) -> list[Observation]:
        """All that is kept, of one project or of all, oldest first. Raises StoreError."""
        self._take_in()
        where = "WHERE project = :project" if project is not None else ""
        # More rows than are ever kept are not ours.
        query = f"SELECT {_COLUMNS} FROM {TABLE} {where} ORDER BY launched, run, job LIMIT {2 * MAX_ROWS}"  # noqa: S608
        try:
            with self.address.open(self.patience).transaction(write=False) as connection:
                rows = connection.ask(query, {"project": project} if where else {})
        except StoreError as error:
            if TABLE in str(error):  # the database is there, the table is not: nothing was ever kept
                raise StoreError(f"{self.address.label}: no history has been kept here") from error
            raise
        return [each for each in map(_from_row, rows) if each is not None]

    def prune(self, before: datetime | None = None) -> int:
        """Delete what was launched before that time (default: what is too old) and what is too much; how many went."""
        with self.address.open(self.patience).transaction(write=True) as connection:
            _create(connection)
            had = _count(connection)
            launches = connection.ask(f"SELECT DISTINCT project, place, task, position FROM {TABLE}", {})  # noqa: S608
            _prune(connection, launches, before or datetime.now(timezone.utc) - MAX_AGE)
            return had - _count(connection)

    def forget(self, launches: Iterable[tuple[str, Identity]]) -> int:
        """Delete all that is known of these launches, each a project and an identity; how many rows went."""
        with self.address.open(self.patience).transaction(write=True) as connection:
            _create(connection)
            had = _count(connection)
            for project, launch in launches:
                names = {"project": project, "place": launch.where, "task": launch.task, "position": launch.position}
                _delete(connection, _LAUNCH, **names)
            return had - _count(connection)

    def set_aside(self, observations: Sequence[Observation]) -> None:
        """Keep these in a file of their own, for the next run that can open the store. Raises StoreError."""
        folder = self._waiting_room()
        name = f"{observations[0].run.replace(':', '')}-{os.getpid()}"
        try:
            files.make_folder(folder)
            files.refuse_shared(folder)
            for oldest in self._waiting()[: -MAX_WAITING + 1]:
                oldest.unlink(missing_ok=True)
            files.write(folder / f"{name}.json", json.dumps([_to_row(each) for each in observations]))
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror or error}") from error

    def _waiting_room(self) -> Path:
        """The folder in which runs that could not get at the store leave what they measured."""
        path = self.address.path
        if path is None:
            digest = hashlib.sha256(self.address.label.encode()).hexdigest()[:12]
            path = default_path().with_name(f"server-{digest}")
        return path.with_name(f"{path.name}.waiting")

    def _waiting(self) -> list[Path]:
        """The files in the waiting room, oldest first; none of another user, who may have made the room."""
        room = self._waiting_room()
        if not files.is_ours(room) or files.shared_folder(room) is not None:
            return []
        return [file for file in sorted(room.glob("*.json")) if files.is_ours(file)]

    def _take_in(self) -> None:
        if not self.address.is_brought and self._waiting():
            with suppress(StoreError):
                self.add(())


def keep(observations: Sequence[Observation], address: Address, patience: float = PATIENCE) -> str | None:
    """Write a run's observations; never takes much longer than ``patience`` and never raises.

    Returns what to warn of in one line, or None. The writing is done in a thread of its own: a name server or a
    network file system can hang in ways that no timeout of a driver covers.
    """
    if not observations:
        return None
    store = Store(address, patience)
    give_up = time.monotonic() + patience + 0.3  # on a busy machine the import alone takes long
    try:
        if address.path is None:
            import_psycopg(address.label)  # here, for a thread that is given up must not be left in an import
        outcome: list[Exception | None] = []
        thread = threading.Thread(target=lambda: outcome.append(_add(store, observations)), daemon=True)
        thread.start()
        thread.join(max(give_up - time.monotonic(), 0.2))
        problem = outcome[0] if outcome else StoreBusyError(f"{address.label}: does not answer")
        if problem is None:
            return None
        if address.path is not None and not isinstance(problem, StoreBusyError):
            return f"history: {problem}; the run times of this run are not kept"
        store.set_aside(observations)
    except StoreError as error:
        return f"history: {error}; the run times of this run are not kept"
    if address.path is not None:
        return None  # somebody held the lock for long; the next run writes ours too
    return f"history: {problem}; the run times of this run wait here until a later run reaches it"


def _add(store: Store, observations: Sequence[Observation]) -> Exception | None:
    try:
        store.add(observations)
    except StoreError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever a driver does, the run goes on
        return StoreError(f"{store.address.label}: {type(error).__name__}")
    return None


def _create(connection: Connection) -> None:
    for statement in _SCHEMA:
        connection.run(statement, [{}])


def _prune(connection: Connection, launches: Iterable[Sequence[object]], before: datetime) -> None:
    _delete(connection, "launched < :before", before=_stamp(before))
    for project, place, task, position in launches:
        names = {"project": project, "place": place, "task": task, "position": position}
        _delete_beyond(connection, _LAUNCH, MAX_PER_LAUNCH, **names)
    _delete_beyond(connection, "1 = 1", MAX_ROWS)


def _delete_beyond(connection: Connection, which: str, count: int, **names: object) -> None:
    """Of the rows that ``which`` names, delete those older than the newest ``count``."""
    query = f"SELECT launched FROM {TABLE} WHERE {which} ORDER BY launched DESC LIMIT 1 OFFSET :count"  # noqa: S608
    if oldest := connection.ask(query, {**names, "count": count - 1}):
        _delete(connection, f"{which} AND launched < :before", before=oldest[0][0], **names)


def _delete(connection: Connection, which: str, **names: object) -> None:
    connection.run(f"DELETE FROM {TABLE} WHERE {which}", [names])  # noqa: S608 - constants


def _count(connection: Connection) -> int:
    return int(connection.ask(f"SELECT count(*) FROM {TABLE}", {})[0][0])  # noqa: S608 - constants


def _stamp(when: datetime) -> str:
    """Sorts as text and is read by people and by both databases."""
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _to_row(each: Observation) -> dict[str, object]:
    return {
        "run": each.run,
        "job": each.job,
        "project": each.project,
        "place": each.identity.where,
        "task": each.identity.task,
        "position": each.identity.position,
        "host": each.host,
        "outcome": each.outcome.value,
        "seconds": each.seconds,
        "uncertainty": each.uncertainty,
        "time_limit": each.limit,
        "launched": _stamp(each.launched),
        "core": each.core,
    }


def _from_row(row: Sequence[Any]) -> Observation | None:
    """What a row holds; None where it is none that a run has written: others may write to the database."""
    run, job, project, place, task, position, host, outcome, seconds, uncertainty, limit, launched, core = row
    texts, numbers = (run, job, project, place, task, host, launched, core), (position, seconds, uncertainty, limit)
    if not all(isinstance(text, str) and len(text) <= LONGEST_TEXT for text in texts):
        return None
    if not all(isinstance(number, int | float) and 0 <= number <= LARGEST for number in numbers):
        return None
    try:
        return Observation(
            run=run,
            job=job,
            project=project,
            identity=Identity(place, task, int(position)),
            host=host,
            outcome=Ending(outcome),
            seconds=seconds,
            uncertainty=uncertainty,
            limit=limit,
            launched=datetime.strptime(launched, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc),
            core=core,
        )
    except ValueError:
        return None


def _read_waiting(file: Path) -> Iterator[dict[str, object]]:
    """The rows of a file set aside; one that cannot be read is left out, and goes with the rest."""
    with suppress(SourceError, TypeError):
        for row in parse_json(read(file)):
            if set(row) == set(_COLUMNS.split(", ")):
                yield row
