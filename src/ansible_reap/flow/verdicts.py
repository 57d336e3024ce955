"""Launches matched to reaps: what becomes of the jobs of one launch in one context."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from ansible_reap.content.host_groups import HostGroups
from ansible_reap.content.model import Task
from ansible_reap.flow import doubts
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.booleans import taken_as_booleans
from ansible_reap.flow.evaluation.formulas import (
    MAX_ATOMS,
    Atom,
    Formula,
    atoms,
    conj,
    decided,
    disj,
    implies,
    is_decidable,
    refuting,
    relaxed,
    satisfiable,
    without_choices,
)
from ansible_reap.flow.evaluation.host_sets import NOT_KNOWN, joined
from ansible_reap.flow.evaluation.values import EACH
from ansible_reap.flow.walk import alterations
from ansible_reap.flow.walk.alterations import UNSETTLED
from ansible_reap.flow.walk.hosts import OF_HOSTS, OF_PLAY, HostOverlap, by_inventories, overlap, reached
from ansible_reap.flow.walk.other_values import OVERRIDDEN
from ansible_reap.flow.walk.record import Cover, Instance, Record
from ansible_reap.flow.walk.relevance import MAX_ASIDE
from ansible_reap.flow.walk.state import Frame, is_yes
from ansible_reap.flow.walk.tags import TAG_OPTION
from ansible_reap.flow.walk.visit import HOSTS_OF_PLAY
from ansible_reap.flow.walk.walk import FAILED
from ansible_reap.jobs import CONTROLLER, Verdict
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass, replace

_OF_BATCH = ("ansible_play_batch", "play_hosts")
"""Those of the variables with the hosts of the play that have but the ones of the batch that runs."""
_ASKS_FOR_A_TAG = expression(r"'(?P<tag>[^']*)' in ansible_(?P<list>run|skip)_tags")
TOO_MANY_CONDITIONS = (
    f"a wait under more than {MAX_ATOMS} conditions together with the launch's; give both the same when"
)
TOO_MANY_ASIDE = (
    f"more than {MAX_ASIDE} files that may change its condition without naming a variable of it; wait before they are "
    f"included, or under no condition"
)
OTHER_WAY = "Reached in another way its jobs are waited for, but here"
AGAIN = "The task runs more than once here, as in a loop around it, and not each time its job is waited for."
_GROUP = expression(r"[A-Za-z_]\w*")
_NO = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one launch in one context."""

    instance: Instance
    verdict: Verdict
    sub_tag: str | None = None
    explanation: str = ""
    confidence: str = "high"
    waits: tuple[Task, ...] = ()
    looks: tuple[Task, ...] = ()


def judge(
    written: Instance, record: Record, wait_elsewhere: Callable[[Instance], doubts.WaitElsewhere | None]
) -> Judgement:
    """What becomes of the launch's jobs; why that is unknown is left in the record.

    ``wait_elsewhere`` gives a wait that this walk never came by and that reads the register by name.
    """
    instance = _in_an_ordinary_run(written, record.host_groups)
    if instance.loses_id:
        instance = replace(instance, covers=[])  # whatever waits, it is not told of this job
    waits = [
        cover for cover in instance.covers if cover.kind is ReapKind.WAIT and cover.is_sure and _meets(instance, cover)
    ]
    wait_tasks = _tasks(waits)
    looks = tuple(task for task in _tasks(instance.covers) if task not in wait_tasks)

    def verdict(what: Verdict, tag: str | None = None, text: str = "", confidence: str = "high") -> Judgement:
        return Judgement(written, what, tag, text, confidence, wait_tasks, looks)

    def unknown(found: doubts.Doubt) -> Judgement:
        record.beyond(instance.number, found.place, found.why)
        return verdict(Verdict.UNKNOWN)

    if instance.task.keywords.get("when") is False:
        return verdict(Verdict.REAPED)  # it never runs, so nothing is left behind
    if instance.reaps_itself:
        return verdict(Verdict.REAPED)
    if _all_covered(instance, waits, lambda guard: guard):
        missed = _missed(instance, waits)
        if missed is not None and not instance.is_detached:
            return verdict(Verdict.PARTIAL, "partial", *missed)
        lost = _lost(instance)
        return unknown(lost) if lost is not None else verdict(Verdict.REAPED)
    if instance.detached and _are_others_waited_for(instance, waits):
        return verdict(Verdict.DETACHED)
    if instance.disconnect is not None:
        if instance.disconnect.works_first or instance.disconnect.is_doubtful:
            return unknown(doubts.of_disconnect(instance))
        return verdict(Verdict.REBOOT)
    found = _doubt(instance, record, waits, wait_elsewhere)
    if found is not None:
        return unknown(found)
    if _is_too_much(instance, waits):
        return unknown(doubts.Doubt(waits[0].task.place, TOO_MANY_CONDITIONS))
    waits = [cover for cover in waits if _meets_as_booleans(instance, cover)]
    tag, text, confidence = _fault_without_id(instance) or _fault(instance, waits)
    if instance.detached is not None:
        tag, text, confidence = (
            "reason",
            "The launch is declared detached without a reason, so it is not detached.",
            "high",
        )
    return verdict(Verdict.PARTIAL if waits else Verdict.UNREAPED, tag, text, confidence)


