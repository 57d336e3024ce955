"""From what the walks have seen to the Analysis."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping

from ansible_reap.content import expressions
from ansible_reap.content.library import Library
from ansible_reap.content.model import Task, Tasks
from ansible_reap.content.places import is_among_tests
from ansible_reap.flow.analysis import Analysis, AsyncUse, Launch, NotFollowed, Quantity, ReadError, Reap, ReapKind
from ansible_reap.flow.bearers import DEPENDENCY, ROLE, ParametersRead, bearers
from ansible_reap.flow.doubts import WaitElsewhere
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.scalars import numbers
from ansible_reap.flow.evaluation.values import UNKNOWN, Const
from ansible_reap.flow.verdicts import Judgement, judge, merged
from ansible_reap.flow.walk.look_kinds import deletes, is_status, is_wait_action
from ansible_reap.flow.walk.record import Instance, LookRecord, Record, UseRecord
from ansible_reap.flow.walk.shares import is_used_up
from ansible_reap.jobs import Detachment, Verdict
from ansible_reap.records import replace

MAX_WORK = 1_500_000
"""What is done for conditions to judge all launches, as ``bounds.spend`` counts it."""
_HANDING_ON = frozenset({"set_fact", "include_tasks", "import_tasks", "include_role", "import_role"})
"""Modules by which a task gives a value another name."""


def outcome(library: Library, record: Record) -> Analysis:
    """Put everything together, in the order of the files."""
    unwalked = _add_unwalked(library, record)
    reaps = {key: _reap(look, record) for key, look in record.looks.items()}
    elsewhere = _WaitsElsewhere(record, library.playbooks)
    by_task: dict[int, list[Judgement]] = defaultdict(list)
    record.spent_before = bounds.spent()
    for instance, is_cut in zip(record.instances, _past_their_share(record), strict=True):
        judgement = _unjudged(instance, record) if is_cut else _judged(instance, record, elsewhere)
        by_task[id(instance.task)].append(judgement)
    judged = [judgement for judgements in by_task.values() for judgement in judgements]
    readers = _Readers(reaps, library)
    launches = [_launch(judgements, record, reaps, readers) for judgements in by_task.values()]
    behind = [_perhaps_a_launch(use) for use in unwalked if record.first_cut and _may_launch(use)]
    launches += behind
    launches.sort(key=lambda launch: (launch.task.path, launch.task.line))
    by_id = {id(launch.task): launch for launch in launches}
    uses = [_use(use, by_id.get(key)) for key, use in record.uses.items()]
    uses += _beside_tasks(library, record)
    uses.sort(key=lambda use: (use.task.path, use.task.line))
    found = sorted(reaps.values(), key=lambda reap: (reap.task.path, reap.task.line))
    paths = (
        {launch.task.path for launch in launches} | {reap.task.path for reap in found} | {use.task.path for use in uses}
    )
    return Analysis(
        root=str(library.project.root),
        launches=tuple(launches),
        reaps=tuple(found),
        uses=tuple(uses),
        errors=(),
        crashes=tuple(record.crashes),
        cuts=tuple(_cuts(record, judged, is_passed_by=bool(behind))),
        not_followed=tuple(_not_followed(by_task, launches, record)),
        set_elsewhere=frozenset(record.set_on_the_way),
        files=len(library.project.yaml),
        texts={path: library.source(path).decode("utf-8", "replace") for path in sorted(paths)},
        steps={path: _steps(library, path) for path in sorted(paths | _calling(found))},
    )


def _cuts(record: Record, judged: Iterable[Judgement], *, is_passed_by: bool) -> Iterator[ReadError]:
    """What is told of the bounds at which walks have ended: of one walk's own where a launch is unknown for it.

    ``is_passed_by`` says that some were not come by at all.
    """
    unknown = (each.instance.number for each in judged if each.verdict is Verdict.UNKNOWN)
    met = {record.cut_short.get(number) for number in unknown}
    for bound, told in record.cuts.items():
        if is_passed_by or told.path == "." or bound in met:
            yield told


def _calling(reaps: Iterable[Reap]) -> set[str]:
    """The files by way of which the reaps are reached."""
    return {place.rpartition(":")[0] for reap in reaps for way in reap.ways for place in way}


def _not_followed(
    by_task: Mapping[int, list[Judgement]], launches: Iterable[Launch], record: Record
) -> Iterator[NotFollowed]:
    for launch in launches:
        if launch.verdict is not Verdict.UNKNOWN:
            continue
        judgements = by_task.get(id(launch.task))
        if judgements is None:
            met = record.first_cut
        else:
            numbers = (each.instance.number for each in judgements if each.verdict is Verdict.UNKNOWN)
            met = next((record.bounds[number] for number in numbers if number in record.bounds), None)
        if met is not None:
            yield NotFollowed(launch.task.path, launch.task.line, met)


def _steps(library: Library, path: str) -> Tasks:
    return Tasks(step if isinstance(step, Task) else step.as_task() for step in library.content(path).steps())


def _past_their_share(record: Record) -> Iterator[bool]:
    """For one launch after the other, whether judging those of its entry has taken more than may be."""
    starts = list(dict.fromkeys(record.starts))
    for number in range(len(record.instances)):
        entry = bisect_right(starts, number)
        taken = bounds.spent() - record.spent_before
        if number in starts[entry - 1 : entry]:
            before = taken
        yield is_used_up(MAX_WORK, taken, taken - before, len(starts) - entry, len(starts))


def _unjudged(instance: Instance, record: Record) -> Judgement:
    place = instance.task.place
    what = "its share of the time for comparing conditions; check parts of the project"
    bound = ReadError(place.path, place.line, what)
    record.bounds.setdefault(instance.number, bound)
    record.cut(bound, place.path)
    return Judgement(instance, Verdict.UNKNOWN)


def _judged(instance: Instance, record: Record, elsewhere: _WaitsElsewhere) -> Judgement:
    try:
        return judge(instance, record, elsewhere)
    except Exception as error:  # noqa: BLE001 - what we get wrong at one launch hides nothing of the others
        record.crashed(instance.task.path, instance.task.line, error)
        return Judgement(instance, Verdict.UNKNOWN)


class _WaitsElsewhere:
    """A wait that a launch's walk never came by and that reads its register: then nothing certain can be said.

    A wait that is known to be for other jobs wherever it is reached is none of these; one that waits for the same
    task's jobs where another way leads to both is. But what another playbook waits for is of another run, in which this
    job's register does not exist. A playbook among tests may leave out what those that are meant do.
    """

    def __init__(self, record: Record, playbooks: Container[str]) -> None:
        self._record = record
        self._playbooks = playbooks
        self._tasks = {key: look.task for key, look in record.looks.items()}
        self._by_name: dict[str, set[int]] = defaultdict(set)
        for key, look in record.looks.items():
            if look.kind is ReapKind.WAIT and look.is_loose:
                for name in _names_read(look.task):
                    self._by_name[name].add(key)
        self._by_task: dict[int, dict[str | None, set[int]]] = defaultdict(lambda: defaultdict(set))
        for instance in record.instances:
            waits = {id(cover.task): cover.task for cover in instance.covers if cover.kind is ReapKind.WAIT}
            self._tasks.update(waits)
            self._by_task[id(instance.task)][self._playbook(instance)].update(waits)

    def _playbook(self, instance: Instance) -> str | None:
        """The playbook by which the launch was reached; None for what is walked by itself, and among tests."""
        path = instance.frame.via[0].rpartition(":")[0] if instance.frame.via else ""
        return path if path in self._playbooks and not is_among_tests(path) else None

    def _of_its_task(self, instance: Instance) -> set[int]:
        """The waits for jobs of the same task that may be for this launch's too."""
        waits, playbook = self._by_task[id(instance.task)], self._playbook(instance)
        return set().union(*waits.values()) if playbook is None else waits[playbook] | waits[None]

    def __call__(self, instance: Instance) -> WaitElsewhere | None:
        if instance.register is None:
            return None
        seen = self._record.seen_with.get(instance.number, set())
        others = (self._by_name.get(instance.register, set()) | self._of_its_task(instance)) - seen
        if not others:
            return None
        task = min((self._tasks[key] for key in others), key=lambda each: (each.path, each.line))
        look = self._record.looks.get(id(task))
        is_called = look is None or any(len(setting.via) > 1 for setting in look.settings.all())
        return WaitElsewhere(task, is_called)


