"""What a job must come to: by how it ends, and by what the playbook does about it. Each pair is a cell of the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Cell:
    """How the report must tell of the job, whether its host must fail, and what the last look must have found.

    ``last_seen`` None leaves that open.
    """

    state: str
    seen_by: str | None
    fails: bool
    swallowed: bool = False
    last_seen: str | None = None


Cells: TypeAlias = "dict[tuple[str, str], Cell]"


def _row(end: str, hows: Iterable[str], cell: Cell) -> Cells:
    return {(end, how): cell for how in hows}


CELLS: Cells = {
    **_row("well", ("direct", "loop", "later", "wait", "swallowed"), Cell("reaped", "playbook", fails=False)),
    **_row("well", ("none", "peek"), Cell("unreaped", None, fails=True, last_seen="finished")),
    **_row("well", ("cleanup",), Cell("unreaped", None, fails=True, last_seen="missing")),
    # Still running when the play ends; a reap would have waited for it.
    **_row("running", ("none", "peek"), Cell("unreaped", None, fails=True, last_seen="running")),
    **_row("running", ("cleanup",), Cell("unreaped", None, fails=True, last_seen="missing")),
    **_row("badly", ("direct", "loop", "later", "wait"), Cell("failed", "playbook", fails=True)),
    **_row("badly", ("swallowed", "ignored"), Cell("failed", "playbook", fails=False, swallowed=True)),
    **_row("badly", ("none", "peek"), Cell("failed", "gate", fails=True)),
    **_row("badly", ("cleanup",), Cell("unreaped", None, fails=True, last_seen="missing")),
    **_row("killed", ("direct", "loop", "later", "wait"), Cell("timed_out", "playbook", fails=True)),
    **_row("killed", ("swallowed", "ignored"), Cell("timed_out", "playbook", fails=False, swallowed=True)),
    **_row("killed", ("none", "peek"), Cell("timed_out", "gate", fails=True)),
    **_row("killed", ("cleanup",), Cell("unreaped", None, fails=True, last_seen="missing")),
    # Its status file is gone. A task that fails over that has said so.
    **_row("gone", ("direct", "loop", "later", "wait", "cleanup"), Cell("lost", None, fails=True, last_seen="missing")),
    **_row("gone", ("swallowed", "ignored"), Cell("lost", "gate", fails=False, swallowed=True)),
    **_row("gone", ("none", "peek"), Cell("lost", "gate", fails=True)),
    **_row("detached", ("direct", "loop", "later"), Cell("reaped", "playbook", fails=False)),
    **_row("detached", ("none", "wait", "peek", "cleanup"), Cell("detached", None, fails=False)),
}
"""With the options' defaults."""

REAPED_BY_THE_GATE: Cells = {
    **{cell: CELLS[cell] for cell in CELLS if cell[0] == "detached" and cell[1] in ("none", "direct")},
    **{cell: CELLS[cell] for cell in CELLS if cell[0] in ("well", "badly") and cell[1] in ("direct", "swallowed")},
    **_row("well", ("none", "peek"), Cell("reaped", "gate", fails=False)),
    **_row("running", ("none", "peek"), Cell("reaped", "gate", fails=False)),
    **_row("badly", ("none", "peek"), Cell("failed", "gate", fails=True)),
    **_row("killed", ("none", "peek"), Cell("timed_out", "gate", fails=True)),
    **_row("gone", ("none", "peek"), Cell("lost", "gate", fails=True)),
    # What was cleaned up cannot be waited for.
    **_row("well", ("cleanup",), CELLS["well", "cleanup"]),
    **_row("badly", ("cleanup",), CELLS["badly", "cleanup"]),
}
"""With ``on_unreaped: reap``."""


def without_a_register(cells: Cells) -> Cells:
    """Those that a task without ``register`` can have: nobody but us knows the job's id."""
    return {cell: cells[cell] for cell in cells if cell[1] in ("none", "wait")}