def _are_others_waited_for(instance: Instance, waits: list[Cover]) -> bool:
    """Whether the jobs of a launch that is declared detached are waited for as far as their reason comes to nothing."""
    for index, under in instance.lacks_reason:
        meant = [cover for cover in waits if index is None or cover.index in (index, None, EACH)]
        for_it = replace(instance, guard=conj(instance.guard, under), count=1 if index is not None else instance.count)
        if not _all_covered(for_it, [replace(cover, index=None) for cover in meant], lambda guard: guard):
            return False
    return True


def _in_an_ordinary_run(instance: Instance, groups: HostGroups) -> Instance:
    """The launch and its reaps with what is settled by how a run is started, and by where the launch runs.

    No tag is asked for, unless the launch itself needs one; a launch with ``run_once`` is on the first host.
    """

    first_host = _first_host(instance.frame)

    def settle(atom: Atom) -> bool | None:
        if atom.text.startswith(TAG_OPTION):
            return False
        asked = _ASKS_FOR_A_TAG.fullmatch(atom.text)
        if asked:
            return asked["list"] == "run" and asked["tag"] == "all"
        if (
            atom.text.startswith(FAILED)
            and atom.text.endswith(f" {instance.task.place}")
            and _fails_without_job(instance)
        ):
            return False
        if atom.text.startswith(HOSTS_OF_PLAY):
            return True if atom.text == f"{HOSTS_OF_PLAY}{instance.frame.play}" else None
        return True if instance.runs_once and atom.text in first_host else None

    guard = decided(instance.guard, settle)
    if not instance.never_runs and not satisfiable(guard):
        return instance
    covers = [replace(cover, guard=decided(_on_its_own_play(cover), settle)) for cover in instance.covers]
    settled = replace(instance, guard=guard)
    return replace(settled, covers=[_on_its_hosts(settled, cover, groups) for cover in _read_together(covers)])


def _first_host(frame: Frame) -> frozenset[str]:
    """Conditions that hold on the host on which a task with ``run_once`` runs and nowhere else.

    That is the first host of each batch. The other variables have all hosts of the play, in the inventory's order
    whatever its ``order`` says (ansible-core 2.16 and 2.22).
    """
    is_whole = frame.keywords.get("serial") is None and frame.keywords.get("order") is None
    lists = [*OF_PLAY] if is_whole else [*_OF_BATCH]
    hosts = frame.hosts or ""
    if is_whole and _GROUP.fullmatch(hosts):
        lists.append(f"groups.{hosts}")
    texts = (
        (
            " == ".join(sorted((f"{each}[0]", "inventory_hostname"))),
            f"Call({each}.index, inventory_hostname) == 0",
            f"inventory_hostname in {each}[Slice(, 1, )]",
        )
        for each in lists
    )
    return frozenset(itertools.chain.from_iterable(texts))


def _on_its_own_play(cover: Cover) -> Formula:
    """The reap's condition on the hosts of its own play: what a task of that play registers is what it reads there."""
    if cover.hosts is None:
        return cover.guard
    own = f"{HOSTS_OF_PLAY}{cover.hosts.play}"
    return decided(cover.guard, lambda atom: True if atom.text == own else None)


