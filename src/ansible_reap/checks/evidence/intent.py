"""What the author of a launch says, or plainly means, by not waiting for its job.

A wait is no advice where it would undo what the launch is for. Told from the launch's name, from the comments beside
it, from its command line, and from the later tasks of its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ansible_reap.checks.evidence import known_times, work
from ansible_reap.checks.evidence.neighbours import lines_of, play_of, tasks_after, tasks_naming
from ansible_reap.checks.evidence.topics import ENOUGH_IN_COMMON, topics_in
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression
from ansible_reap.reading import SourceError, read_inside
from ansible_reap.remembered import for_one_check
from ansible_reap.shell.parser import Command, parse
from ansible_reap.wording import shortened

_DECLARED = expression(
    r"fire[ -]*(?:and|&|'?n'?)[ -]*forget\w*"
    r"|\b(?:don'?t|do not|does(?: not|n'?t)|did(?: not|n'?t)|never|no need to|need(?: not|n't)|without having to) "
    r"(?:have to |need to |want to )?wait\b(?! (?:more|longer|too|until|till|forever|indefinitely|at most|a |an ))"
    r"|\bwithout (?:a )?wait(?:ing)?\b|\bnot waiting\b|\bno wait(?:ing)?\b"
    r"|\b(?:not|never|isn'?t|aren'?t) (?:\w+ )?(?:awaited|waited for)\b"
    r"|\b(?:stop|keep|prevent|avoid|instead of|rather than)\b[^.;:]{0,40}\bwaiting\b"
    r"|\b(?:don'?t|do not) care (?:about|if|whether|how)\b"
    r"|\b(?:left|leaves?|keeps?|kept|stays?) (?:it |them |this )?running\b"
    r"|\b(?:must|has to|have to|needs? to|should)(?: be)? (?:run|start(?:ed)?|go) (?:\w+ )?in the background\b",
    re.IGNORECASE,
)
"""Words by which an author says that nobody is to wait."""
_BACKGROUND = expression(r"\bin (?:the |a )?background\b", re.IGNORECASE)
_LATER = expression(r"\b(?:later|below|afterwards?|further down|at the end|in the end|eventually)\b", re.IGNORECASE)
"""Words by which it is to be waited for all the same, in another place."""
_ELSEWHERE = expression(
    r"\b(?:will|then|we'll) (?:we )?(?:will )?(?:be )?"
    r"(?:wait(?:ed)?|check(?:ed)?|collect(?:ed)?|gather(?:ed)?|poll(?:ed)?)\b(?: \w+){0,4}"
    r"|\b(?:wait(?:ed)?|check(?:ed)?|gather(?:ed)?|collect(?:ed)?|poll(?:ed)?)\b[^.;]{0,40}"
    r"\b(?:later|below|afterwards?|at the end|in the end)\b",
    re.IGNORECASE,
)
"""Words by which an author says that something else waits for the work."""
_TO_LAST = expression(r"\b(?:for ?ever|indefinitely|permanent(?:ly)?|endless(?:ly)?)\b", re.IGNORECASE)
MAX_TEXT = 1000
"""Characters of a name or a line that are searched."""
_READMES = ("README.md", "README.rst", "README.txt", "README.adoc", "README")
MAX_README = 400_000
MAX_KEPT = 64
MAX_COMMENT = 12
"""Lines of comment above a task that are read."""

SHORTEST_TIMER = 10
"""Seconds: a shorter ``sleep`` before a command only lets the task return first."""
_SOON_AFTER = expression(r"\b(?:after|in) +\d+ ?(?:s|secs?|seconds?|m|min|minutes?)\b", re.IGNORECASE)
"""Words by which a name says that the pause is what the task is about."""
_SHELLS = frozenset({"sh", "bash", "dash", "/bin/sh", "/bin/bash"})
_OPPOSITES = frozenset(
    frozenset(pair)
    for pair in (
        ("down", "up"), ("stop", "start"), ("disable", "enable"), ("off", "on"), ("pause", "unpause"),
        ("-A", "-D"), ("-I", "-D"), ("add", "del"), ("add", "delete"), ("block", "unblock"), ("mask", "unmask"),
        ("STOP", "CONT"), ("-STOP", "-CONT"), ("suspend", "resume"), ("disconnect", "connect"),
        ("iptables-save", "iptables-restore"), ("cordon", "uncordon"), ("umount", "mount"),
        ("ifdown", "ifup"), ("remove", "add"), ("--add-rich-rule", "--remove-rich-rule"),
    )
)  # fmt: skip
"""Words of two commands of which the second undoes the first."""
_ENDING = expression(
    r"\b(?:ENDJOB|kill-session|kill-server|kill-window|pkill|killall|taskkill|Stop-Process|scancel|qdel|bkill)\b"
    r"|\b(?:docker|podman|virsh|crictl|nerdctl|lxc|screen|supervisorctl|pm2) +(?:-\S+ +)*(?:container +)?"
    r"(?:stop|kill|destroy|quit|delete)\b"
)
"""Commands that end work which something else has started."""
_BEGINNING = frozenset({"run", "start", "create", "up", "restart", "new-session", "virt-install"})
"""Words near the head of a command that begins work."""
_STOPPING = frozenset({"stop", "kill", "quit", "cancel", "terminate", "abort", "end", "halt", "finish", "down"})
"""Sub-commands by which a program ends what it has begun."""
_INCLUDES = frozenset({"include_tasks", "import_tasks", "include_role", "import_role", "include"})
_READING = frozenset({"slurp", "fetch"})
"""Modules that read a file of the host."""
NOTICES = frozenset({"win_toast", "win_msg", "win_say", "say", "mail", "slack", "telegram", "mattermost", "pushover"})
"""Modules that tell people something and change nothing."""
_WAIT = expression(r"(?<![a-z])wait(?:s|ing)?(?![a-z])", re.IGNORECASE)
_START = expression(r"(?<![a-z])(?:start|begin|launch)(?![a-z])")
_FINISHING = ("finish", "end", "wait", "collect", "complete", "join", "gather")
"""What the file may be called in which work is waited for that another file starts."""
_LOOK_AHEAD = 12
"""Tasks after a launch that are looked at."""


class Timer(NamedTuple):
    """A job that acts after a pause of its own."""

    pause: str
    """As in ``sleep 300``."""
    before: str | None
    """What it does first and undoes after the pause; None where it only acts after it."""
    after: str
    """What it does after the pause."""


class EndedBy(NamedTuple):
    """A later task that ends work by other means."""

    task: Task
    command: str


def declared(analysis: Analysis, task: Task) -> str | None:
    """Where the author says that nobody is to wait, and in which words, as in ``its name says 'fire and forget'``."""
    own = (("its name", task.name or ""), *_comments(analysis, task))
    for where, text in (*own, *_of_its_blocks(analysis, task), *_of_the_readme(analysis, task)):
        found = _DECLARED.search(text[:MAX_TEXT])
        if found and not _LATER.search(text[:MAX_TEXT]):
            return f"{where} says '{shortened(found.group())}'"
    return None


def waited_for_elsewhere(analysis: Analysis, task: Task) -> str | None:
    """Where the author says that something else waits for the work, and in which words."""
    for where, text in (("its name", task.name or ""), *_comments(analysis, task)):
        found = _ELSEWHERE.search(text[:MAX_TEXT])
        if found:
            return f"{where} says '{shortened(found.group())}'"
    return None


def is_to_last(analysis: Analysis, task: Task) -> bool:
    """Whether the launch's name, or a comment beside it, says that its work has no end."""
    return _TO_LAST.search(said(analysis, task)) is not None


