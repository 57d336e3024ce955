"""Signs that a job is meant to live on: a server, a tunnel, a watcher.

No sign is proof, so signs have weights and one weak sign is not enough. Told from the launch and its neighbours in the
same file; what its command line tells is in ``endless``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ansible_reap.checks.evidence import containers, endings, known_times, leaving, scripts, work
from ansible_reap.checks.evidence.endless import (
    CONTROLS,
    FAIR,
    MAX_WORD,
    STRONG,
    WEAK,
    Sign,
    by_itself_in_the_background,
    of_a_container,
    of_program,
    of_script,
)
from ansible_reap.checks.evidence.neighbours import play_of, tasks_after, tasks_that_end_work
from ansible_reap.checks.support import listed, number
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.late_patterns import expression
from ansible_reap.timing import KILL_STEP
from ansible_reap.wording import duration

ENOUGH = 3
"""The least weight of all signs together at which a job counts as a daemon."""
DAY = 86400
HALF_A_SHIFT = 4 * 3600
"""Seconds: a limit from which on a job may be meant to last as long as the play."""


_RUNNERS = frozenset({"command", "shell", "raw", "script", "expect", "win_shell", "win_command", "win_powershell"})
"""Modules that run a program of the author's choice."""

_WINDOWS = frozenset({"jconsole", "jvisualvm", "visualvm", "jmc", "firefox", "chromium", "google-chrome", "xterm",
                      "gnome-terminal", "konsole", "code", "xdg-open", "gedit", "wireshark", "vncviewer",
                      "virt-manager", "virt-viewer", "remote-viewer", "zenity", "open"})  # fmt: skip
"""Programs with a window."""
_VERBS = r"\b(?:start(?:s|ing)?|runs?|running|launch(?:es|ing)?|host|serve|expose|open|spawn|bring up)\b"
_NAMED = expression(
    _VERBS
    + r".*?(?<![\w-])(?P<what>\w*servers?|daemon|listening|proxy|tunnels?|listener|monitor(?:ing)?|watcher|watchdog"
    r"|port.?forward(?:ing|er)?)"
    r"(?=$|[^\w-]*$|[,:.;()]|\s+(?:process|on|for|in|at|with|to|that|via|and|of|as|by|from|which|port)\b)",
    re.IGNORECASE | re.DOTALL,
)
_NAMED_RECORDER = expression(
    _VERBS + r"[^,:;]*\b(?P<what>(?:data|stats?|statistics|metrics|profile|log|trace|usage) collect(?:ion|ors?|ing)?"
    r"|profil(?:ing|er)|(?:data|packet|trace) captur(?:e|ing)|recording)\b",
    re.IGNORECASE,
)
_NAMED_APP = expression(_VERBS + r".*\b(?P<what>app|application|service)\s*$", re.IGNORECASE | re.DOTALL)
_IN_BACKGROUND = expression(
    r"(?<!during )(?<!while )(?<!after )(?<!before )(?<!until )"  # other work, not this
    r"(?P<what>\bbackground\b|\basynchronously(?= while\b)|\bport.?forward\w*|\btunnel\w*|\bkeep.?alive\b"
    r"|\b(?:watch|monitor|record|captur|tail|logg(?!ing to)|gather|profil|trac|sampl|collect)ing\b)",
    re.IGNORECASE,
)
_VARIABLE = expression(r"\{\{\s*(?P<name>[A-Za-z_]\w*)")
_STARTS = expression(r"start(?:ing)?\b", re.IGNORECASE)
_PASSING = expression(r"\b(?P<what>temporar(?:y|ily)|throw-?away|dummy)\b", re.IGNORECASE)
_BESIDE = expression(r"(?P<what>\bwhile\b[^,;:]{1,40}\b(?:runs|is running|are running))\b", re.IGNORECASE)
"""Work that is to last as long as other work does."""
_STOPS = expression(r"\b(?:stop|kill|terminate|shut ?down|tear ?down)\b", re.IGNORECASE)
_AT_A_LINE = expression(r"line (?P<line>\d+) (?P<what>.+)")
_NAME_SAYS = "its name says "
_SIGNS_TOLD = 3
MAX_NAME = 400
_PAUSE = 10
"""Seconds: a pause of up to this length right after a launch lets it come up."""
_LOOK_AHEAD = 4
_UNTOLD = frozenset({"debug", "meta", "set_fact"})
_AT_HOME = expression(r"\b(?:localhost|127\.0\.0\.1):(?P<port>\d{2,5})\b")
MAX_ARGUMENTS = 2000
"""Characters of a later task's arguments that are searched."""
_LOGIN_PORTS = frozenset({"22", "3389", "5985", "5986"})


