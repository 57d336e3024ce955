"""The other tasks of a task's file: what they tell about its host, and whether one of them reads its result.

Only within one file, where the order is the text's.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path

from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from ansible_reap.checks.evidence import conditions, work
from ansible_reap.checks.evidence.work import is_windows
from ansible_reap.content import expressions
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.model import Place, Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import TaskBlock, read_content, walk
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression
from ansible_reap.reading import SourceError, read_inside
from ansible_reap.yaml_nodes import pairs

_CONDITIONS = frozenset({"when", "failed_when", "changed_when", "until", "that"})
"""Keys whose strings are bare expressions."""
_VERDICTS = frozenset({"fail", "assert"})
"""Modules whose purpose is to report a failure."""
_CHECKS = frozenset({"assert", "fail", "wait_for", "uri", "win_wait_for", "win_uri"})
"""Modules that fail where something is not as it should be."""
ENDING_PROGRAMS = frozenset({"kill", "pkill", "killall", "taskkill", "skill"})
_TAKES_DOWN = expression(
    r"(?:^|[^a-z])(?:destroy|tear.?down|clean.?up|delet\w*|remov\w*|uninstall|undeploy|stop\w*|purge|decommission)(?=$|[^a-z])",
    re.IGNORECASE,
)
_OF_NO_TOPIC = frozenset({
    "start", "started", "starting", "stop", "wait", "waiting", "until", "finish", "finished", "done", "ready",
    "check", "make", "sure", "after", "before", "with", "that", "this", "have", "been", "from", "into", "over",
    "item", "items", "name", "state", "status", "service", "systemctl", "active", "inactive", "running", "host",
    "port", "path", "file", "files", "true", "false", "none", "present", "absent", "ansible", "inventory",
    "hostname", "result", "stdout", "stderr", "echo",
})  # fmt: skip
"""Words that are too common to say what a task is about."""
ENOUGH_IN_COMMON = 2
"""The least number of words that two tasks about the same thing share; one is often the product's name."""
_STEM = 7
"""Letters by which two words count as one: ``installer`` and ``installation``."""
_EVERY_RESULT = r"(?:failed|changed|msg|rc|stdout\w*|stderr\w*|finished|started|skipped|ansible_job_id)\b"
"""Attributes that the result of a wait may have whatever became of the job."""
_MADE = ("name", "dest", "path", "creates")
"""Arguments that say what a task makes."""
_SHORTEST_NAME = 4
"""Letters that a name has at least that tells one thing from others."""
MAX_DEPTH = 8
"""How deep arguments are looked into."""
_FARTHER = 30
"""Tasks after a launch, those of other files too, among which a wait for its work is looked for."""
_WAITING_MODULE = expression(r"(?:^|_)wait(?:_(?!for_connection|for$)|$)")
"""A module of somebody's own that waits, by its name."""
_FINDING = frozenset({"pgrep", "pidof"})
_OF_FILES = frozenset({"test", "[", "[[", "ls", "cat", "tail", "grep", "stat"})
"""Programs that look at the files that they are given."""
_NONE_LEFT = expression(
    r"\.rc {0,4}(?:!= {0,4}0|== {0,4}1)|\bis failed\b|== {0,4}(?:''|\"\")|\bint {0,4}\)? {0,4}== {0,4}0"
)
"""How an ``until`` says that no process is left."""
_NEXT = 6
"""Tasks after a launch among which a wait for its work is looked for."""
MAX_KEPT = 64
"""Files whose words are remembered."""
_TEMPLATE = expression(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_WORD = expression(r"\w+")


def tasks_of_file(analysis: Analysis, path: str) -> Iterator[Task]:
    """Every task of a file with a launch or a look, in the order of the text, blocks included."""
    return iter(analysis.steps.get(path, ()))


def tasks_after(analysis: Analysis, path: str, line: int) -> Iterator[Task]:
    """The tasks of the file that begin after a line, in the order of the text."""
    steps, lines = _by_line(analysis.steps.get(path, ()))
    return islice(steps, bisect_right(lines, line), None)


@lru_cache(maxsize=MAX_KEPT)
def _by_line(steps: tuple[Task, ...]) -> tuple[list[Task], list[int]]:
    ordered = sorted(steps, key=lambda step: step.line)
    return ordered, [step.line for step in ordered]


def may_be_on_windows(analysis: Analysis, task: Task) -> bool:
    """Whether the task runs on Windows, or by a module that says nothing of it beside tasks that do."""
    if is_windows(task):
        return True
    return task.module not in BUILTIN_MODULES and any(map(is_windows, tasks_of_file(analysis, task.path)))


def play_of(task: Task) -> Place | None:
    """Where the play begins that the task stands in; None for a task of another kind of file."""
    return next((block.place for block in task.enclosing() if block.is_play), None)


def own_wait_after(analysis: Analysis, task: Task) -> Task | None:
    """Of ``own_waits_after`` the one that has most in common with the task, and of such the last.

    It waits for the whole, and others for a part.
    """
    waits = own_waits_after(analysis, task)[::-1]
    return max(waits, key=lambda other: len(_topics(task) & _topics(other)), default=None)


def own_waits_after(analysis: Analysis, task: Task) -> list[Task]:
    """Those of the next tasks that wait, by other means than ``async_status``, for what this one is about."""
    play = play_of(task)
    found: list[Task] = []
    after = tasks_after(analysis, task.path, task.end_line)
    for other in islice((each for each in after if each.module != "block"), _NEXT):
        if play_of(other) != play or (found and str(other.keywords.get("poll")) == "0"):
            break  # what comes after another launch may wait for that one
        if _waits_for_its_work(task, other):
            found.append(other)
    return found


def own_wait_beyond(analysis: Analysis, task: Task, via: Sequence[str]) -> Task | None:
    """A task that waits for what this one is about, farther on in its file or in one that is included or goes on.

    ``via``: the places that lead to the task, as in ``tasks/main.yml:7``.
    """
    later = following(analysis, task, via)
    return next((other for other in islice(later, _FARTHER) if _waits_for_its_work(task, other)), None)


def following(analysis: Analysis, task: Task, via: Sequence[str]) -> Iterator[Task]:
    """The tasks that follow, in the order in which they run: with those of files that are included by their names."""
    yield from _following(analysis.root, task.path, task.end_line)
    for place in reversed(via[:-1]):
        path, _, line = place.rpartition(":")
        tasks, lines = tasks_in(analysis.root, path)
        at = bisect_left(lines, int(line))
        if at == len(lines) or lines[at] != int(line):
            return  # a play, or an entry of its roles
        yield from _following(analysis.root, path, tasks[at].end_line)


def _following(root: str, path: str, line: int) -> Iterator[Task]:
    """The tasks of the file after a line, of the same play, and those of the files that they include."""
    tasks, lines = tasks_in(root, path)
    first = bisect_right(lines, line)
    rescues = _rescues(root, path)
    inside = rescues.get(lines[max(first - 1, 0)], frozenset()) if lines else frozenset()
    for other in islice(tasks, first, None):
        if play_of(other) != play_of(tasks[max(first - 1, 0)]):
            return
        if not rescues.get(other.line, frozenset()) <= inside:
            continue  # it runs only where something has failed
        yield other
        called = other.args.get("file", other.args.get("_raw_params"))
        if other.module in ("include_tasks", "import_tasks") and isinstance(called, str) and "{" not in called:
            yield from tasks_in(root, posixpath.normpath(posixpath.join(posixpath.dirname(path), called.strip())))[0]


def in_later_plays(analysis: Analysis, via: Sequence[str]) -> Iterator[Task]:
    """The tasks of the plays that follow in the files on the way to a task, and of the playbooks imported there."""
    for place in reversed(via):
        path, _, line = place.rpartition(":")
        for _, imported in (entry for entry in _entries(analysis.root, path) if entry[0] > int(line)):
            if imported:
                yield from tasks_in(analysis.root, imported)[0]
        tasks, lines = tasks_in(analysis.root, path)
        here = tasks[max(bisect_right(lines, int(line)) - 1, 0)] if tasks else None
        for other in tasks[bisect_right(lines, int(line)) :]:
            if here is not None and play_of(other) not in (None, play_of(here)):
                yield other


@lru_cache(maxsize=MAX_KEPT)
def _entries(root: str, path: str) -> tuple[tuple[int, str | None], ...]:
    """The lines in which the entries of a playbook begin, each with the path of the playbook that it imports."""
    try:
        tree = compose(read_inside(Path(root), path))
    except SourceError:
        return ()
    found: list[tuple[int, str | None]] = []
    for entry in tree.value if isinstance(tree, SequenceNode) else ():
        values = {key: value for key, _, value in pairs(entry)} if isinstance(entry, MappingNode) else {}
        named = values.get("import_playbook", values.get("ansible.builtin.import_playbook"))
        imported = None
        if isinstance(named, ScalarNode) and named.value and "{" not in named.value:
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(path), named.value))
        found.append((entry.start_mark.line + 1, imported))
    return tuple(found)


