"""Feeds ansible-reap spoiled files until its time is up: no exception may leave it, no command may take long.

    PYTHONPATH=src python tools/fuzz.py --minutes 30 --seed 7 [--target NAME ...]

Each round takes one of the TARGETS: the content of a project (a golden case), its settings, its ignore file, its
committed history, names of files, calls, inventories, a run's report, a ledger, or what a host replies. What belongs to
it is laid down and spoiled in some places (lines, indentation, YAML and JSON syntax, Jinja, numbers, bytes), then the
commands that read it run as a user would start them. Nothing may be raised, no control character printed, and nothing
written outside the project. Of a call, whatever its spelling and the name of its file, the launch in the file must be
found. A round that fails is kept as a folder, and the exit status is 1. The last line sums up.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ansible_reap.cli import main as ansible_reap
from ansible_reap.runtime.events.replies import job_id, reply_of

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
REPORT = "run.json"
LEDGER = "ledger/run.ledger"
REPLY = "reply.json"
LIMIT = 10
"""Seconds that a check of a small project may take."""
MAX_BYTES = 1_000_000
JSON_ENDINGS = (".json", ".ledger")
UNTOUCHED = ("expected.json",)
BESIDE = {
    ".ansible-reap.yml": "exclude_paths: [vendor/]\nrules:\n  async-timeout:\n    headroom: 3\n",
    ".ansible-lint": "skip_list: [async-background]\nwarn_list: [async-noop]\nexclude_paths: [build/]\n",
    ".ansible-lint-ignore": "site.yml async-noop[zero]\nroles/a/tasks/main.yml async-unreaped[never] skip\n",
    "galaxy.yml": "namespace: a\nname: b\nversion: 1.0.0\n",
    "ansible.cfg": (
        "[defaults]\npoll_interval = 15\nroles_path = roles:${PWD}/more:~/x:{{CWD}}/templates\ncollections_path = c\n"
        "library = plugins\n[privilege_escalation]\nbecome = yes\n[callback_async_reaper]\nhistory =\n"
    ),
    "pyproject.toml": '[tool.ansible-reap]\nexclude_paths = ["vendor/", "~/x", "$HOME/y"]\nignore = ["async-noop"]\n',
    "inventory/hosts": "[web]\na ansible_user=b fast=true limit=6\n[web:vars]\ninterval='{{ 0 }}'\n[d:children]\nweb\n",
    "inventory/hosts.toml": '[web.hosts]\na = {fast = true}\n[web.vars]\ninterval = "{{ 0 }}"\n',
    "inventory/cloud.txt": "all:\n  vars: {limit: 60}\n",
    "host_vars/a": "fast: '{{ limit | int > 3 }}'\nlimit: \"{{ interval | default(60) }}\"\n",
    "group_vars/web/x.json": '{"interval": 0, "fast": "{{ not slow }}"}\n',
    "site-of-inventory.yml": (
        "- hosts: all\n  tasks:\n    - command: work\n      async: '{{ limit }}'\n      poll: '{{ interval }}'\n"
        "      register: job\n      when: fast\n    - include_tasks: '{{ part | default('x.yml') }}'\n"
        "    - async_status: {jid: '{{ job.ansible_job_id }}'}\n      register: ended\n      until: ended is finished\n"
        "      when: fast\n"
    ),
    ".ansible-reap/history.json": (
        '{"version": 1, "launches": [\n{"where": "site.yml", "task": "Start", "position": 0, "limit_s": 600, "runs": 6,'
        ' "uncertainty_s": 0, "times_s": {"2026-01-01T00:00:00Z-1": 550, "2026-01-02T00:00:00Z-2": ">600"}}\n]}\n'
    ),
    LEDGER: (
        '{"v":1,"kind":"run","run":"r","pid":1,"pid_start":"1","controller":"c","started":"2026-01-01T00:00:00Z",'
        '"playbooks":["site.yml"],"ansible_core":"2.21.0","base":"/project"}\n'
        '{"v":1,"kind":"intent","key":"k1","host":"web1","when":1767225600.5,"site":{"play":"all","task":"Start",'
        '"path":"site.yml","line":3,"role":null,"register":"job","limit_s":60,"poll":0,"no_log":false}}\n'
        '{"v":1,"kind":"launch","jid":"j1.1","host":"web1","site":{"play":"all","task":"Start","path":"site.yml",'
        '"line":3,"role":"r","register":"job","limit_s":60,"poll":0,"no_log":false,"access":{"become":true,'
        '"port":22,"variables":[["ansible_host","10.0.0.1"]]}},"results_file":"/home/a/.ansible_async/j1.1",'
        '"item":"a","launched":1767225601.75}\n'
        '{"v":1,"kind":"answer","key":"k1","host":"web1"}\n'
        '{"v":1,"kind":"launch","jid":"j2.2","host":"web2","site":{"play":"all","task":"Start","path":"site.yml",'
        '"line":9,"role":null,"register":null,"limit_s":600,"poll":0,"no_log":true},"results_file":null,'
        '"item":null,"launched":1767225602.0}\n'
        '{"v":1,"kind":"closing","jid":"j1.1","state":"failed"}\n'
    ),
    REPLY: (
        '{"ansible_job_id": "j1.1", "results_file": "/home/a/.ansible_async/j1.1", "started": 1, "finished": 1,\n'
        ' "rc": 0, "msg": "Timeout exceeded", "child_pid": 4711, "attempts": 3, "failed": false, "changed": true,\n'
        ' "start": "2026-01-01 00:00:00.000001", "end": "2026-01-01 00:01:00.5", "stdout": "x", "stderr": "",\n'
        ' "failed_when_suppressed_exception": "(traceback unavailable)"}\n'
    ),
    REPORT: (
        '{"version": 1, "run": "r", "playbooks": ["site.yml"], "outcome": "failed",\n'
        ' "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:01:00Z",\n'
        ' "jobs": [{"jid": "j1.1", "host": "web1", "task": "Start", "path": "site.yml", "line": 3,\n'
        ' "state": "failed", "last_seen": "failed", "seen_by": "gate", "swallowed": false, "limit_s": 60,\n'
        ' "runtime_s": 10.5, "poll": 0, "launched": "2026-01-01T00:00:10Z", "finished": "2026-01-01T00:00:20Z"}]}\n'
    ),
}
"""What is laid beside the content, so that it is spoiled too."""
NAMES = (
    b"caf\xe9.yml", b"a\nb.yml", b"\x1b[31m.yml", b"::error::x.yml", b"--output=x.yml", b"{{ x }}.yml", b" .yml",
    b"##[x].yml",
    b"a" * 200 + b".yml",
)  # fmt: skip
CALLS = (
    "include_tasks: {name}",
    "ansible.builtin.import_tasks: {name}",
    "include_tasks:\n{padding}        file: {name}",
    "import_tasks: {{file: {name}}}",
    "include_tasks:\n{padding}      args:\n        file: {name}",
    "args: {{file: {name}}}\n{padding}      include_tasks:",
    "action: {{module: include_tasks, file: {name}}}",
    "action:\n        file: {name}\n        module: ansible.builtin.include_tasks",
    "? include_tasks\n{padding}      : {name}",
    "!!str include_tasks : {name}",
    "<<: {{include_tasks: {name}}}",
    "block: [{{include_tasks: {name}}}]",
    "vars: {{of: &of {name}}}\n      include_tasks: *of",
    "vars: {{of: {name}}}\n      include_tasks: '{{{{ of }}}}'",
    "loop: [{name}]\n      include_tasks: '{{{{ item }}}}'",
    "include_tasks:\n        apply: {{vars: {{a: aaaa}}}}\n{padding}        file: {name}",
)
"""Ways to call a file, each of which Ansible takes (2.16 and 2.22)."""
PADDINGS = ("", "", "        # padding of a line\n" * 40, "\n" * 700, "        # {{ x }}: [a\n")
FOLDERS = (
    "",
    "x/",
    "x,y/z/",
    "../x/",
    "templates/",
    "files/",
    ".github/",
    "x y/",
    "roles/r/vars/",
    "{folder}/",
    "{folder}/.github/",
)
LETTERS = "ab,#@+~ é'&!%^(;$-"
ENDINGS = ("", ".yml", ".yaml", ".json", ".inc", ".txt", ".j2", ".md", ".cfg", ".yml.bak")
HIDDEN = '[{"name": "Hidden", "command": "work", "async": 60, "poll": 0}]\n'
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

SPLINTERS = (
    "{{", "}}", "{%", "%}", "{# ", "|", "(", ")", "[", "]", "{", "}", "'", '"', ":", ": ", "- ", "&a ", "*a",
    "<<: *a", "!vault |", "!unsafe ", "!!python/none ", "---\n", "...\n", "\t", "\x00", "\ufeff", "\u2028",
    "\U0001f4a5", "%YAML 1.1\n", "async: ", "poll: 0", "register: x", "loop: ", "with_items: ", "until: ", "when: ",
    "vars: ", "block:\n", "rescue:\n", "import_playbook: ", "include_tasks: ", "include_role: ", "import_role: ",
    "set_fact: ", "async_status: ", "{{ item }}", "{{ item.ansible_job_id }}", "{{ x.results }}",
    "{{ x | default(omit) }}", "{{ 2 ** 99999 }}", "{{ 'a' * 10 ** 9 }}", "{{ x.__class__ }}", "{{ [1] * 10 ** 8 }}",
    "{{ range(10 ** 9) | list }}", "{{ lookup('file', '/etc/passwd') }}", "{{ (1, 2)[x] }}", "{{ a if b else c }}",
    "{{ x | map(attribute='ansible_job_id') | list + y }}", "999999999999999999999", "-1", "1e400", ".nan", "0x7f",
    "0o7", "12:30:45", "9" * 5000, "0x" + "f" * 5000, "1:" + ":".join(["59"] * 900), "NaN", "Infinity", "-1e308",
    '"\\ud800"', "&x [*x]", "[" * 300, "2026-99-99", "9999-12-31T23:59:59-23:59", "null,", "{}", "[]",
    "2026-01-01", "yes", "null", "~", "main.yml", "../", "/", ".", "*",
)  # fmt: skip


VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, -(10**30), 1.5, 1e308, -1e308, float("nan"), float("inf"), "",
    " ", "x", "x" * 5000, "\x1b[31m", "\ud800", "\u202e", "::error::x", "../../x", "/etc/passwd", "{{ x }}",
    "2026-01-01", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00-23:59", ">600", "failed",
    "running", [], {}, [[]], [1, "a", None], {"a": {"b": [None]}},
)  # fmt: skip
"""What takes the place of a value in JSON."""


def _change_json(text: str, chance: random.Random) -> str:
    """Change values of the JSON in the text, or in one of its lines, so that it stays JSON."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    for start, whole in ((None, text), (at, lines[at])):
        try:
            parsed = json.loads(whole)
        except (ValueError, RecursionError):
            continue
        for _ in range(chance.randint(1, 3)):
            parsed = _changed(parsed, chance)
        written = json.dumps(parsed)
        return written if start is None else "\n".join([*lines[:start], written, *lines[start + 1 :]])
    return text