def is_in_background(analysis: Analysis, task: Task) -> bool:
    """Whether the launch's name, or a comment beside it, says that its work goes on in the background."""
    texts = (task.name or "", *(text for _, text in _comments(analysis, task)))
    return any(_BACKGROUND.search(text[:MAX_TEXT]) for text in texts)


def goes_on_beside_later_plays(analysis: Analysis, task: Task) -> bool:
    """Whether the launch is the last task of a play that others follow, and is said to be work in the background."""
    play = play_of(task)
    if play is None or not is_in_background(analysis, task):
        return False
    if any(play_of(other) == play for other in tasks_after(analysis, task.path, task.end_line)):
        return False
    lines = lines_of(analysis, task.path)
    start = re.match(r" *- ", lines[play.line - 1])
    return start is not None and any(line.startswith(start.group()) for line in lines[task.end_line :])


def said(analysis: Analysis, task: Task) -> str:
    """The task's name and the comments in it and right above it, as one text."""
    return " ".join([(task.name or "")[:MAX_TEXT], *(text.strip() for _, text in _comments(analysis, task))])


def _comments(analysis: Analysis, task: Task) -> Iterator[tuple[str, str]]:
    """The comments in the task and right above it, each with the words that name it."""
    lines = lines_of(analysis, task.path)
    first = task.line - 1
    while first > 0 and task.line - first < MAX_COMMENT and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    for at in range(first, min(task.end_line, len(lines))):
        found = re.search(r"(?:^|\s)#(.*)$", lines[at][:MAX_TEXT])
        if found:
            yield f"the comment in line {at + 1}", found[1]