@lru_cache(maxsize=MAX_KEPT)
def tasks_in(root: str, path: str) -> tuple[list[Task], list[int]]:
    """The tasks of a file of the project and the lines in which they begin; none where it cannot be read."""
    try:
        content = read_content(path, compose(read_inside(Path(root), path)))
    except SourceError:
        return [], []
    tasks = sorted((step for step in content.steps() if isinstance(step, Task)), key=lambda task: task.line)
    return tasks, [task.line for task in tasks]


@lru_cache(maxsize=MAX_KEPT)
def _rescues(root: str, path: str) -> dict[int, frozenset[int]]:
    """By the line in which a task begins, the lines of the blocks in whose ``rescue`` it stands."""
    try:
        content = read_content(path, compose(read_inside(Path(root), path)))
    except SourceError:
        return {}
    found: dict[int, frozenset[int]] = {}
    for block in (step for step in content.steps() if isinstance(step, TaskBlock) and step.rescue):
        for task in (step for step in walk(block.rescue) if isinstance(step, Task)):
            found[task.line] = found.get(task.line, frozenset()) | {block.block.place.line}
    return found


def keeps_up_what_comes_always(analysis: Analysis, task: Task, launches: Iterable[Task]) -> bool:
    """Whether the task stands in an ``always``, before others there, and the launches above it in the block.

    If it failed, the tasks after it would not tidy up.
    """
    lines = {launch.line for launch in launches if launch.path == task.path}
    for start, rest in _always(analysis.root, task.path):
        if task.line in rest[:-1]:
            return bool(lines) and all(start < line < rest[0] for line in lines)
    return False