def _changed(value: Any, chance: random.Random) -> object:
    if not isinstance(value, list | dict) or not value or chance.random() < 0.1:
        return chance.choice(VALUES)
    changed = value.copy()
    key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if chance.random() < 0.1:
        del changed[key]
    else:
        changed[key] = _changed(value[key], chance)
    return changed


def _swap_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def _repeat_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    first = chance.randrange(len(lines))
    part = lines[first : first + chance.randint(1, 12)]
    at = chance.randrange(len(lines))
    return "\n".join(lines[:at] + part * chance.choice((1, 1, 2, 40)) + lines[at:])


def _drop_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    first = chance.randrange(len(lines))
    return "\n".join(lines[:first] + lines[first + chance.randint(1, 4) :])


def _shift_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    lines[at] = " " * chance.randint(1, 6) + lines[at] if chance.random() < 0.5 else lines[at][chance.randint(1, 4) :]
    return "\n".join(lines)


def _insert(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(SPLINTERS) + text[at:]


def _replace_value(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    key, colon, _ = lines[at].partition(": ")
    if colon:
        lines[at] = key + colon + chance.choice(SPLINTERS).strip("\n")
    return "\n".join(lines)


def _cut(text: str, chance: random.Random) -> str:
    first = chance.randrange(len(text) + 1)
    return text[:first] + text[first + chance.randint(1, 30) :]


def _deepen(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    opening, closing = chance.choice((("[", "]"), ("{a: ", "}"), ("{{ (", ") }}"), ("- ", "")))
    depth = chance.choice((3, 60, 900))
    return text[:at] + opening * depth + "x" + closing * depth + text[at:]


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    _swap_lines,
    _repeat_lines,
    _drop_lines,
    _shift_line,
    _insert,
    _insert,
    _replace_value,
    _replace_value,
    _cut,
    _deepen,
)


class Target(NamedTuple):
    """What is spoiled, and what reads it."""

    files: tuple[str, ...]
    """Those of BESIDE that belong to it; none: the project's own content."""
    commands: Callable[[Path], list[list[str]]]


def _checks(folder: Path) -> list[list[str]]:
    return [
        ["check", "--format", "json", "--project-dir", str(folder), str(folder)],
        ["check", "--project-dir", str(folder), str(folder)],
    ]


def _checks_of_history(folder: Path) -> list[list[str]]:
    return [
        *_checks(folder),
        ["history", "show", "--committed"],
        ["history", "show", "--committed", "--format", "json"],
    ]


def _reports(folder: Path) -> list[list[str]]:
    report = str(folder / REPORT)
    formats = ("text", "prometheus", "otlp-json", "markdown", "github")
    shown = [["report", report, "--format", name] for name in formats]
    return [*shown, ["report", report, "--html", str(folder / "page.html")]]


def _lists(folder: Path) -> list[list[str]]:
    jobs = ["jobs", "--ledger-dir", str((folder / LEDGER).parent)]
    return [[*jobs, *more] for more in ([], ["--format", "json"], ["--all"], ["--all", "--format", "json"])]


def _none(_: Path) -> list[list[str]]:
    return []


TARGETS = {
    "content": Target((), _checks),
    "settings": Target((".ansible-reap.yml", ".ansible-lint", "galaxy.yml", "ansible.cfg"), _checks),
    "pyproject": Target(("pyproject.toml", "ansible.cfg"), _checks),
    "calls": Target((), _checks),
    "inventory": Target(
        (
            *("inventory/hosts", "inventory/hosts.toml", "inventory/cloud.txt", "host_vars/a", "group_vars/web/x.json"),
            "site-of-inventory.yml",
        ),
        _checks,
    ),
    "ignore": Target((".ansible-lint-ignore",), _checks),
    "history": Target((".ansible-reap/history.json",), _checks_of_history),
    "names": Target((), _checks),
    "report": Target((REPORT,), _reports),
    "ledger": Target((LEDGER,), _lists),
    "replies": Target((REPLY,), _none),
}


def lay_out(folder: Path, name: str, chance: random.Random) -> list[Path]:
    """Lay a target's files into the project; those that are to be spoiled."""
    laid = []
    for each in TARGETS[name].files:
        path = folder / each
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(BESIDE[each])
        laid.append(path)
    if name == "names":
        path = folder / os.fsdecode(chance.choice(NAMES))
        path.write_text("- hosts: all\n  tasks:\n    - command: x\n      async: 9\n      poll: 0\n")
        link = folder / chance.choice(("linked.yml", ".ansible-lint-ignore", "galaxy.yml", "meta", ".ansible-reap.yml"))
        if not link.exists():
            link.symlink_to(chance.choice(("/dev/zero", "/etc/passwd", "/", "nowhere", link.name)))
    (folder / "ansible.cfg").touch()
    regular = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    return laid or [path for path in regular if path.name not in UNTOUCHED]


def spoil(files: list[Path], chance: random.Random) -> None:
    """Change a few places in these files."""
    for _ in range(chance.randint(1, 8)):
        path = chance.choice(files)
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        mutations = (_change_json,) if path.suffix in JSON_ENDINGS and chance.random() < 0.8 else MUTATIONS
        changed = chance.choice(mutations)(text, chance) if text else chance.choice(SPLINTERS)
        data = changed.encode("utf-8", errors="surrogateescape")
        if chance.random() < 0.03:
            data = data[: chance.randrange(len(data) + 1)] + bytes(chance.randrange(256) for _ in range(4))
        if len(data) < MAX_BYTES:
            path.write_bytes(data)


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TimeoutError(f"no answer in {seconds} s")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def trouble(folder: Path, name: str) -> str | None:
    """What went wrong when the target was read, or None."""
    before = _outside(folder)
    here = Path.cwd()
    os.chdir(folder)
    try:
        found = next(filter(None, map(_trouble_of, TARGETS[name].commands(folder))), None)
        if name == "replies":
            found = _trouble_with_reply((folder / REPLY).read_bytes())
    finally:
        os.chdir(here)
    return found or ("something was written outside" if _outside(folder) != before else None)


def calling(folder: Path, chance: random.Random) -> str:
    """Make the folder a project that calls a file with a launch; the file's path."""
    shutil.rmtree(folder)
    letters = "".join(chance.choice(LETTERS) for _ in range(chance.randint(0, 9)))
    name = chance.choice(FOLDERS).format(folder=folder) + f"a{letters}b" + chance.choice(ENDINGS)
    playbook = folder / chance.choice(("site.yml", "deploy/site.yml"))
    path = Path(os.path.normpath(playbook.parent / name))
    if not path.is_relative_to(folder):
        path = folder / (name := path.name)
        playbook = folder / "site.yml"
    for each in (playbook, path):
        each.parent.mkdir(parents=True, exist_ok=True)
    call = chance.choice(CALLS).format(name=json.dumps(name, ensure_ascii=False), padding=chance.choice(PADDINGS))
    playbook.write_text(f"- hosts: all\n  tasks:\n    - {call}\n")
    path.write_text(chance.choice(("", "# a comment\n", "--- ")) + HIDDEN if path.suffix != ".json" else HIDDEN)
    (folder / "ansible.cfg").touch()
    return str(path.relative_to(folder))


def _trouble_with_call(folder: Path, chance: random.Random) -> str | None:
    path = calling(folder, chance)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        ansible_reap(["check", "--format", "json", "--project-dir", str(folder), str(folder)])
    found = [launch["path"] for launch in json.loads(printed.getvalue())["launches"]]
    return None if found == [path] else f"the launch in {path!r} is not found, but {found}"


def _trouble_with_reply(data: bytes) -> str | None:
    """A host's reply reaches us as data: whatever JSON can say, and each value in the place of each other."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict) or not parsed:
        return None
    shifted = dict(zip(parsed, [*list(parsed.values())[1:], parsed], strict=True))
    try:
        for reply in (parsed, shifted):
            read: Any = reply_of(reply)
            job_id(reply.get("ansible_job_id"))
            if _CONTROL.search(read.msg or ""):
                return f"a control character: {read.msg!r}"
    except Exception:  # noqa: BLE001 - whatever leaves it is what is looked for
        return traceback.format_exc()
    return None


def _outside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir())


def _trouble_of(command: list[str]) -> str | None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    began = time.process_time()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _alarm(60):
            warnings.simplefilter("error", RuntimeWarning)
            status = ansible_reap(command)
    except BaseException:  # noqa: BLE001 (whatever leaves it is what is looked for)
        return traceback.format_exc()
    finally:
        gc.enable()  # the command turns it off, as its process ends soon
    printed, told = map(_written, (out, err))
    if time.process_time() - began > LIMIT:
        return f"took {time.process_time() - began:.1f} s"
    if status not in (0, 1, 2) or not (printed or told or command[0] in ("report", "jobs")):
        return f"exit status {status}: {told[-500:]}"
    if "please report" in printed + told:
        return f"an error of our own: {printed[-2000:]}{told[-2000:]}"
    if _CONTROL.search(printed) or _CONTROL.search(told):
        return f"a control character: {printed[-2000:]!r}{told[-2000:]!r}"
    return None


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", choices=TARGETS, help="may be given more than once; default: all")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="where failing projects are kept")
    args = parser.parse_args()
    cases = sorted(path.parent for path in GOLDEN.rglob("expected.json"))
    names = args.target or list(TARGETS)
    chance = random.Random(args.seed)
    end = time.monotonic() + args.minutes * 60
    inputs: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        while time.monotonic() < end:
            name = names[inputs.total() % len(names)]
            inputs[name] += 1
            folder = Path(scratch) / "project"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(chance.choice(cases), folder)
            began = time.process_time()
            found = _trouble_with_call(folder, chance) if name == "calls" else None
            spoil(lay_out(folder, name, chance), chance)
            found = found or trouble(folder, name)
            slowest = max(slowest, time.process_time() - began)
            if found is not None:
                failures[name] += 1
                kept = args.keep / f"{args.seed}-{name}-{inputs[name]}"
                shutil.copytree(folder, kept, dirs_exist_ok=True, symlinks=True)
                (kept / "trouble.txt").write_text(found)
                print(f"{kept}: {found.strip().splitlines()[-1]}", flush=True)
    counted = ", ".join(f"{name} {inputs[name]} ({failures[name]} failed)" for name in names)
    print(f"{inputs.total()} inputs, {failures.total()} failed; slowest {slowest:.2f} s of processor time; {counted}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
