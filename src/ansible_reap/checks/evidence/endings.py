"""Later tasks that end the work of a launch on purpose: in its own file, or in a file beside it.

A task counts where something ties it to the launch: the launch's pid file, a word of its command line, the name of its
container, or, between files called ``x_start`` and ``x_stop``, their names.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.neighbours import ENDING_PROGRAMS, play_of, tasks_after
from ansible_reap.checks.evidence.project_files import tasks_in
from ansible_reap.checks.support import constant
from ansible_reap.content.model import Place, Task, Tasks, as_list
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import TaskBlock, read_content
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression
from ansible_reap.reading import SourceError, read
from ansible_reap.remembered import for_one_check
from ansible_reap.shell.names import SERVICE_MODULES
from ansible_reap.wording import shortened


class EndingTask(NamedTuple):
    """A task that ends the work."""

    task: Task
    how: str
    """As in ``kills 'metrics.py'``."""
    is_sure: bool = True
    """Whether it names the launch's work; a handler that the launch notifies may end something else."""


_ENGINES = frozenset({"docker", "podman", "nerdctl"})
_TAKING_AWAY = frozenset({"rm", "stop", "kill"})
_GENERIC = frozenset({"python", "python3", "java", "node", "bash", "root", "sudo", "ruby", "perl", "start", "server"})
"""Words that many command lines hold."""
_PID = expression(
    r"(?:\$!|\$\$|BASHPID)\s*>>?\s*[\"']?(?P<path>(?:\{\{[^{}]*\}\}|[^\s\"';&|{])+)|(?P<file>[^\s\"'=;&|>]+\.pid)\b"
)
_READ = expression(r"\{\{([^}]*)")
_WORD = expression(r"\w+")
_PADDING = expression(r"(?<=\{\{)\s+|\s+(?=\}\})")
_FINDS = frozenset({"pidof", "pgrep", "cat"})
"""Programs that tell a pid: of what they are given the name of, or what a file of that name holds."""
_TIED = expression(r"[\W_]+")
_SHELLS = frozenset({"command", "shell", "raw"})
_STARTING = frozenset({"start", "begin", "launch", "run"})
_STOPPING = frozenset({"stop", "kill", "end", "terminate", "down"})
MAX_FILES = 60
"""Files of a folder that are looked at."""
MAX_SIZE = 200_000
MAX_TASKS = 200
"""Tasks able to end work that are looked at for one launch."""
MAX_KEPT = 64


def of(analysis: Analysis, task: Task) -> EndingTask | None:
    """The first task that ends the launch's work; None where none is known to."""
    text = _text(task)
    if not text:
        return None
    steps = analysis.steps.get(task.path, ())
    able, lines = _in_order(steps)
    first = bisect_right(lines, task.end_line)
    for other in able[first : first + MAX_TASKS]:
        how = _how(other, text, steps)
        if how:
            return EndingTask(other, how)
    register = task.keywords.get("register")
    elsewhere = list(_elsewhere(analysis, task, text))
    named = (each for each in elsewhere if isinstance(register, str) and _names(each.task, register))
    return next(named, elsewhere[0] if elsewhere else None)


def by_handler(analysis: Analysis, task: Task) -> EndingTask | None:
    """The handler that the launch notifies and that ends work; None where none is known to."""
    text = _text(task)
    for other in islice(_notified(analysis, task), MAX_TASKS):
        how = _how(other, text, analysis.steps.get(task.path, ()))
        if how:
            return EndingTask(other, how)
        how = _stops(other)
        if how:
            return EndingTask(other, how, is_sure=False)
    return None


def _notified(analysis: Analysis, task: Task) -> Iterator[Task]:
    """The handlers of the task's file and of its role that hear of it and may end work."""
    written = task.inherited("notify") if constant(task.keywords.get("changed_when")) is not False else None
    if not written:
        return
    topics = {str(each).rpartition(" : ")[2] for each in as_list(written)}
    here = _ending_handlers(analysis.steps.get(task.path, ()))
    yield from _of_topics(here, [(play_of(task), topic) for topic in topics])
    role = task.path.rpartition("/tasks/")[0]
    for path in [f"{role}/handlers/main{ending}" for ending in (".yml", ".yaml")] if role else []:
        yield from _of_topics(_ending_handlers_in(analysis.root, path), topics)


Key = TypeVar("Key", bound=Hashable)


def _of_topics(handlers: Mapping[Key, dict[int, Task]], topics: Iterable[Key]) -> Iterator[Task]:
    """The handlers that listen to one of the topics, each once, in the order of the text."""
    found = [handlers[topic] for topic in topics if topic in handlers]
    merged = found[0] if len(found) == 1 else dict(sorted(item for each in found for item in each.items()))
    yield from merged.values()


@lru_cache(maxsize=MAX_KEPT)
def _ending_handlers(steps: tuple[Task, ...]) -> dict[tuple[Place | None, str], dict[int, Task]]:
    """By the play and each topic the handlers that may end work, by their numbers. Asked for at every launch."""
    found: dict[tuple[Place | None, str], dict[int, Task]] = defaultdict(dict)
    for at, step in enumerate(steps):
        if step.is_handler and _may_end_work(step):
            for topic in (str(step.name), *step.topics):
                found[play_of(step), topic][at] = step
    return dict(found)