@lru_cache(maxsize=MAX_KEPT)
def _always(root: str, path: str) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Where each block with an ``always`` begins, and the tasks of that."""
    try:
        content = read_content(path, compose(read_inside(Path(root), path)))
    except SourceError:
        return ()
    blocks = (step for step in content.steps() if isinstance(step, TaskBlock) and step.always)
    return tuple(
        (block.block.place.line, tuple(step.line for step in block.always if isinstance(step, Task)) or (0,))
        for block in blocks
    )


def _waits_for_its_work(task: Task, other: Task) -> bool:
    """Whether the other task seems to wait, by other means than ``async_status``, for what the first is about."""
    if "async" in other.keywords or other.module == "async_status":
        return False
    if _ends_with_a_process(other):
        return bool(_topics(task) & _topics(other))
    waits = other.module == "wait_for" and str(other.args.get("state", "started")) != "stopped"
    waits = waits or _WAITING_MODULE.search(other.short_name) is not None
    if waits or "until" in other.keywords or _waits_by_program(other):
        is_about_it = len(_topics(task) & _topics(other)) >= ENOUGH_IN_COMMON
        return is_about_it or _looks_at_its_file(task, other) or _waits_for_its_process(task, other)
    return False


def _ends_with_a_process(task: Task) -> bool:
    """Whether the task runs ``tail --pid=NUMBER``, which ends when that process does."""
    programs = (argv for command in work.commands(task) for argv in command.programs())
    return any(argv[0] == "tail" and any(word.startswith("--pid") for word in argv[1:]) for argv in programs)


def _looks_at_its_file(task: Task, other: Task) -> bool:
    """Whether the other task looks at a path that stands in this one's arguments, by its own or as ``test -f``."""
    programs = (argv for command in work.commands(other) for argv in command.programs())
    paths = [other.args.get("path"), *(word for argv in programs if argv[0] in _OF_FILES for word in argv[1:])]
    written = " ".join(_every_text(task.args))
    return any(isinstance(path, str) and "/" in path and len(path) > _STEM and path in written for path in paths)


def ends_with_its_process(task: Task) -> bool:
    """Whether the task waits until no process is left, by a program that finds processes or that ends with one."""
    return _ends_with_a_process(task) or (
        not _FINDING.isdisjoint(work.program_names(task))
        and _NONE_LEFT.search(str(task.keywords.get("until", ""))) is not None
    )