def _read_together(covers: list[Cover]) -> list[Cover]:
    """The reaps, each with the hosts that all those read which are run under the same condition."""
    found: list[Cover] = []
    for cover in covers:
        read = cover.read
        if read is not None and read.lacks is not None:
            for other in covers:
                is_beside = (other.kind, other.guard, other.index) == (cover.kind, cover.guard, cover.index)
                if is_beside and other.read is not None and other.read.lacks is not None and other.is_sure:
                    is_another = bool(read.lacks) and other.task is not cover.task  # what the one lacks it may have
                    read = NOT_KNOWN if is_another else joined(read, other.read)
        found.append(cover if read is cover.read else replace(cover, read=read))
    return found


def _fails_without_job(instance: Instance) -> bool:
    """Whether the launch can fail only by starting no job: not after some items, nor by a condition of its own."""
    return not instance.is_looped and not {"failed_when", "changed_when", "until"} & set(instance.task.keywords)


def _on_its_hosts(instance: Instance, cover: Cover, groups: HostGroups) -> Cover:
    """The reap as far as it reaches the hosts on which the jobs were launched: a later play may have others."""
    frame = instance.frame
    for where in (_hosts_waited_for(instance, cover), _hosts_read(instance, cover)):
        if where is HostOverlap.SOME and not _is_with_others(instance, cover):
            return replace(cover, is_partial=True)
        if where is not HostOverlap.ALL:
            return replace(cover, is_sure=False)
    if instance.runs_once:
        return cover
    found = by_inventories(overlap(frame.where, cover.hosts), frame.where, cover.hosts, groups)
    if found is HostOverlap.SOME:
        return replace(cover, is_partial=True)
    return replace(cover, is_sure=False) if found is HostOverlap.UNCLEAR else cover


def _is_with_others(instance: Instance, cover: Cover) -> bool:
    """Whether some waits look at each host's own job and some read those of other hosts: together they may be all."""
    waits = [each for each in instance.covers if each.kind is ReapKind.WAIT]
    return any((each.read is None) is not (cover.read is None) for each in waits)


def _hosts_waited_for(instance: Instance, cover: Cover) -> HostOverlap:
    """For which of the launch's hosts a reap with ``run_once`` waits: for the job of the play's first host alone.

    Each host's register holds its own job (ansible-core 2.16 and 2.22).
    """
    once, frame = cover.run_once, instance.frame
    if instance.runs_once or once in (None, False, instance.run_once) or str(once).strip().lower() in _NO:
        return HostOverlap.ALL
    if frame.hosts in CONTROLLER or str(frame.keywords.get("serial")) == "1":
        return HostOverlap.ALL
    chosen = {atom.text for atom in atoms(instance.guard)}
    if chosen & _first_host(frame):
        return HostOverlap.ALL
    picks = any(word in text for text in chosen for word in OF_HOSTS)
    if frame.hosts is None or "{" in frame.hosts or frame.hosts.endswith("]") or picks or not is_yes(once):
        return HostOverlap.UNCLEAR
    return HostOverlap.SOME


def _hosts_read(instance: Instance, cover: Cover) -> HostOverlap:
    """For which of the launch's hosts a reap waits that reads the job ids of some through ``hostvars``."""
    if cover.read is None or instance.runs_once:
        return HostOverlap.ALL
    found = reached(instance.frame.where, cover.read, cover.given)
    asked = [atom.text for atom in atoms(instance.guard)]
    if found is HostOverlap.ALL or not asked:
        return found
    picks = " ".join(text for text in asked if any(word in text for word in OF_HOSTS))
    named = [each.partition("[")[0] for each in (*cover.read.patterns, *cover.read.names)]
    is_picked = cover.read.lacks is False and bool(named) and all(each in picks for each in named)
    return HostOverlap.ALL if is_picked else HostOverlap.UNCLEAR


def _missed(instance: Instance, waits: list[Cover]) -> tuple[str, str] | None:
    """Why jobs are missed by waits that seem to be for all of them, and how sure that is."""
    name = instance.register or "this launch"
    if instance.starts_again:
        text = (
            f"A job that has just started does not meet the launch's own until, so each of its tries starts one more "
            f"job, and {name} tells of the last one only."
        )
        return text, "high"
    stop = instance.stopped_at
    earlier = list(itertools.takewhile(lambda cover: cover.task is not stop, waits))
    if stop is not None and not _all_covered(instance, earlier, lambda guard: guard):
        text = (
            f"An item that the launch skips has no job id, and {stop.place} fails there: "
            f"up to ansible-core 2.18 it then waits for none of the items after it."
        )
        return text, "medium"
    return None


