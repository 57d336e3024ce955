"""Feeds `ansible-reap check` mutated projects until its time is up: no exception may leave it, no run may take long.

    PYTHONPATH=src python tools/fuzz.py --seconds 1800 --seed 7

The seeds are the golden cases. Each round takes one, lays settings, an ignore file, a committed history and a run's
report beside it, spoils some of its files in some places (lines, indentation, YAML and JSON syntax, Jinja, numbers,
bytes, names) and checks it as a user would; then the report is read as text and as a page. Nothing may be raised, no
control character printed, and nothing written outside the project. A round that fails is kept as a folder, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
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
from collections.abc import Callable, Iterator
from pathlib import Path

from ansible_reap.cli import main as ansible_reap

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
REPORT = "run.json"
LIMIT = 10
"""Seconds that a check of a small project may take."""
MAX_BYTES = 1_000_000
UNTOUCHED = ("expected.json",)
BESIDE = {
    ".ansible-reap.yml": "exclude_paths: [vendor/]\nrules:\n  async-timeout:\n    headroom: 3\n",
    ".ansible-lint": "skip_list: [async-background]\nwarn_list: [async-noop]\nexclude_paths: [build/]\n",
    ".ansible-lint-ignore": "site.yml async-noop[zero]\nroles/a/tasks/main.yml async-unreaped[never] skip\n",
    "galaxy.yml": "namespace: a\nname: b\nversion: 1.0.0\n",
    "ansible.cfg": "[defaults]\npoll_interval = 15\nroles_path = roles\n[callback_async_reaper]\nhistory =\n",
    ".ansible-reap/history.json": (
        '{"version": 1, "launches": [\n{"where": "site.yml", "task": "Start", "position": 0, "limit_s": 600, "runs": 6,'
        ' "uncertainty_s": 0, "times_s": {"2026-01-01T00:00:00Z-1": 550, "2026-01-02T00:00:00Z-2": ">600"}}\n]}\n'
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


def lay_beside(folder: Path, chance: random.Random) -> None:
    """Add settings, history and report, some in each round, and now and then a file or a link of an odd name."""
    for name, text in BESIDE.items():
        path = folder / name
        if chance.random() < 0.4 and not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if chance.random() < 0.2:
        path = folder / os.fsdecode(chance.choice(NAMES))
        path.write_text("- hosts: all\n  tasks:\n    - command: x\n      async: 9\n      poll: 0\n")
    if chance.random() < 0.1:
        link = folder / chance.choice(("linked.yml", ".ansible-lint-ignore", "galaxy.yml", "meta", ".ansible-reap.yml"))
        if not link.exists():
            link.symlink_to(chance.choice(("/dev/zero", "/etc/passwd", "/", "nowhere", link.name)))


def spoil(folder: Path, chance: random.Random) -> None:
    """Change a few places in the project's files."""
    regular = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    files = [path for path in regular if path.name not in UNTOUCHED]
    for _ in range(chance.randint(1, 8)):
        path = chance.choice(files)
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        changed = chance.choice(MUTATIONS)(text, chance) if text else chance.choice(SPLINTERS)
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


def trouble(folder: Path) -> str | None:
    """What went wrong when the project was checked and its report was read, or None."""
    commands: list[list[str | Path]] = [
        ["check", "--format", "json", "--project-dir", folder, folder],
        ["check", "--project-dir", folder, folder],
    ]
    if (folder / REPORT).exists():
        commands += [["report", folder / REPORT], ["report", folder / REPORT, "--html", folder / "page.html"]]
    before = _outside(folder)
    found = next(filter(None, (_trouble_of([str(word) for word in command]) for command in commands)), None)
    return found or ("something was written outside" if _outside(folder) != before else None)


def _outside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir())


def _trouble_of(command: list[str]) -> str | None:
    out, err = io.StringIO(), io.StringIO()
    began = time.process_time()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _alarm(60):
            warnings.simplefilter("error", RuntimeWarning)
            status = ansible_reap(command)
    except BaseException:  # noqa: BLE001 (whatever leaves it is what is looked for)
        return traceback.format_exc()
    finally:
        gc.enable()  # the command turns it off, as its process ends soon
    printed, told = out.getvalue(), err.getvalue()
    if time.process_time() - began > LIMIT:
        return f"took {time.process_time() - began:.1f} s"
    if status not in (0, 1, 2) or not (printed or told or command[0] == "report"):
        return f"exit status {status}: {told[-500:]}"
    if "please report" in printed + told:
        return f"an error of our own: {printed[-2000:]}{told[-2000:]}"
    if _CONTROL.search(printed) or _CONTROL.search(told):
        return f"a control character: {printed[-2000:]!r}{told[-2000:]!r}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="where failing projects are kept")
    args = parser.parse_args()
    cases = sorted(path.parent for path in GOLDEN.rglob("expected.json"))
    chance = random.Random(args.seed)
    end = time.monotonic() + args.seconds
    rounds = failures = 0
    slowest = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        while time.monotonic() < end:
            rounds += 1
            folder = Path(scratch) / "project"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(chance.choice(cases), folder)
            lay_beside(folder, chance)
            (folder / "ansible.cfg").touch()
            spoil(folder, chance)
            began = time.process_time()
            found = trouble(folder)
            slowest = max(slowest, time.process_time() - began)
            if found is not None:
                failures += 1
                kept = args.keep / f"{args.seed}-{rounds}"
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                (kept / "trouble.txt").write_text(found)
                print(f"{kept}: {found.strip().splitlines()[-1]}", flush=True)
    print(f"{rounds} projects, {failures} failed, the slowest took {slowest:.2f} s of processor time")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
