"""ASYNC RECAP: what the terminal shows after PLAY RECAP. Pure: it makes lines and chooses their colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from ansible_reap.jobs import JobState, LastSeen
from ansible_reap.records import dataclass
from ansible_reap.runtime.output.report import summary_of_run
from ansible_reap.runtime.policy.consequence import Consequence, judge
from ansible_reap.runtime.policy.options import OnUnreaped, Options, RecapWhen
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin
from ansible_reap.runtime.tracking.wording import age, place
from ansible_reap.wording import duration, short_duration

WIDTH = 80
"""Characters of a line where no terminal says how many it holds."""
_MIN_NAME = 8
_LONGEST_NOTE = 80
_INDENT = "  "
_SEVERAL = 4
"""From so many hosts on, jobs of one task that came to the same are told in one line."""


class Tone(Enum):
    """What a line reports: each has the colour that Ansible's settings give to ok, warnings or errors."""

    GOOD = "ok"
    WARNING = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the recap."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Unwaited:
    """Why no gate has waited for a job that one should have waited for."""

    lost_hosts: frozenset[str] = frozenset()
    """The hosts that have failed or become unreachable."""
    is_cut_short: bool = False
    """The run was interrupted."""

    def reason(self, host: str) -> str:
        """In words, of a job of that host."""
        if self.is_cut_short:
            return "the run was interrupted"
        return "its host failed" if host in self.lost_hosts else "no gate came to it"


def lines(
    jobs: Sequence[JobRecord], options: Options, now: float, width: int = WIDTH, unwaited: Unwaited | None = None
) -> list[Line]:
    """The block below the banner, its lines ``width`` characters long; empty where nothing is to be said."""
    if not jobs or options.recap is RecapWhen.NEVER:
        return []
    shown: list[tuple[JobRecord, Consequence]] = [
        (job, verdict) for job in jobs if (verdict := judge(job, options)) is not Consequence.FINE
    ]
    if options.recap is RecapWhen.ALWAYS:
        shown += [(job, Consequence.FINE) for job in jobs if job.state is JobState.DETACHED]
    elif not shown:
        return []
    why = unwaited or Unwaited()
    groups = _grouped(_row(job, verdict, options, now, why) for job, verdict in shown)
    rows = [_cells(group) for group in groups]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(_COLUMNS)]
    body = [
        Line(text, _TONES[group[0].verdict])
        for row, group in zip(rows, groups, strict=True)
        for text in _joined(row, _named(group), widths, width)
    ]
    worst = max((verdict.value for _, verdict in shown), default=0)
    return [*body, Line(_summary(jobs, options), _TONES[Consequence(worst)])]


_TONES = {Consequence.FINE: Tone.GOOD, Consequence.TOLD: Tone.WARNING, Consequence.FAILS: Tone.ERROR}
_COLUMNS = 5
_WORDS = {JobState.TIMED_OUT: "timed out"}


@dataclass(frozen=True, slots=True)
class _Row:
    """What is told of one job."""

    verdict: Consequence
    state: str
    host: str
    place: str
    jid: str
    seconds: float
    limit_s: int
    task: str
    remark: str

    @property
    def kind(self) -> tuple[object, ...]:
        """What jobs of several hosts must have in common to be told in one line."""
        return self.verdict, self.state, self.place, self.limit_s, self.task, self.remark


def _row(job: JobRecord, verdict: Consequence, options: Options, now: float, unwaited: Unwaited) -> _Row:
    remark = _remark(job, options, now, unwaited)
    if verdict is Consequence.TOLD and options.knows(job.info):
        remark = f"{remark}, known" if remark else ": known"
    info = job.info
    was_killed = job.state is JobState.TIMED_OUT
    return _Row(
        verdict=verdict,
        state=_state(job),
        host=fit(f"{info.host}->{info.delegated_to}" if info.delegated_to else info.host),
        place=fit(place(job)),
        jid=fit(info.jid),
        # When the look found it killed says nothing of how long it ran.
        seconds=float(info.limit_s) if was_killed else age(job, now),
        limit_s=info.limit_s,
        task=shown(f"{info.task} ({info.item})" if info.item else info.task),
        remark=remark,
    )