def _waits_for_its_process(task: Task, other: Task) -> bool:
    """Whether the other task asks, until there is none, for a process by what stands in this one's command line."""
    if not ends_with_its_process(other):
        return False
    written = " ".join(_every_text(task.args))
    programs = (argv for command in work.commands(other) for argv in command.programs())
    asked = (argv[-1] for argv in programs if argv[0] in _FINDING)
    return any(len(word) >= _SHORTEST_NAME and word in written for word in asked)


def _waits_by_program(task: Task) -> bool:
    """Whether the task runs a program that waits, as in ``kubectl wait`` and ``cloud-init status --wait``."""
    if "async" in task.keywords:
        return False
    words = {word for command in work.commands(task) for word in command.argv[1:]}
    return any(word in ("wait", "--wait") or word.startswith("wait-for") for word in words)


def check_after(analysis: Analysis, task: Task) -> Task | None:
    """One of the next tasks that fails where what this one is about is not as it should be; or None."""
    play = play_of(task)
    after = tasks_after(analysis, task.path, task.end_line)
    for other in islice((each for each in after if each.module != "block"), _NEXT):
        if play_of(other) != play:
            return None
        checks = other.module.rpartition(".")[2] in _CHECKS or other.keywords.get("failed_when") not in (None, False)
        if checks and _topics(task) & _topics(other):
            return other
    return None


def _topics(task: Task) -> set[str]:
    """The words by which two tasks can be told to be about the same thing."""
    own = "" if task.module in BUILTIN_MODULES else task.short_name.replace("_", " ")
    return topics_in(f"{task.name} {own} {list(task.args.values())}")


def shares_a_topic(task: Task, other: Task) -> bool:
    """Whether the two have a word in common that says what they are about."""
    return not _topics(task).isdisjoint(_topics(other))


def topics_in(text: str) -> set[str]:
    """The words of a text by which it can be told what it is about."""
    words = set(re.findall(r"[a-z][a-z_]{2,}[a-z]", _TEMPLATE.sub(" ", text.lower())))  # variables are no topics
    return {word.removesuffix("s")[:_STEM] for word in words - _OF_NO_TOPIC}


def first_to_name_its_work(analysis: Analysis, task: Task) -> Task | None:
    """The first later task of the play that names what this one makes, as the network card names its security group."""
    made = {text for key in _MADE for text in _names(task.args.get(key)) if _is_telling(task, text)}
    if not made:
        return None
    play = play_of(task)
    for other in tasks_after(analysis, task.path, task.end_line):
        if play_of(other) != play:
            return None
        if other.module not in ("block", "debug", "set_fact") and not made.isdisjoint(_every_text(other.args)):
            return other
    return None