def signs_of(analysis: Analysis, launch: Launch) -> tuple[Sign, ...]:
    """The signs that the launch's job is meant to live on, the weightiest first."""
    task = launch.task
    found = list(_of_limit(launch))
    if task.module.rpartition(".")[2] in _RUNNERS:
        found += _of_commands(task)
        found += _of_its_script(analysis, task)
        found += _of_name(task)
        found += _of_neighbours(analysis, task)
        found += _of_counterpart(analysis, task)
    elif (told := containers.of_module(task)) is not None:
        found.append(Sign("the module stays with its container ('detach: false')", WEAK))
        found += of_a_container(told)
        found += _of_neighbours(analysis, task)
    elif re.search(r"(?:^|_)(?:proxy|tunnel|port_forward|listen|listen_port)$", task.module.rpartition(".")[2]):
        found.append(Sign(f"its module is called '{task.short_name}'", FAIR))
        found += _of_neighbours(analysis, task)
    if not are_enough(tuple(found)):
        found += _of_timeout(task)
    unique = {sign.text: sign for sign in sorted(found, key=lambda sign: sign.weight)}
    return tuple(sorted(unique.values(), key=lambda sign: -sign.weight))


def told(signs: tuple[Sign, ...]) -> str:
    """The weightiest signs, as in ``it loops for ever ('while true') and lines 8 and 12 wait for a port``."""
    merged: dict[str, list[str]] = {}
    chosen = list(signs[:_SIGNS_TOLD])
    end = next((sign for sign in signs if sign.role == "end"), None)
    if end is not None and end not in chosen:
        chosen[-1] = end  # it is why the advice is another one
    for text in _with_one_of_name([sign.text for sign in chosen]):
        found = _AT_A_LINE.fullmatch(text)
        merged.setdefault(found["what"] if found else text, []).extend([found["line"]] if found else [])
    return listed(_at_lines(what, lines) for what, lines in merged.items())


def _with_one_of_name(texts: list[str]) -> list[str]:
    """The signs with all that the task's name says as one."""
    of_name = [text for text in texts if text.startswith(_NAME_SAYS)]
    if len(of_name) < 2:
        return texts
    said = listed(text.removeprefix(_NAME_SAYS) for text in of_name)
    return [f"{_NAME_SAYS}{said}" if text == of_name[0] else text for text in texts if text not in of_name[1:]]


def _at_lines(what: str, lines: list[str]) -> str:
    if not lines:
        return what
    if len(lines) == 1:
        return f"line {lines[0]} {what}"
    verb, _, rest = what.partition(" ")
    return f"lines {listed(lines)} {verb.removesuffix('s')} {rest}"


def is_killed(signs: tuple[Sign, ...]) -> bool:
    """Whether one of the signs is a task that ends the work."""
    return any(sign.role == "end" for sign in signs)


def is_probed(signs: tuple[Sign, ...]) -> bool:
    """Whether one of the signs is that a later task looks whether the work is up."""
    return any(sign.role == "probe" for sign in signs)


def is_passing(signs: tuple[Sign, ...]) -> bool:
    """Whether the work by its name is there for a while only."""
    return any(sign.role == "passing" for sign in signs)


def is_recorder(signs: tuple[Sign, ...]) -> bool:
    """Whether the work by its name records what happens meanwhile."""
    return any(sign.role == "record" for sign in signs)


def has_tasks_after(analysis: Analysis, task: Task) -> bool:
    """Whether tasks that may need the work come after it: unless its file is a playbook, others may call that."""
    return play_of(task) is None or any(
        other.module not in _UNTOLD for other in tasks_after(analysis, task.path, task.end_line)
    )