def _grouped(rows: Iterable[_Row]) -> list[list[_Row]]:
    """The rows, those of one kind together where they are of several hosts; in the order of their first."""
    kinds: dict[tuple[object, ...], list[_Row]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    groups: list[list[_Row]] = []
    for several in kinds.values():
        is_group = len({row.host for row in several}) >= _SEVERAL
        groups += [several] if is_group else [[row] for row in several]
    return groups


def _cells(group: list[_Row]) -> tuple[str, ...]:
    """State, host, place, job id, time; the task, which gets the rest of the line; a remark."""
    first = group[0]
    limit = short_duration(first.limit_s)
    if len(group) == 1:
        return (
            first.state,
            first.host,
            first.place,
            first.jid,
            f"{short_duration(first.seconds)}/{limit}",
            first.task,
            first.remark,
        )
    hosts = _named(group)
    jobs = "1 job each" if len(hosts) == len(group) else f"{len(group)} jobs"
    shortest, longest = (short_duration(choose(row.seconds for row in group)) for choose in (min, max))
    time = f"{longest}/{limit}" if shortest == longest else f"{shortest}-{longest}/{limit}"
    return first.state, f"{len(hosts)} hosts", first.place, jobs, time, first.task, first.remark


def _named(group: list[_Row]) -> list[str]:
    """The hosts that a line of several tells of."""
    return list(dict.fromkeys(row.host for row in group)) if len(group) > 1 else []


def _state(job: JobRecord) -> str:
    if job.origin is Origin.UNCLAIMED:
        return Origin.UNCLAIMED.value
    return "swallowed" if job.swallowed else _WORDS.get(job.state, job.state.value)


def _remark(job: JobRecord, options: Options, now: float, unwaited: Unwaited) -> str:
    if job.origin is Origin.UNCLAIMED:
        return f": {job.last_seen.value}" if job.last_seen else ""
    if job.state is JobState.DETACHED:
        return f": {shown(job.info.site.reason or '')}"
    if job.info.site.empty_reason and job.state is JobState.UNREAPED:
        return ": detached without a reason"
    if job.state is JobState.UNREAPED and job.last_seen is LastSeen.MISSING:
        return ": cleaned up unseen"
    if job.note and job.state in (JobState.LOST, JobState.UNREAPED):
        return f": {shown(job.note, _LONGEST_NOTE)}"
    if job.state is JobState.UNREAPED and options.on_unreaped is OnUnreaped.REAP and job.origin is Origin.RUN:
        return f": not waited for, {unwaited.reason(job.info.host)}"
    if job.state is JobState.TIMED_OUT:
        return f": killed at its limit, seen after {duration(age(job, now))}"
    if job.state is JobState.FAILED and job.rc is not None and not job.info.site.no_log:
        return f": rc {job.rc}"
    return ""


def _joined(row: tuple[str, ...], hosts: list[str], widths: list[int], width: int) -> list[str]:
    """The line of a row; its hosts, where they are several, stand in it or, as far as they fit, in the one below."""
    head = "  ".join(cell.ljust(widest) for cell, widest in zip(row, widths, strict=False))
    name, remark = row[_COLUMNS], row[_COLUMNS + 1]
    names = ", ".join(hosts)
    if hosts and len(f"{head}  {name}{remark}: {names}") <= width:
        return [f"{head}  {name}{remark}: {names}"]
    room = max(width - len(head) - 2 - len(remark), _MIN_NAME)
    line = f"{head}  {name if len(name) <= room else name[: room - 3] + '...'}{remark}"
    return [line, f"{_INDENT}{_first_of(hosts, width - len(_INDENT))}"] if hosts else [line]


def _first_of(hosts: list[str], width: int) -> str:
    """As many of the names as fit, one at least, and how many more there are."""
    text = hosts[0]
    for count, host in enumerate(hosts[1:], 2):
        more = f" and {len(hosts) - count} more" if count < len(hosts) else ""
        if len(f"{text}, {host}{more}") > width:
            return f"{text} and {len(hosts) - count + 1} more"
        text += f", {host}"
    return text


def _summary(jobs: Sequence[JobRecord], options: Options) -> str:
    counts = summary_of_run(jobs, options)
    total = counts.pop("launched")
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    strays = sum(job.origin is Origin.UNCLAIMED for job in jobs)
    if strays:
        parts.append(f"{strays} unclaimed")
    return f"{total} launched: {', '.join(parts)}"