def _names(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _is_telling(task: Task, text: str) -> bool:
    """Whether the text names one thing wherever it stands: not another one for each item of a loop."""
    return len(text) >= _SHORTEST_NAME and task.loop_variable not in text


def _every_text(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < MAX_DEPTH and isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _every_text(inner, depth + 1)


def tests_failure_of(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the file can tell how this one ended.

    It tests the result, as in ``when: x is failed`` or an assert on it, or it is handed the whole result.
    """
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return False
    naming = (other for other in tasks_naming(analysis, task.path, register) if other.line > task.line)
    return any(_judges(other, register) for other in naming)


def caller_that_tests(analysis: Analysis, task: Task, via: Sequence[str]) -> str | None:
    """Of the places on the way to a task the one after which a task can tell how this one ended, as ``tasks.yml:7``."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return None
    for place in via[:-1]:
        path, _, line = place.rpartition(":")
        naming = (other for other in tasks_naming(analysis, path, register) if other.line > int(line))
        if path != task.path and any(_judges(other, register) for other in naming):
            return place
    return None


def needs_success_of(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the file fails without what only a success returns, as in ``loop: "{{ x.files }}"``."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return False
    needs = re.compile(rf"^\s*\{{\{{\s*{re.escape(register)}\.(?!{_EVERY_RESULT})\w+\s*\}}\}}\s*$")
    return any(
        needs.match(value)
        for other in tasks_naming(analysis, task.path, register)
        if other.line > task.line and other.module != "debug"
        for key, value in (*other.keywords.items(), *other.args.items())
        if isinstance(value, str) and (_is_loop(key) or key in other.args)
    )


def fails_later(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the same file and play exists to say that something has failed, under a condition."""
    play = play_of(task)
    failing = _failing(analysis.steps.get(task.path, ()))
    return any(other.line > task.end_line and play_of(other) == play for other in failing)


@lru_cache(maxsize=MAX_KEPT)
def _failing(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    return tuple(step for step in steps if step.module in _VERDICTS)


_TEST = expression(r"(?:^|/)(?:molecule|tests?|testing)/")


def is_test(task: Task) -> bool:
    """Whether the task stands among tests, as below a folder called ``molecule``."""
    return _TEST.search(task.path) is not None


def takes_down(task: Task) -> bool:
    """Whether the task belongs to taking something down, where a failure often means that it was gone already."""
    return any(_TAKES_DOWN.search(text) for text in (task.path, task.name or ""))


def lines_of(analysis: Analysis, path: str) -> list[str]:
    """The lines of the file; nobody changes them."""
    return _lines(analysis.texts.get(path, ""))


@lru_cache(maxsize=MAX_KEPT)
def _lines(text: str) -> list[str]:
    return text.splitlines()


def is_silenced(analysis: Analysis, task: Task) -> bool:
    """Whether a comment of the task silences findings: those are told of it alone, not of it and others together."""
    return any("noqa" in line for line in lines_of(analysis, task.path)[task.line - 1 : task.end_line])


def has_comment(analysis: Analysis, task: Task, keyword: str) -> bool:
    """Whether a comment on the keyword's line, or right above it, says why it stands there."""
    lines = lines_of(analysis, task.path)
    for at in range(task.line - 1, min(task.end_line, len(lines))):
        if re.match(rf"\s*(?:- )?{re.escape(keyword)}\s*:", lines[at]):
            return " #" in lines[at] or (at > 0 and lines[at - 1].lstrip().startswith("#"))
    return False


def tasks_naming(analysis: Analysis, path: str, word: str) -> tuple[Task, ...]:
    """The tasks and blocks of a file that hold the word anywhere but in their own names, in the order of the text."""
    return _by_word(analysis.steps.get(path, ())).get(word, ())


@lru_cache(maxsize=MAX_KEPT)
def _by_word(steps: tuple[Task, ...]) -> dict[str, tuple[Task, ...]]:
    """The tasks by each word in them. Kept, since every launch and wait of a file asks."""
    found: dict[str, dict[Task, None]] = {}
    for step in steps:
        for word in _WORD.findall(f"{step.args} {step.keywords}"):
            found.setdefault(word, {})[step] = None
    return {word: tuple(naming) for word, naming in found.items()}


def is_ended_between(analysis: Analysis, launch: Task, wait: Task) -> bool:
    """Whether a task between the two in their file ends the job's work by other means, as ``pkill`` does."""
    if launch.path != wait.path:
        return False
    return any(launch.end_line < other.line < wait.line for other in tasks_that_end_work(analysis, launch.path))


def tasks_that_end_work(analysis: Analysis, path: str) -> tuple[Task, ...]:
    """The tasks of a file that run a program such as ``pkill``, in the order of the text."""
    return _ending(analysis.steps.get(path, ()))


@lru_cache(maxsize=MAX_KEPT)
def _ending(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    return tuple(step for step in steps if not ENDING_PROGRAMS.isdisjoint(work.program_names(step)))


def _judges(task: Task, register: str) -> bool:
    names = {register, *_loop_variables(task, register)}
    for key, value in (*task.keywords.items(), *task.args.items()):
        is_condition = key in _CONDITIONS
        if task.module == "debug" and not is_condition:
            continue
        for text in _strings(value, bare=is_condition):
            if any(conditions.judges(text, name) for name in names):
                return True
            if is_condition and task.module in _VERDICTS and any(conditions.mentions(text, name) for name in names):
                return True
            if not is_condition and not _is_loop(key) and any(conditions.hands_on(text, name) for name in names):
                return True
    return False


def _loop_variables(task: Task, register: str) -> Iterator[str]:
    """The variable by which a loop over the register's results hands out each of them."""
    for key, value in task.keywords.items():
        if _is_loop(key) and register in expressions.names_in(value):
            control = task.keywords.get("loop_control")
            name = control.get("loop_var") if isinstance(control, dict) else None
            yield name if isinstance(name, str) else "item"


def _is_loop(key: str) -> bool:
    return key == "loop" or key.startswith("with_")


def _strings(value: object, *, bare: bool, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        if bare or expressions.is_template(value):
            yield value
    elif depth < 8 and isinstance(value, (list, tuple)):
        for inner in value:
            yield from _strings(inner, bare=bare, depth=depth + 1)
    elif depth < 8 and isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner, bare=bare, depth=depth + 1)
