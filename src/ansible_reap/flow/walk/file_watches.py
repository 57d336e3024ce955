"""Waits that read a job's status file, or look for its process, by other modules than ``async_status``.

One is sure where what it asks for is not so while the job runs. The file is there from the start, in one of two texts.
"""

from __future__ import annotations

import base64
import re
import shlex

from ansible_reap.content.model import Task
from ansible_reap.flow.evaluation.formulas import satisfiable, settled
from ansible_reap.flow.evaluation.values import ABSENT, UNKNOWN, Const, Map, Value
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.late_patterns import expression

_WATCHING = frozenset({"stat", "slurp", "command", "shell", "raw", "win_shell", "win_command", "win_stat", "wait_for"})
"""Modules that can look at a status file: of ansible-core 2.16 to 2.22, and of ansible.windows."""
_WHILE_RUNNING = (
    '{"started": 1, "finished": 0, "ansible_job_id": "j123456789012.12345"}',
    '{"started": true, "finished": false, "ansible_job_id": "j123456789012.12345"}',
)
"""The file of a job at work: up to ansible-core 2.18, and from 2.19 on."""
_FILE = expression(
    r"(?:\s*\{\{\s*[\w.\[\]'\"]*\bresults_file\b['\"\]]*\s*\}\}|[\w./~-]*\.ansible_async/\{\{[^{}|~+%]*\}\})\s*"
)
_PROCESS = expression(r"\{\{\s*[\w.\[\]'\"]*\bansible_async_watchdog_pid\b['\"\]]*\s*\}\}")
_TEMPLATE = expression(r"\{\{[^{}]*\}\}")
_OF_A_SHELL = expression(r"[;|&<>$`(){}*?\[\]\n\\!]")
"""What a shell reads as something else than a word, where it stands outside of quotes; in an expression for ``grep`` it
is within them."""
_SPECIAL = expression(r"[\\*+?(){}|\n]")
"""What ``grep`` reads in another way without ``-E``, or as more than one expression."""
_REPEATS = expression(r"[*+{]|(?<!\()\?")
_REPEATS_A_GROUP = expression(r"\)\s*[*+?{]")
MAX_PATTERN = 200
MAX_REPEATS = 2
"""An expression with more of them may take long."""


def watches_file(task: Task) -> bool:
    """Whether a task that is given a job's id or status file may wait for what is to come of it."""
    module = task.short_name
    if module == "wait_for":
        return "search_regex" in task.args
    return module in _WATCHING and "until" in task.keywords


def waits_for_process(task: Task) -> bool:
    """A wait for the job's own watchdog to end."""
    is_wait = task.short_name == "win_wait_for_process" and str(task.args.get("state", "")) == "absent"
    return is_wait and _PROCESS.search(str(task.args.get("pid"))) is not None


def surely_watches_file(visit: Visit) -> bool:
    """Whether such a task surely waits for the end: what it asks for does not hold while the job runs."""
    task = visit.step
    if task.short_name == "wait_for":
        return _waits_for_text(task)
    register, until = task.keywords.get("register"), task.keywords.get("until")
    seen = _seen_while_running(visit)
    if not (isinstance(register, str) and until is not None and seen):
        return False
    return not any(satisfiable(settled(visit.asked(until, {register: result}))) for result in seen)


def _waits_for_text(task: Task) -> bool:
    """A ``wait_for`` on the file for a text that it does not have yet."""
    args = task.args
    sought, where = args.get("search_regex"), args.get("path", args.get("dest", args.get("name")))
    if args.get("state", "started") not in ("started", "present") or not isinstance(sought, str):
        return False
    return _is_file(where) and _is_nowhere(sought)


def _seen_while_running(visit: Visit) -> list[Value]:
    """What the task registers while the job runs, for each text of the file; nothing where that is not known."""
    task, args = visit.step, visit.step.args
    if task.short_name == "slurp":
        where = args.get("src", args.get("path"))
        texts = [base64.b64encode(text.encode()).decode() for text in _WHILE_RUNNING]
        return [_result(content=text, encoding="base64") for text in texts] if _is_file(where) else []
    if task.short_name not in ("command", "shell", "raw"):
        return []
    words = _words(task)
    if words[:1] == ["cat"] and len(words) == 2 and _is_file(words[1]):
        return [_result(stdout=text, stdout_lines=[text], rc=0) for text in _WHILE_RUNNING]
    if words[:1] == ["grep"] and len(words) > 2 and _is_file(words[-1]) and _finds_nothing(words[1:-1]):
        return [_result(failed=True, stdout="", stdout_lines=[], rc=1)]
    process = [_PROCESS.sub("PID", word) for word in words]
    if process in (["ps", "-p", "PID"], ["test", "-d", "/proc/PID"]) and not visit.keyword("delegate_to"):
        return [_result(rc=0)]
    return []


def _result(*, failed: bool = False, **keys: object) -> Value:
    """The result of a module of which no more is known."""
    entries = {key: Const(value) for key, value in keys.items()}
    return Map((("failed", Const(failed)), ("finished", ABSENT), *entries.items()), rest=UNKNOWN)


def _words(task: Task) -> list[str]:
    """The words of a simple command; none of any other."""
    args = dict(task.args)
    given = [args.pop(name) for name in ("_raw_params", "cmd", "argv") if name in args]
    if args.keys() - {"chdir"} or len(given) != 1:
        return []
    if isinstance(given[0], list):
        return given[0] if all(isinstance(word, str) for word in given[0]) else []
    templates = _TEMPLATE.findall(str(given[0]))
    text = _TEMPLATE.sub("TEMPLATE", str(given[0]))
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    outside = re.sub(r"'[^']*'", "", text)
    if len(templates) != 1 or text.count("TEMPLATE") != 1 or _OF_A_SHELL.search(outside):
        return []
    return [word.replace("TEMPLATE", templates[0]) for word in words]


def _finds_nothing(words: list[str]) -> bool:
    """Whether ``grep`` with these words finds nothing in the file of a job that runs."""
    flags = "".join(word[1:] for word in words[:-1] if re.fullmatch("-[qsEF]+", word))
    sought = words[-1]
    if sought.startswith("-") or not all(re.fullmatch("-[qsEF]+", word) for word in words[:-1]):
        return False
    if "F" in flags:
        return not any(line in text for line in sought.split("\n") for text in _WHILE_RUNNING)
    return ("E" in flags or not _SPECIAL.search(sought)) and _is_nowhere(sought)


def _is_file(written: object) -> bool:
    return isinstance(written, str) and _FILE.fullmatch(written) is not None


def _is_nowhere(pattern: str) -> bool:
    """Whether a regular expression finds nothing in the file of a job that runs, whatever the number in its id is."""
    if len(pattern) > MAX_PATTERN or "{{" in pattern or "{%" in pattern:
        return False
    if len(_REPEATS.findall(pattern)) > MAX_REPEATS or _REPEATS_A_GROUP.search(pattern):
        return False
    try:
        sought = re.compile(pattern, re.MULTILINE)
    except (re.error, OverflowError, RecursionError):
        return False
    return _asks_for_words(pattern) and not any(sought.search(text) for text in _WHILE_RUNNING)


def _asks_for_words(pattern: str) -> bool:
    """Whether the expression asks for more than digits, which may be those of another job's id."""
    return re.search(r"[A-Za-z]{3}", pattern) is not None