def _names_read(task: Task) -> frozenset[str]:
    keyword = task.loop_keyword
    written = [task.args, task.keywords.get("vars"), task.keywords.get(keyword) if keyword else None]
    return expressions.names_in(written)


def _add_unwalked(library: Library, record: Record) -> list[UseRecord]:
    """Looks and uses that no walk came by: still said, with what their text tells. Returns the uses."""
    unwalked: list[UseRecord] = []
    for path in (*library.asynchronous, *library.polling):
        for step in library.content(path).steps():
            if not isinstance(step, Task):
                continue
            if (is_status(step) or is_wait_action(step)) and id(step) not in record.looks:
                waits = "until" in step.keywords or is_wait_action(step)
                kind = ReapKind.WAIT if waits else ReapKind.PEEK
                look = LookRecord(step, kind, has_until="until" in step.keywords, is_loose=True)
                record.looks[id(step)] = look
            if ("async" in step.keywords or "poll" in step.keywords) and id(step) not in record.uses:
                use = UseRecord(step)
                use.limit.add_all(_literal(step.keywords.get("async"), 0))
                polls = library.project.settings.default_polls(step.path) if "poll" not in step.keywords else {0}
                for default in polls:
                    use.poll.add_all(_literal(step.keywords.get("poll"), default))
                record.uses[id(step)] = use
                unwalked.append(use)
    return unwalked