def _of_its_blocks(analysis: Analysis, task: Task) -> Iterator[tuple[str, str]]:
    """The names of the blocks that the task stands in, plays apart, and the comments right above them."""
    lines = lines_of(analysis, task.path)
    for block in task.enclosing():
        if block.is_play:
            continue
        name = block.keywords.get("name")
        yield "the name of its block", name if isinstance(name, str) else ""
        at = block.place.line - 1
        while 0 < at <= len(lines) and block.place.line - at <= MAX_COMMENT and lines[at - 1].lstrip().startswith("#"):
            yield f"the comment in line {at}", lines[at - 1]
            at -= 1


def _of_the_readme(analysis: Analysis, task: Task) -> Iterator[tuple[str, str]]:
    """The lines of the README of the task's role, or beside its playbook, that say so of what the task is about."""
    parts = task.path.split("/")[:-1]
    depth = next((at for at in range(len(parts) - 1, -1, -1) if parts[at] in ("tasks", "handlers")), len(parts))
    folder = "/".join(parts[:depth])
    for name, line, text in _readme(analysis.root, folder):
        if len(topics_in(text) & topics_in(f"{task.name} {list(task.args.values())}")) >= ENOUGH_IN_COMMON:
            yield f"{name}:{line}", text


@for_one_check(MAX_KEPT)
def _readme(root: str, folder: str) -> tuple[tuple[str, int, str], ...]:
    """The file, the line and the text of each line of a folder's README by which somebody is not to wait."""
    for name in _READMES:
        path = f"{folder}/{name}" if folder else name
        try:
            data = read_inside(Path(root), path, MAX_README)
        except SourceError:
            continue
        lines = data.decode("utf-8", "replace").splitlines()
        found = (
            (path, at, f"{lines[at - 2] if at > 1 else ''} {line}"[-MAX_TEXT:])
            for at, line in enumerate(lines, 1)
            if _DECLARED.search(line[:MAX_TEXT])
        )
        return tuple(found)
    return ()


def foreground_twin(analysis: Analysis, task: Task) -> Task | None:
    """Another task of the file that runs the same and waits for it: then the launch is one of two modes."""
    if not task.args or "when" not in task.keywords:
        return None
    alike = _in_foreground(analysis.steps.get(task.path, ())).get(_work_of(task), ())
    twin = next((other for other in alike if other.line != task.line), None)
    return twin if twin and twin.keywords.get("when") not in (None, task.keywords["when"]) else None


def _work_of(task: Task) -> str:
    """What a task runs, and for which items, to be compared with another's."""
    return f"{task.module} {task.args} {task.loop_keyword} {task.keywords.get(task.loop_keyword or '')}"


@lru_cache(maxsize=MAX_KEPT)
def _in_foreground(steps: tuple[Task, ...]) -> dict[str, list[Task]]:
    """By what they run the first two tasks of a file that run it, of those that are no launch."""
    found: dict[str, list[Task]] = {}
    for step in steps:
        if str(step.keywords.get("poll", "")).strip() != "0":
            alike = found.setdefault(_work_of(step), [])
            alike += [step] if len(alike) < 2 else []
    return found


def wait_by_include(analysis: Analysis, task: Task) -> Task | None:
    """The next task, where it includes tasks or a role and its name or theirs says that it waits."""
    after = (each for each in tasks_after(analysis, task.path, task.end_line) if each.module != "block")
    other = next(after, None)
    if other is None or play_of(other) != play_of(task) or other.module not in _INCLUDES:
        return None
    called = " ".join(str(value) for value in other.args.values())
    return other if _WAIT.search(f"{other.name or ''} {called}"[:MAX_TEXT]) else None


def own_read(analysis: Analysis, task: Task) -> Task | None:
    """A later task of the file that reads the job's status file itself, by its id: it may judge what the file says."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return None
    naming = list(tasks_naming(analysis, task.path, register, task.line))
    if not naming:
        return None
    id_of = re.compile(rf"(?<![\w.]){re.escape(register)}\.ansible_job_id")
    names = {register}
    for other in naming:
        if other.module == "set_fact":
            names |= {
                name for name, value in other.args.items() if id_of.search(str(value)) or _is_alias(value, register)
            }
    for name in names:
        for other in tasks_naming(analysis, task.path, name, task.line):
            written = str(list(other.args.values())) if other.module in _READING else ""
            if "async" in written and name in written:
                return other
    return None


def _is_alias(value: object, register: str) -> bool:
    return isinstance(value, str) and re.fullmatch(rf"\s*\{{\{{\s*{re.escape(register)}\s*\}}\}}\s*", value) is not None


def counterpart(analysis: Analysis, task: Task) -> str | None:
    """A file beside the task's whose name says ``finish`` or the like where the name of this one says ``start``."""
    folder, _, name = task.path.rpartition("/")
    for word in _FINISHING:
        other = _START.sub(word, name)
        if other != name and (Path(analysis.root) / folder / other).is_file():
            return other
    return None