def control_of(task: Task) -> str | None:
    """The command that starts a server and ends, as in ``pm2 start``, where the task runs nothing but it."""
    found = [command for command in work.commands(task) if not work.is_quick(command)]
    argv = next(iter(list(found[0].programs())[-1:]), ()) if len(found) == 1 and not found[0].is_background else ()
    if argv and argv[0] in CONTROLS and "start" in argv[1:4]:
        return f"{argv[0]} start"
    return by_itself_in_the_background(argv) if argv else None


def has_a_window(task: Task) -> bool:
    """Whether the work shows itself on somebody's desktop, where no service can run it."""
    return not _WINDOWS.isdisjoint(work.program_names(task)) or "DISPLAY" in str(task.inherited("environment", ""))


def are_enough(signs: tuple[Sign, ...]) -> bool:
    """Whether the signs together tell a daemon."""
    return sum(sign.weight for sign in signs) >= ENOUGH


def _of_limit(launch: Launch) -> Iterator[Sign]:
    limit = launch.limit.single
    if limit is None:
        return
    runs = launch.task.module.rpartition(".")[2] in _RUNNERS
    if limit >= DAY:
        weight = FAIR if limit < 7 * DAY or not runs else STRONG
        yield Sign(f"its limit is {duration(limit)}", weight)
    elif limit >= HALF_A_SHIFT and runs:
        yield Sign(f"its limit is {duration(limit)}", WEAK)
    elif limit < KILL_STEP and leaving.leaves_by(work.commands(launch.task)):
        yield Sign(f"its limit of {limit:g} s is a token", WEAK)


def _of_commands(task: Task) -> Iterator[Sign]:
    commands = work.commands(task)
    leaves = leaving.leaves_by(commands)
    if leaves == "nohup":
        yield Sign("it is started with 'nohup'", FAIR)
    elif leaves:
        yield Sign(f"{'a trailing' if leaves == '&' else ''} '{leaves}' lets it outlive its shell".strip(), FAIR)
    detacher = leaving.detaches_by(commands)
    if detacher:
        yield Sign(f"'{detacher}' starts it away from the job", FAIR)
    loop = work.loops_for_ever(commands)
    if loop:
        yield Sign(f"it loops for ever ('{loop}')", STRONG)
    for command in commands:
        if any(target.endswith(".pid") for target in command.targets):
            yield Sign("it writes a pid file", FAIR)
        for argv in command.programs():
            yield from of_program(argv)
            for inner in leaving.detached(argv):
                yield from (sign for sign in of_program(inner) if sign.weight == STRONG)
            under_timeout = known_times.under_timeout(argv)
            if under_timeout:
                yield from of_program(under_timeout)
    if not commands:
        yield from of_script(_words(task))


def _of_its_script(analysis: Analysis, task: Task) -> Iterator[Sign]:
    """What the text of the script says that the task runs."""
    script = scripts.of(analysis, task)
    if script is None:
        return
    if script.is_endless:
        yield Sign(f"'{script.name}' has no end of its own", STRONG)
    elif leaving.is_left_behind(script.commands):
        yield Sign(f"'{script.name}' leaves its work in the background", FAIR)


def _words(task: Task) -> tuple[str, ...]:
    """The words of a command line that no POSIX shell reads."""
    text = task.args.get("cmd", task.args.get("_raw_params", task.args.get("script")))
    return tuple(re.split(r"\s+", re.sub(r"\{\{.*?\}\}", "_", text).strip())) if isinstance(text, str) else ()


def _of_name(task: Task) -> Iterator[Sign]:
    name = re.sub(r"\{\{.*?\}\}", "_", (task.name or "")[:MAX_NAME]).strip()
    for pattern, weight in ((_NAMED, FAIR), (_NAMED_RECORDER, FAIR), (_NAMED_APP, WEAK), (_IN_BACKGROUND, WEAK)):
        match = pattern.search(name)
        if match:
            role = "record" if pattern is _NAMED_RECORDER else ""
            yield Sign(f"its name says '{match['what']}'", weight, role)
            break
    limit = _VARIABLE.search(str(task.keywords.get("async", "")))
    if limit and re.search(rf"\{{\{{\s*{limit['name']}\b", (task.name or "")[:MAX_NAME]):
        yield Sign(f"its name says that it runs for its limit ('{limit['name']}')", FAIR, "record")
    passing = _PASSING.search(name)
    if passing:
        yield Sign(f"its name says '{passing['what']}'", WEAK, "passing")
    beside = _BESIDE.search(name)
    if beside:
        yield Sign(f"its name says '{beside['what']}'", FAIR)