def _may_launch(use: UseRecord) -> bool:
    limit, poll = use.limit.quantity(""), use.poll.quantity("")
    return limit.is_open or any(value < 0 or (value > 0 and _may_not_wait(poll)) for value in limit.values)


def _may_not_wait(poll: Quantity) -> bool:
    return poll.is_open or any(value < 1 for value in poll.values)


def _perhaps_a_launch(use: UseRecord) -> Launch:
    """What stands behind a bound and may be a launch."""
    task = use.task
    register, loop = task.keywords.get("register"), task.loop_keyword
    return Launch(
        task=task,
        limit=use.limit.quantity(task.keywords.get("async")),
        poll=use.poll.quantity(task.keywords.get("poll")),
        register=register if isinstance(register, str) else None,
        is_looped=loop is not None,
        verdict=Verdict.UNKNOWN,
        via=(str(task.place),),
    )


def _literal(written: object, default: float) -> tuple[set[float], bool]:
    return numbers(UNKNOWN if expressions.is_template(written) else Const(written), default)


def _reap(look: LookRecord, record: Record) -> Reap:
    retries = look.retries.quantity(look.task.keywords.get("retries"))
    delay = look.delay.quantity(look.task.keywords.get("delay"))
    budget = None
    if look.has_until:
        products = frozenset(a * b for a in retries.values for b in delay.values)
        budget = Quantity(products, retries.is_open or delay.is_open, "")
    settings = look.settings.all()
    others = [(*via, str(look.task.place)) for via in record.more_ways.get(look.task.path, ())]
    return Reap(
        task=look.task,
        kind=look.kind,
        retries=retries if look.has_until else None,
        delay=delay if look.has_until else None,
        budget=budget,
        settings=settings,
        ways=tuple(dict.fromkeys([*(setting.via for setting in settings), *others])),
        misses_results=look.misses_results,
        never_fails=bool(look.never_fails),
        never_holds=bool(look.never_holds),
    )


def _launch(judgements: list[Judgement], record: Record, reaps: dict[int, Reap], readers: _Readers) -> Launch:
    found = _merged(judgements, readers)
    task = found.instance.task
    use = record.uses[id(task)]
    waits = dict.fromkeys(wait for each in judgements for wait in each.waits)
    looks = dict.fromkeys(look for each in judgements for look in each.looks if look not in waits)
    made = {id(each): _reap_for(each, record, reaps) for each in (*waits, *looks)}
    misses_results = any(reap.misses_results for reap in made.values()) or _asked_without_results(found, readers)
    stops_at_an_item = found.instance.stopped_at is not None and found.verdict is Verdict.PARTIAL and bool(waits)
    is_told = found.verdict in (Verdict.UNREAPED, Verdict.PARTIAL) and not (misses_results or stops_at_an_item)
    beside = dict.fromkeys(other for each in judgements for other in each.instance.beside)
    declared = found.instance.detached
    alike = [each for each in judgements if (each.verdict, each.sub_tag) == (found.verdict, found.sub_tag)]
    surest = next((each for each in alike if each.instance.guard is True), found)
    return Launch(
        task=task,
        limit=use.limit.quantity(task.keywords.get("async")),
        poll=use.poll.quantity(task.keywords.get("poll")),
        register=found.instance.register,
        is_looped=found.instance.is_looped,
        verdict=found.verdict,
        sub_tag=found.sub_tag if is_told else None,  # else there is nothing to tell, or async-scope names the cause
        explanation=found.explanation,
        confidence=found.confidence,
        reaps=tuple(made[id(wait)] for wait in waits),
        looks=tuple(made[id(look)] for look in looks),
        settings=use.settings.all(),
        via=(*surest.instance.frame.via, str(task.place)),
        detached=Detachment(declared) if declared is not None else None,
        expected=use.expected.quantity("") if use.expected.values or use.expected.is_open else None,
        beside=tuple(beside),
        overwritten=found.instance.overwritten,
        cut_off_by=found.instance.cut_off_by if found.sub_tag == "never" else None,
        read_by=tuple(dict.fromkeys(pair for each in judgements for pair in each.instance.read_by.items())),
        fails_at=tuple(dict.fromkeys(task for each in judgements for task in each.instance.fails_at)),
        is_changed=all(each.instance.changed is True for each in judgements),
        runs_handlers=not all(each.instance.misses_handlers for each in judgements),
        fails_at_once=all(each.instance.fails_at_once for each in judgements),
        loses_id=all(each.instance.loses_id is True for each in judgements),
    )