def timer(task: Task) -> Timer | None:
    """That the job acts, or undoes what it has done, after a pause of its own; None where it does not."""
    if (known_times.ends_by_itself(work.commands(task)) or "").startswith("timeout"):
        return None  # which may come first
    found = [command for command in _all_commands(task) if command.argv]
    shortest = 0.0 if _SOON_AFTER.search((task.name or "")[:MAX_TEXT]) else SHORTEST_TIMER
    if any({"for", "while", "until", "do"} & set(command.reserved) for command in found):
        return None  # it may only look again and again
    at = max((at for at, command in enumerate(found) if _pause_of(command, shortest)), default=None)
    if at is None:
        return None
    after = next((command for command in found[at + 1 :] if not work.is_quick(command)), None)
    before = [command for command in found[:at] if not (work.is_quick(command) or _SHELLS & set(command.words))]
    pause = _pause_of(found[at], shortest)
    if after is None or pause is None:
        return None
    if not before:
        return Timer(pause, None, _in_short(after))
    undone = next((command for command in before if _is_undone(command, after)), None)
    return Timer(pause, _in_short(undone), _in_short(after)) if undone else None


def _all_commands(task: Task) -> Iterator[Command]:
    """The commands of the task, and those that it has a shell run elsewhere, as ``kubectl exec POD -- sh -c '...'``."""
    for command in work.commands(task):
        yield command
        words = command.words if not _is_shell(command) else ()
        for at in range(1, len(words) - 2):
            if words[at] in _SHELLS and words[at + 1].endswith("c"):
                yield from parse(words[at + 2])
                break


def _pause_of(command: Command, shortest: float) -> str | None:
    argv = next(iter(list(command.programs())[-1:]), ())
    if argv[:1] != ("sleep",) or len(argv) != 2:
        return None
    seconds = known_times.sleep_seconds(argv[1])
    is_open = "{{" in argv[1] and "random" not in argv[1]  # a random one spreads load over hosts
    is_long = seconds is not None and seconds >= shortest
    return f"sleep {shortened(argv[1])}" if is_long or is_open else None


def _is_shell(command: Command) -> bool:
    """Whether the command is only the shell of those that follow."""
    return any(argv[0] in _SHELLS for argv in command.programs())


def _is_undone(before: Command, after: Command) -> bool:
    one, other = set(before.argv), set(after.argv)
    if any(pair <= one | other and pair & one and pair & other and not pair <= one for pair in _OPPOSITES):
        return before.argv[0] == after.argv[0] or frozenset((before.argv[0], after.argv[0])) in _OPPOSITES
    return False


def _in_short(command: Command) -> str:
    return shortened(" ".join(command.argv[:4]))


def ended_later(analysis: Analysis, task: Task) -> EndedBy | None:
    """A later task of the same play that ends work, by a command of its own: perhaps this work."""
    play = play_of(task)
    own = {argv[0] for command in work.commands(task) for argv in command.programs()}
    for other in islice(tasks_after(analysis, task.path, task.end_line), _LOOK_AHEAD):
        if play_of(other) != play:
            return None
        if other.module in ("debug", "fail", "assert", "block", "set_fact"):
            continue
        for command in work.commands(other):
            argv = command.argv
            if argv and argv[0] in own and (word := next((w for w in argv[1:3] if w in _STOPPING), None)):
                return EndedBy(other, f"{argv[0]} {word}")
        for value in other.args.values():
            found = _ENDING.search(value[:MAX_TEXT]) if isinstance(value, str) else None
            if found and not _begins_anew(other):
                return EndedBy(other, " ".join(found.group().split()))
    return None


def _begins_anew(task: Task) -> bool:
    """Whether the task ends work only to begin its own, as in ``virsh destroy NAME || true; virt-install NAME``."""
    found = [command.words for command in work.commands(task)]
    ending = next((at for at, words in enumerate(found) if _ENDING.search(" ".join(words)[:MAX_TEXT])), len(found))
    return any(not _BEGINNING.isdisjoint(words[:3]) for words in found[ending + 1 :])