def _of_timeout(task: Task) -> Iterator[Sign]:
    """Work that is started, by its name, and that ``timeout`` ends: it is to run beside what follows."""
    bound = known_times.ends_by_itself(work.commands(task)) or ""
    if bound.startswith("timeout") and _STARTS.match((task.name or "")[:MAX_NAME]):
        yield Sign("its name says 'start'", STRONG)


def _of_counterpart(analysis: Analysis, task: Task) -> Iterator[Sign]:
    """A file beside this one whose name says ``stop`` or ``kill`` where the name of this one says ``start``."""
    folder, _, name = task.path.rpartition("/")
    for word in ("stop", "kill"):
        other = re.sub(r"(?<![a-z])start(?![a-z])", word, name)
        if other != name and (Path(analysis.root) / folder / other).is_file():
            yield Sign(f"there is {other} beside {name}", FAIR)
            return


def _of_neighbours(analysis: Analysis, task: Task) -> Iterator[Sign]:
    last = task.end_line
    later = tasks_after(analysis, task.path, last)
    told = list(islice((each for each in later if each.module not in _UNTOLD and each.module != "block"), _LOOK_AHEAD))
    is_up = False
    for other in told:
        if is_up and "async" in other.keywords:
            break  # what is probed from here on may be that one's
        for sign in tuple(_of_probe(other)) or tuple(_of_use(task, other)):
            is_up = True
            yield sign
    if told and told[0].module == "pause" and (number(told[0].args.get("seconds")) or _PAUSE + 1) <= _PAUSE:
        yield Sign(f"line {told[0].line} gives it a moment to come up", WEAK)
    handler = endings.by_handler(analysis, task)
    if handler:
        weight = STRONG if handler.is_sure else FAIR
        yield Sign(f"the handler in {_where(handler.task, task)}, which it notifies, {handler.how}", weight, "end")
        return
    ending = endings.of(analysis, task)
    if ending:
        yield Sign(f"{_where(ending.task, task)} {ending.how}", STRONG, "end")
        return
    later_ones = (other for other in tasks_that_end_work(analysis, task.path) if other.line > last)
    stop = next((other for other in later_ones if _STOPS.search(other.name or "")), None)
    if stop:
        yield Sign(f"line {stop.line} kills a process", WEAK, "end")


def _where(other: Task, task: Task) -> str:
    return f"line {other.line}" if other.path == task.path else str(other.place)


def _of_use(task: Task, other: Task) -> Iterator[Sign]:
    """That a later task asks for a port of this host that stands in the launch's command line."""
    asked = _AT_HOME.search(str(list(other.args.values()))[:MAX_ARGUMENTS])
    words = (word for command in work.commands(task) for word in command.argv)
    if asked and any(asked["port"] in re.split(r"\D+", word[:MAX_WORD]) for word in words):
        yield Sign(f"line {other.line} asks {asked.group()}", WEAK, "probe")


def _of_probe(other: Task) -> Iterator[Sign]:
    """Signs from a later task that checks whether the work is up."""
    module = other.module.rpartition(".")[2]
    if module in ("wait_for", "win_wait_for"):
        state = str(other.args.get("state", "started"))
        port = str(other.args.get("port", ""))
        if port and port not in _LOGIN_PORTS and state in ("started", "present"):
            yield Sign(f"line {other.line} waits for a port", FAIR, "probe")
    elif module in ("uri", "win_uri") and "until" in other.keywords:
        yield Sign(f"line {other.line} asks a URL until it answers", FAIR, "probe")
    elif module == "pids" or "pgrep" in work.program_names(other):
        yield Sign(f"line {other.line} looks for a process", FAIR, "probe")