def _tasks(covers: Iterable[Cover]) -> tuple[Task, ...]:
    return tuple(dict.fromkeys(cover.task for cover in covers))


def _meets(instance: Instance, cover: Cover) -> bool:
    """Whether launch and reap can happen in one run at all."""
    return instance.never_runs or satisfiable(conj(instance.guard, cover.guard))


def _meets_as_booleans(instance: Instance, cover: Cover) -> bool:
    """Whether they can where what is asked for as a truth is one: ``x`` and ``x is not true`` hold for odd texts."""
    return instance.never_runs or satisfiable(taken_as_booleans(conj(instance.guard, cover.guard)))


def _all_covered(instance: Instance, covers: list[Cover], granted: Callable[[Formula], Formula]) -> bool:
    """Whether each job is waited for wherever it is launched."""
    if not covers:
        return False
    numbers: Iterable[int | None] = (None,) if instance.count in (None, 1) else range(instance.count)
    if instance.leaves_out:
        numbers = [number for number in numbers if number not in instance.leaves_out]
    for number in numbers:
        guards = [
            granted(relaxed(cover.guard, instance.number))
            for cover in covers
            if not cover.is_partial and (number is None or cover.index in (number, None, EACH))
        ]
        if instance.never_runs and guards:
            continue  # neither runs here: only whether they belong together counts
        if not guards or not _implies(instance, disj(*guards), granted):
            return False
    return True


def _implies(instance: Instance, waited: Formula, granted: Callable[[Formula], Formula]) -> bool:
    """Whether a wait is reached wherever there is a job of the launch."""
    if implies(granted(instance.guard), waited):
        return True
    is_asked = instance.holds is not True and not set(atoms(instance.holds)).isdisjoint(atoms(waited))
    return is_asked and implies(granted(conj(instance.guard, instance.holds)), waited)


def _lost(instance: Instance) -> doubts.Doubt | None:
    """Why it cannot be said of a launch that is waited for that all its jobs are."""
    if instance.past_aside is not None:
        return doubts.Doubt(instance.past_aside, TOO_MANY_ASIDE)
    if instance.starts_again is None:
        return doubts.of_tries(instance)
    if instance.loses_id is None:
        return doubts.of_lost_id(instance)
    return doubts.of_encrypted(instance)


def _doubt(
    instance: Instance,
    record: Record,
    waits: list[Cover],
    wait_elsewhere: Callable[[Instance], doubts.WaitElsewhere | None],
) -> doubts.Doubt | None:
    """Why nothing can be said of a launch that is not known to be waited for; None where something can."""
    if instance.number in record.cut_short:
        return doubts.of_error(instance)
    found = doubts.of_launch(instance)
    if found is not None:
        return found
    possible = [cover for cover in instance.covers if cover.kind is ReapKind.WAIT]
    unsure = next((cover for cover in possible if not cover.is_sure and _meets(instance, cover)), None)
    if unsure is not None:
        return doubts.of_early_end(unsure.task) if unsure.may_hold_early else doubts.of_unsure_wait(unsure.task)
    perhaps = refuting(instance.guard, lambda atom: atom.text.startswith(UNSETTLED))
    every = [cover for cover in possible if cover.is_sure]
    if _all_covered(replace(instance, guard=perhaps), every, without_choices):
        return doubts.of_conditions(every[0].task)
    as_truths = replace(instance, guard=taken_as_booleans(instance.guard))
    if _all_covered(as_truths, every, lambda guard: taken_as_booleans(without_choices(guard))):
        return doubts.of_booleans(every[0].task)
    by_default = _waits_by_default(instance, every)
    if by_default is not None:
        return doubts.of_conditions(by_default)
    other = None if waits else wait_elsewhere(instance)
    return doubts.of_wait_elsewhere(other, instance.register) if other is not None else None


def _waits_by_default(instance: Instance, covers: list[Cover]) -> Task | None:
    """A wait for every job where nobody sets variables otherwise, though not where they do, for all that is known.

    A variable that both ask for is a call's own at the one and a setting at the other: who sets it for all sets it
    for both.
    """
    mixed = [cover for cover in covers if _share_a_variable(instance, cover)]
    by_default = [replace(cover, guard=cover.by_default) for cover in mixed]
    launched = replace(instance, guard=taken_as_booleans(instance.by_default))
    is_all = instance.cut_off_by is None and _all_covered(
        launched, by_default, lambda guard: taken_as_booleans(without_choices(guard))
    )
    return mixed[0].task if is_all else None


