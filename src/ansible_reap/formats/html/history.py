"""The page of a history: every launch's run times against its limit."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_reap.formats.html.page import attribute, document, plural, text
from ansible_reap.history.estimate import Estimate
from ansible_reap.history.runs import LaunchHistory, MeasuredRun
from ansible_reap.history.wording import level_text, times_text
from ansible_reap.records import dataclass
from ansible_reap.wording import duration

HEADROOM = 2.0
"""What async-timeout asks for by default."""

_CLASSES = {
    "over": "limit reached",
    "tight": f"under {HEADROOM:g} times",
    "fine": "enough headroom",
    "few": "too few runs",
}
_COLUMNS = ("Launch", "Runs", "Median", "P95", "Max", "Bound", "Limit", "Headroom")


@dataclass(frozen=True, slots=True)
class _Launch:
    history: LaunchHistory
    known: Estimate

    @property
    def verdict(self) -> str:
        """A key of _CLASSES."""
        limit, headroom = self.known.limit, self.headroom
        longest = max(self.known.largest or 0.0, self.known.at_least or 0.0)
        if limit and limit <= longest:
            return "over"  # one run that was killed at its limit says so, however few there are
        if not self.known.has_enough or headroom is None:
            return "few"
        return "tight" if headroom < HEADROOM else "fine"

    @property
    def headroom(self) -> float | None:
        return self.known.headroom(self.known.limit) if self.known.limit else None

    @property
    def scale(self) -> float:
        """The time at the right end of its drawing: the limit, unless run times would be too small to tell apart."""
        longest = max((run.time.seconds for run in self.history.runs), default=0.0)
        limit = self.known.limit or 0.0
        far = limit > 5 * longest > 0
        return 1.08 * (2.5 * longest if far else max(limit, longest)) or 1.0


def page(histories: Sequence[LaunchHistory], project: str) -> str:
    """The whole page as text; launches stay in the order given."""
    launches = [_Launch(each, each.estimate) for each in histories]
    runs = sum(each.known.runs for each in launches)
    body = f"""<header><div><p class="kicker">ansible-reap · measured run times</p><h1>{text(project)}</h1>
<p class="facts">{plural(len(launches), "launch", "launches")} · {plural(runs, "run")}</p></div>
<div class="right"><button type="button" id="theme" hidden>Dark</button></div></header>
<main>{_tiles(launches)}{_table(launches)}</main>"""
    return document(f"Run times of {project}", body)


def _tiles(launches: Sequence[_Launch]) -> str:
    verdicts = [each.verdict for each in launches]
    entries = [("", "launches", len(launches)), *((key, word, verdicts.count(key)) for key, word in _CLASSES.items())]
    tiles = "".join(
        f'<button type="button" class="tile {key or "all"}" data-state="{key}" aria-pressed="{str(not key).lower()}"'
        f"{' disabled' if not count else ''}><b>{count:,}</b><span>{word}</span></button>"
        for key, word, count in entries
    )
    return f'<section class="tiles" aria-label="Launches by headroom; press one to see only those">{tiles}</section>'


def _table(launches: Sequence[_Launch]) -> str:
    head = "".join(f'<th scope="col" aria-sort="none">{column}</th>' for column in _COLUMNS)
    head += '<th scope="col" data-fixed>Run times against the limit</th><th scope="col" data-fixed>Run by run</th>'
    rows = "".join(_row(number, each) for number, each in enumerate(launches))
    return f"""<section aria-labelledby="table-title">