@for_one_check(MAX_KEPT)
def _ending_handlers_in(root: str, path: str) -> dict[str, dict[int, Task]]:
    """The same of a file of handlers."""
    found: dict[str, dict[int, Task]] = defaultdict(dict)
    for at, step in enumerate(tasks_in(root, path)[0]):
        if _may_end_work(step):
            for topic in (str(step.name), *step.topics):
                found[topic][at] = step
    return dict(found)


def _may_end_work(task: Task) -> bool:
    """Whether the task may end work of some kind, as far as it says itself."""
    takes_away = any(argv[0] in _ENGINES and _TAKING_AWAY & set(argv[1:3]) for argv in _programs(task))
    return takes_away or _is_container(task) or _stops(task) is not None


@lru_cache(maxsize=work.MAX_KEPT)
def _stops(task: Task) -> str | None:
    """What the task stops, whatever that is."""
    if task.short_name in SERVICE_MODULES or _is_container(task):
        name = shortened(str(task.args.get("name", task.args.get("service", ""))))
        return f"stops '{name}'" if task.args.get("state") in ("stopped", "absent") else None
    if task.module not in _SHELLS:
        return None
    for argv in _programs(task):
        word = next((word for word in argv[1:3] if word in _STOPPING), None)
        if argv[0] in ENDING_PROGRAMS or word:
            return f"ends work ('{argv[0]}{f' {word}' if word else ''}')"
    return None