def _share_a_variable(instance: Instance, cover: Cover) -> bool:
    """Whether launch and wait ask for one variable that decides itself at the one and is left open at the other."""
    here, there = (alterations.words_of(atoms(guard)) for guard in (instance.guard, cover.guard))
    return not (here ^ there).isdisjoint(instance.asks & cover.asks)


def _is_too_much(instance: Instance, waits: list[Cover]) -> bool:
    """Whether it cannot be told if the waits that may be for every job cover the launch: too many conditions."""
    whole = [cover for cover in waits if not cover.is_partial and cover.index in (None, EACH)]
    covered = disj(*(relaxed(cover.guard, instance.number) for cover in whole))
    return bool(whole) and not is_decidable(instance.guard, covered)


def _fault_without_id(instance: Instance) -> tuple[str, str, str] | None:
    """The same as of ``_fault`` for a launch whose job id nobody is told; None for another."""
    if not instance.loses_id:
        return None
    jobs = "jobs" if instance.is_looped else "job"
    text = f"With poll null Ansible starts the {jobs}, then fails and gives no job id: nothing can wait."
    return "never" if instance.register else "unregistered", text, "high"


def _fault(instance: Instance, waits: list[Cover]) -> tuple[str, str, str]:
    """The sub-tag, the explanation and the confidence for a launch that is not reaped, or not wholly."""
    name = instance.register or "this launch"
    jobs = "jobs" if instance.is_looped else "job"
    fewer = [cover for cover in waits if _on_fewer_hosts(instance, cover)]
    if waits and len(fewer) == len(waits):
        text = (
            f"The {jobs} of {name} {'run' if instance.is_looped else 'runs'} on {instance.frame.hosts}, but the play "
            f"of {_first(waits)} is on {fewer[0].hosts.pattern if fewer[0].hosts else 'other hosts'} alone."
        )
        return "partial", text, "high"
    once = [cover for cover in waits if _hosts_waited_for(instance, cover) is HostOverlap.SOME]
    if waits and len(once) == len(waits):
        text = (
            f"The {jobs} of {name} {'run' if instance.is_looped else 'runs'} on every host of the play, but "
            f"{_of_first_host(waits[0])}."
        )
        return "partial", text, "medium"
    read = [cover for cover in waits if _hosts_read(instance, cover) is HostOverlap.SOME]
    if waits and len(read) == len(waits):
        text = (
            f"The {jobs} of {name} {'run' if instance.is_looped else 'runs'} on {instance.frame.hosts}, but "
            f"{_first(waits)} reads the ids of some of these hosts alone."
        )
        return "partial", text, "medium"
    if waits and all(cover.is_partial or cover.index not in (None, EACH) for cover in waits):
        return (
            "partial",
            f"Only some of the jobs of {name} are waited for: {_first(waits)} picks single results.",
            "high",
        )
    if waits and instance.cleaned:
        first = instance.cleaned[0].task.place
        return "partial", f"{first} may delete the status file of {name} before {_first(waits)} looks for it.", "medium"
    if waits:
        why = "waits only under a condition that the launch does not have"
        others = _set_otherwise(instance, waits)
        if others:
            why = f"asks for {others}, which has another value there than at the launch"
        text = (
            f"The {jobs} of {name} {'are' if instance.is_looped else 'is'} not waited for on every path: "
            f"{_first(waits)} {why}."
        )
        return "partial", text, "medium"
    seen = instance.covers if instance.cut_off_by is None else []  # else none of them is at fault
    late = [cover for cover in seen if cover.kind is ReapKind.WAIT and cover.guard is False]
    if instance.cleaned and late:
        return "peek", f"The status file of {name} is deleted before {_first(late)} waits.", "high"
    sure = [cover for cover in seen if cover.is_sure and cover.kind is not ReapKind.WAIT]
    if sure and all(cover.kind is ReapKind.CLEANUP for cover in sure):
        return (
            "peek",
            f"{_first(sure)} deletes the status file of {name}, which neither waits nor collects a result.",
            "high",
        )
    if sure:
        look = next(cover for cover in sure if cover.kind is not ReapKind.CLEANUP)
        text = f"{_first([look])} looks at the {jobs} of {name} without waiting: a running job passes for a success."
        return "peek", text, "high"
    if instance.overwritten is not None:
        what = "The task runs again and" if instance.overwritten is instance.task else str(instance.overwritten.place)
        even = " A task that is skipped sets its register too." if _may_be_skipped(instance.overwritten) else ""
        text = f"{what} overwrites the register {name} before anything waits for its {jobs}.{even}"
        return "overwritten", text, "high"
    if instance.register is None:
        return "unregistered", f"Nothing is registered, so no task can wait for the {jobs} or see a failure.", "high"
    text = f"Nothing waits for the {jobs} of {name}."
    if instance.cut_off_by is not None:
        text = f"Nothing waits for the {jobs} of {name}: {instance.cut_off_by.place} fails before a wait is reached."
    return "never", text, "high"