def _merged(judgements: list[Judgement], readers: _Readers) -> Judgement:
    """The judgement on a launch in all ways; that its register is overwritten is no cause where nobody reads it."""
    found = merged(judgements)
    if found.sub_tag != "overwritten" or found.verdict is not Verdict.UNREAPED or readers.read(found.instance):
        return found
    jobs = "jobs" if found.instance.is_looped else "job"
    text = f"Nothing waits for the {jobs} of {found.instance.register}."
    return replace(found, sub_tag="never", explanation=text)


class _Readers:
    """The names that tasks read which look at jobs or hand on what they hold, gathered once for all launches."""

    def __init__(self, reaps: Mapping[int, Reap], library: Library) -> None:
        self._library = library
        self._handed_on: dict[str, set[str]] = {}
        self._waited_for: set[str] = set()
        self.without_results: set[str] = set()
        """Those of looks that miss the results of a loop."""
        for reap in reaps.values():
            names = _names_read(reap.task)
            is_wait = reap.kind is ReapKind.WAIT  # a plain look may be part of one, in a file that calls itself
            self._waited_for |= names if is_wait else expressions.names_in(reap.task.args)
            if reap.misses_results:
                self.without_results |= names

    def read(self, instance: Instance) -> bool:
        """Whether some task waits by the register's name, or hands on what it holds: its own name would help then."""
        path = instance.task.path
        if path not in self._handed_on:
            steps = _steps(self._library, path)
            names = (_names_read(step) for step in steps if step.module in _HANDING_ON)
            self._handed_on[path] = set().union(*names)
        return instance.register in self._waited_for or instance.register in self._handed_on[path]


def _asked_without_results(found: Judgement, readers: _Readers) -> bool:
    if not found.instance.is_looped or found.verdict is not Verdict.UNREAPED:
        return False
    return found.instance.register in readers.without_results


def _reap_for(task: Task, record: Record, reaps: dict[int, Reap]) -> Reap:
    """The reap that stands for a task; one that is no ``async_status`` waits in its own way, or deletes the file."""
    known = reaps.get(id(task))
    if known is None:
        kind = ReapKind.CLEANUP if deletes(task) else ReapKind.WAIT
        known = reaps[id(task)] = _reap(LookRecord(task, kind), record)
    return known


def _use(use: UseRecord, launch: Launch | None) -> AsyncUse:
    task = use.task
    return AsyncUse(
        task=task,
        limit=use.limit.quantity(task.keywords["async"]) if "async" in task.keywords else None,
        poll=use.poll.quantity(task.keywords["poll"]) if "poll" in task.keywords else None,
        settings=use.settings.all(),
        launch=launch,
    )


def _beside_tasks(library: Library, record: Record) -> Iterator[AsyncUse]:
    """``async`` or ``poll`` where no task has it: Ansible ignores it there, or refuses it."""
    read = ParametersRead(library, record.uses.values())
    for path in dict.fromkeys((*library.asynchronous, *library.polling)):
        for bearer in bearers(library.content(path)):
            keywords = bearer.keywords
            yield AsyncUse(
                task=bearer,
                limit=_quantity(keywords["async"]) if "async" in keywords else None,
                poll=_quantity(keywords["poll"]) if "poll" in keywords else None,
                is_read=bearer.module in (ROLE, DEPENDENCY) and read.has(bearer),
            )


def _quantity(written: object) -> Quantity:
    values, is_open = _literal(written, 0)
    return Quantity(frozenset(values), is_open, str(written))