@lru_cache(maxsize=MAX_KEPT)
def _able_to_end(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    """The tasks that may end work of some kind: few, where launches may be many."""
    return tuple(step for step in steps if _is_able_to_end(step))


@lru_cache(maxsize=MAX_KEPT)
def _in_order(steps: tuple[Task, ...]) -> tuple[list[Task], list[int]]:
    """The tasks that may end work in the order of the text, and the lines in which they begin."""
    ordered = sorted(_able_to_end(steps), key=lambda step: step.line)
    return ordered, [step.line for step in ordered]


def _is_able_to_end(task: Task) -> bool:
    return _is_container(task) or not (ENDING_PROGRAMS | _ENGINES).isdisjoint(work.program_names(task))


def _is_container(task: Task) -> bool:
    return task.module.rpartition(".")[2] in ("docker_container", "podman_container")


def _elsewhere(analysis: Analysis, task: Task, text: str) -> Iterator[EndingTask]:
    """The tasks of the files beside the launch's that end its work."""
    folder, _, name = task.path.rpartition("/")
    of_launch = analysis.steps.get(task.path, ())
    for path, steps, able in _beside(analysis.root, folder):
        is_counterpart = _is_counterpart(name, path.rpartition("/")[2])
        for other in able if path != task.path else ():
            how = _how(other, text, steps, of_launch, is_near=False) or (_kills(other) if is_counterpart else None)
            if how:
                yield EndingTask(other, how)


def _names(task: Task, register: str) -> bool:
    return re.search(rf"\b{re.escape(register)}\b", f"{task.args} {task.keywords}") is not None


def misaimed(analysis: Analysis, task: Task) -> Task | None:
    """A later task of the file that gives ``kill`` the job's id, which is no pid: it cannot end anything."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return None
    after = tasks_after(analysis, task.path, task.end_line)
    later = [other for other in after if other.module in _SHELLS and register in _text(other)]
    if not later:
        return None
    id_of = re.compile(rf"\bkill\b[^|;&\n]*\{{\{{\s*{re.escape(register)}\.ansible_job_id\s*\}}\}}")
    return next((other for other in later if id_of.search(_text(other))), None)


def _text(task: Task) -> str:
    return "" if task.module == "block" else " ".join(map(str, _flat(task.args)))


def _flat(args: Mapping[str, object]) -> Iterator[object]:
    for value in args.values():
        yield from value if isinstance(value, list) else (value,)


def _how(other: Task, text: str, *around: tuple[Task, ...], is_near: bool = True) -> str | None:
    """By what the task ends the work that ``text`` starts; ``around`` are the tasks that may have looked up its pid."""
    if _is_container(other):
        name = str(other.args.get("name", ""))
        ends = other.args.get("state") in ("absent", "stopped") and _names_container(text, name)
        return f"takes the container '{shortened(name)}' away" if ends else None
    if other.module not in _SHELLS:
        return None
    programs = _programs(other)
    for argv in programs:
        if argv[0] in _ENGINES and _TAKING_AWAY & set(argv[1:3]):
            container = next((word for word in argv[2:] if _names_container(text, word)), None)
            if container:
                return f"takes the container '{shortened(container)}' away"
    stopping = [argv for argv in programs if argv[0] in ENDING_PROGRAMS]
    if not stopping:
        return None
    for argv in stopping:
        word = next((word for word in argv[1:] if _is_of(word, text, is_near=is_near)), None)
        if word:
            return f"kills '{shortened(word)}'"
    if any(argv[0] == "kill" for argv in stopping):
        paths = _pid_files(text)
        if paths and any(path in _text(other) for path in paths):
            return "kills it by its pid file"
        found = [word for steps in around for word in _found_by(other, steps)]
        if any(word.rpartition("/")[2] in paths for word in found):
            return "kills it by its pid file"
        word = next((word for word in found if _is_of(word, text, is_near=is_near)), None)
        return f"kills '{shortened(word)}' by its pid" if word else None
    return None


def _is_of(word: str, text: str, *, is_near: bool) -> bool:
    """Whether the word, given to a program that ends work, names what the launch runs."""
    if "{{" in word:
        return _runs(text, word)
    if word.startswith("-") or len(word) <= 2 or word.isdigit() or word.upper().startswith("SIG"):
        return False
    if not is_near and (len(word) < 4 or word in _GENERIC):
        return False
    if word not in text:
        return False  # so for nearly all, and each would be a pattern of its own
    return is_near or re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def _runs(text: str, template: str) -> bool:
    """Whether the program that ``text`` runs is named by the template alone, such as ``{{ envoy_bin }}``."""
    name = _PADDING.sub("", template)
    if not work.TEMPLATE.fullmatch(name) or name in ("{{}}", "{{item}}"):
        return False
    start = r"(?:^|[;&|(\n]|\b(?:exec|nohup|sudo)\s)\s*[\"']?"
    return re.search(rf"{start}{re.escape(name)}(?=[\s\"']|$)", _PADDING.sub("", text)) is not None


@lru_cache(maxsize=work.MAX_KEPT)
def _programs(task: Task) -> tuple[tuple[str, ...], ...]:
    """The programs that the task runs, with their arguments. Kept, since every launch above it asks."""
    return tuple(argv for command in work.commands(task) for argv in command.programs())


@lru_cache(maxsize=work.MAX_KEPT)
def _found_by(other: Task, around: tuple[Task, ...]) -> tuple[str, ...]:
    """The words by which the pid was looked up: in the task itself, or in the task whose result it is given."""
    found = [word for argv in _programs(other) if argv[0] in _FINDS for word in argv[1:]]
    looked_up = _looked_up(around)
    read = {word for text in _READ.findall(_text(other)) for word in _WORD.findall(text)} if looked_up else ()
    for register, words in looked_up.items():
        found += words if register in read else ()
    return tuple(found)


@lru_cache(maxsize=MAX_KEPT)
def _looked_up(steps: tuple[Task, ...]) -> dict[str, list[str]]:
    """By the register of each task that finds processes, the words by which it does."""
    found: dict[str, list[str]] = defaultdict(list)
    for task in steps:
        register = task.keywords.get("register")
        if isinstance(register, str) and not _FINDS.isdisjoint(work.program_names(task)):
            for command in work.commands(task):
                found[register] += (word for argv in command.programs() if argv[0] in _FINDS for word in argv[1:])
    return dict(found)


def _names_container(text: str, name: str) -> bool:
    return len(name) > 2 and name in text and re.search(rf"--name[ =]\W?{re.escape(name)}(?![\w-])", text) is not None


@lru_cache(maxsize=MAX_KEPT)
def _pid_files(text: str) -> set[str]:
    """The names of the files in which the launch writes a pid."""
    paths = {match["path"] or match["file"] for match in _PID.finditer(text)}
    return {name for path in paths if len(work.TEMPLATE.sub("", name := path.rpartition("/")[2])) > 4}


def _kills(task: Task) -> str | None:
    programs = (argv for command in work.commands(task) for argv in command.programs())
    argv = next((argv for argv in programs if argv[0] in ENDING_PROGRAMS and argv[0] != "kill"), None)
    return f"ends work ('{argv[0]}')" if argv else None


def _is_counterpart(name: str, other: str) -> bool:
    """Whether the two are called alike but for ``start`` in the one and ``stop`` in the other."""
    here, there = (_TIED.split(each.rpartition(".")[0].lower()) for each in (name, other))
    starts, stops = _STARTING & set(here), _STOPPING & set(there)
    return bool(starts and stops) and sorted(set(here) - starts) == sorted(set(there) - stops)


@for_one_check(MAX_KEPT)
def _beside(root: str, folder: str) -> tuple[tuple[str, tuple[Task, ...], tuple[Task, ...]], ...]:
    """The files of a folder that may end work, each with its tasks, and with those that may end work themselves."""
    found = []
    place = Path(root, folder)
    names = sorted(each.name for each in place.iterdir() if each.suffix in (".yml", ".yaml")) if place.is_dir() else []
    for name in names[:MAX_FILES]:
        with suppress(SourceError, OSError):
            data = read(place / name)
            if len(data) <= MAX_SIZE and (b"kill" in data or b"docker" in data or b"podman" in data):
                path = f"{folder}/{name}" if folder else name
                content = read_content(path, compose(data))
                steps = Tasks(step for step in content.steps() if not isinstance(step, TaskBlock))
                found.append((path, steps, _able_to_end(steps)))
    return tuple(found)