def _set_otherwise(instance: Instance, waits: list[Cover]) -> str | None:
    """The variables whose differing values in two scopes are all that keeps the waits from being for every job."""

    def as_one(formula: Formula) -> Formula:
        return decided(formula, lambda atom: True if atom.text.startswith(OVERRIDDEN) else None)

    texts = sorted({atom.text for cover in waits for atom in atoms(cover.guard) if atom.text.startswith(OVERRIDDEN)})
    is_all = texts and _all_covered(replace(instance, guard=as_one(instance.guard)), waits, as_one)
    return texts[0].removeprefix(OVERRIDDEN) if is_all else None


def _of_first_host(wait: Cover) -> str:
    if is_yes(wait.task.inherited("run_once")):
        return f"{wait.task.place} has run_once: it waits on the first host alone"
    return f"{wait.task.place} waits for the job of the first host alone"


def _may_be_skipped(task: Task) -> bool:
    return "when" in task.keywords or any("when" in block.keywords for block in task.enclosing())


def _on_fewer_hosts(instance: Instance, cover: Cover) -> bool:
    return not instance.runs_once and overlap(instance.frame.where, cover.hosts) is HostOverlap.SOME


def _first(covers: list[Cover]) -> str:
    return str(covers[0].task.place)


def merged(judgements: list[Judgement]) -> Judgement:
    """One verdict for a launch that is reached in several ways; the judgement returned is the one at fault."""
    judgements = [each for each in judgements if not each.instance.never_runs] or judgements
    first = judgements[0]
    verdicts = {judgement.verdict for judgement in judgements}
    if len(verdicts) == 1 and first.verdict is not Verdict.PARTIAL:
        return _to_the_point(first, judgements)
    faulty = [each for each in judgements if each.verdict in (Verdict.UNREAPED, Verdict.PARTIAL)]
    good = [each for each in judgements if each.verdict is Verdict.REAPED]
    if faulty:
        worst = next((each for each in faulty if each.verdict is Verdict.UNREAPED), faulty[0])
        waits = tuple(dict.fromkeys(task for each in judgements for task in each.waits))
        is_doubtful = Verdict.UNKNOWN in verdicts and Verdict.PARTIAL not in verdicts
        if not good and is_doubtful and worst.sub_tag not in ("unregistered", "reason"):
            return next(each for each in judgements if each.verdict is Verdict.UNKNOWN)
        if not waits and not good:
            return _to_the_point(worst, judgements)
        tag = worst.sub_tag if worst.sub_tag in ("partial", "overwritten", "peek", "reason") else "partial"
        text = worst.explanation
        if worst.verdict is Verdict.UNREAPED and good and worst.sub_tag != "overwritten":
            is_again = any(each.instance.frame.via == worst.instance.frame.via for each in good)
            text = AGAIN if is_again else f"{OTHER_WAY}: {text[:1].lower()}{text[1:]}"
        return Judgement(
            worst.instance, Verdict.PARTIAL, tag, text, "medium" if good else worst.confidence, waits, worst.looks
        )
    for wanted in (Verdict.REAPED, Verdict.DETACHED, Verdict.REBOOT):
        for each in judgements:
            if each.verdict is wanted:
                return each
    return first


def _to_the_point(found: Judgement, judgements: list[Judgement]) -> Judgement:
    """The judgement to tell: ``never`` rather than ``overwritten``, where different ways to the launch give both."""
    if found.sub_tag != "overwritten":
        return found
    return next((each for each in judgements if each.sub_tag == "never"), found)