<div class="bar-of-tools"><h2 id="table-title">Launches</h2>
<p class="key" aria-hidden="true">{_KEY}</p>
<label class="search" hidden>Search <input type="search" id="search" placeholder="task or file"></label>
<p id="count" role="status" class="note">{plural(len(launches), "launch", "launches")}</p></div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="table-title">
<table data-noun="launch" data-nouns="launches"><thead><tr>{head}</tr></thead>
<tbody>{rows}</tbody></table></div>
<p class="note foot">Each run of the playbook counts once, with its slowest job. The bound is what the next run stays
within, with the probability beside it, if it is like those measured.</p></section>"""


_KEY = (
    '<span><svg><circle class="dot" cx="11" cy="7" r="4"/></svg>a run</span>'
    '<span><svg><circle class="dot cut" cx="11" cy="7" r="4"/></svg>cut off</span>'
    '<span><svg><line class="rule" x1="11" x2="11" y1="1" y2="13"/></svg>median</span>'
    '<span><svg><line class="bound" x1="11" x2="11" y1="1" y2="13"/></svg>bound</span>'
    '<span><svg><line class="cap" x1="11" x2="11" y1="0" y2="14"/></svg>limit</span>'
)


def _row(number: int, launch: _Launch) -> str:
    known, identity = launch.known, launch.history.identity
    nth = f" <span class=item>no. {identity.position + 1}</span>" if identity.position else ""
    host = f"<br>on <bdi>{text(launch.history.host)}</bdi>" if launch.history.host else ""
    cut = f" <span class=faint>({known.censored} cut off)</span>" if known.censored else ""
    figures = "".join(_cell(value) for value in (known.median, known.p95, known.largest))
    headroom = launch.headroom
    shown = "-" if headroom is None else f"{'' if known.bound else '≤ '}{times_text(headroom)}\N{MULTIPLICATION SIGN}"
    return (
        f'<tr id="j{number}" data-state="{launch.verdict}">'
        f"<td {attribute('data-key', f'{identity.task} {identity.where}')}>{text(identity.task)}{nth}"
        f'<span class="where" {attribute("title", identity.where)}>{text(identity.where)}</span>{host}</td>'
        f'<td class="num" data-key="{known.runs}">{known.runs}{cut}</td>{figures}{_bound(known)}{_cell(known.limit)}'
        f'<td class="num" data-key="{-1 if headroom is None else headroom}">'
        f'<span class="headroom {launch.verdict}">{shown}</span>{_advice(launch)}</td>'
        f"<td>{_strip(launch)}</td><td>{_trend(launch)}</td></tr>\n"
    )


def _advice(launch: _Launch) -> str:
    advice = launch.known.advice(HEADROOM) if launch.verdict in {"over", "tight"} else None
    return f"<span class=where>use {advice} s</span>" if advice else ""


def _cell(seconds: float | None) -> str:
    if seconds is None:
        return '<td class="num faint" data-key="-1">-</td>'
    return f'<td class="num" data-key="{seconds}">{text(duration(seconds))}</td>'


def _bound(known: Estimate) -> str:
    if known.bound:
        level = f"<span class=faint>{level_text(known.bound.level)}</span>"
        return f'<td class="num" data-key="{known.bound.seconds}">{text(duration(known.bound.seconds))} {level}</td>'
    if known.at_least is not None:
        return f'<td class="num" data-key="{known.at_least}">at least {text(duration(known.at_least))}</td>'
    return _cell(None)


def _strip(launch: _Launch) -> str:
    """The distribution: a dot a run, with median, bound and limit drawn through."""
    known, scale = launch.known, launch.scale
    parts = ['<line class="rail" x1="0" x2="100%" y1="16" y2="16"/>']
    if known.limit and known.has_enough:
        begin = min(known.needed or known.largest or 0.0, known.limit, scale)
        end = min(known.limit, scale)
        parts.append(
            f'<rect class="room {launch.verdict}" x="{_at(begin, scale)}" y="2" height="28" '
            f'width="{100 * (end - begin) / scale:.2f}%"/>'
        )
    parts += [_dot(number, run, scale) for number, run in enumerate(launch.history.runs)]
    parts += [
        _line("rule", known.median, scale, 4, 28),
        _line("bound", known.bound.seconds if known.bound else None, scale, 2, 30),
        _limit(known.limit, scale),
    ]
    said = f"{plural(known.runs, 'run')}, limit {duration(known.limit)}" if known.limit else plural(known.runs, "run")
    return f'<svg class="strip" role="img" {attribute("aria-label", said)}>{"".join(filter(None, parts))}</svg>'


def _limit(limit: float | None, scale: float) -> str:
    if limit is None:
        return ""
    if limit > scale:
        return f'<text x="100%" y="20" text-anchor="end">limit {text(duration(limit))} →</text>'
    return _line("cap", limit, scale, 0, 32) + _label(limit, scale, f"limit {duration(limit)}")


def _dot(number: int, run: MeasuredRun, scale: float) -> str:
    # Dots of equal times would hide one another: spread them over a few rows, always in the same way.
    height = 16 + (number * 5) % 13 - 6
    cut = " cut" if run.time.is_censored else ""
    title = f"{run.run}: {'over ' if cut else ''}{duration(run.time.seconds)}"
    return (
        f'<circle class="dot{cut}" cx="{_at(run.time.seconds, scale)}" cy="{height}" r="3.5">'
        f"<title>{text(title)}</title></circle>"
    )


def _line(kind: str, seconds: float | None, scale: float, top: int, bottom: int) -> str:
    if seconds is None:
        return ""
    at = _at(seconds, scale)
    return f'<line class="{kind}" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>'


def _label(seconds: float, scale: float, said: str) -> str:
    share = seconds / scale
    anchor = "middle"
    if not 0.1 <= share <= 0.7:
        anchor = "start" if share < 0.1 else "end"
    return f'<text x="{_at(seconds, scale)}" y="42" text-anchor="{anchor}">{text(said)}</text>'


def _at(seconds: float, scale: float) -> str:
    return f"{100 * min(seconds / scale, 1.0):.2f}%"


def _trend(launch: _Launch) -> str:
    """The runs in their order, a column each, so that a slow drift shows."""
    runs, scale = launch.history.runs, launch.scale
    if not runs:
        return ""
    width = min(100 / len(runs), 10.0)
    columns = "".join(
        f'<rect class="column{" cut" if run.time.is_censored else ""}" x="{number * width:.2f}%" '
        f'width="{width * 0.75:.2f}%" y="{40 - 40 * run.time.seconds / scale:.1f}" '
        f'height="{max(40 * run.time.seconds / scale, 0.5):.1f}"/>'
        for number, run in enumerate(runs)
    )
    limit = launch.known.limit
    cap = ""
    if limit is not None and limit <= scale:
        height = f"{40 - 40 * limit / scale:.1f}"
        cap = f'<line class="cap" x1="0" x2="100%" y1="{height}" y2="{height}"/>'
    return f'<svg class="trend" aria-hidden="true">{columns}{cap}</svg>'
