"""Tries `check --fix` on copies of whole projects, and holds what it did against what it promises.

    PYTHONPATH=src python tools/check_fixes.py [--ansible-playbook PROGRAM] PROJECT ...

For each project: a second `check` finds nothing that can be fixed, a second `--fix` changes no byte, lines are only
removed within a task that was reported, what is added elsewhere is whole tasks that wait or reboot, and (with
`--ansible-playbook`) every playbook that passed the syntax check before passes it after. The projects themselves are
not touched. The exit status is 1 where anything does not hold.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import ansible_reap

Lines = list[str]
MODULES = {"async_status", "reboot", "ansible.builtin.async_status", "ansible.builtin.reboot"}
"""What a task that a fix adds may run."""
KEYWORDS = re.compile(r"\A(?: *(?:register|retries|delay): \w+(?:\r?\n|\Z))+")
"""What a fix adds as the last lines of a task that was reported."""
PLAYBOOKS_TRIED = 5
"""Playbooks that get a syntax check in one project, beside those through which a fixed file is reached."""


class Loose(yaml.SafeLoader):
    """Takes every tag for plain data."""


Loose.add_multi_constructor("", lambda loader, _, node: loader.construct_yaml_str(node))


@dataclass
class Tried:
    """What trying one project has shown."""

    name: str
    fixed: int = 0
    refused: int = 0
    files: int = 0
    playbooks: int = 0
    problems: list[str] = field(default_factory=list)


def check(root: Path, *options: str) -> tuple[dict[str, Any], str]:
    """The answer of `ansible-reap check --format json`, and what it said on standard error."""
    command = [sys.executable, "-m", "ansible_reap", "check", "--project-dir", str(root), "--format", "json", *options]
    variables = {**os.environ, "PYTHONPATH": str(Path(ansible_reap.__file__).parent.parent.absolute())}
    reply = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, check=False)
    if reply.returncode not in (0, 1, 2) or not reply.stdout:
        raise SystemExit(f"{root}: {reply.stderr}")
    return json.loads(reply.stdout), reply.stderr


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(root).parts
    }


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """First and last line of every entry of every list: of each task, among others."""
    for document in yaml.compose_all(data.decode(), Loader=yaml.SafeLoader):
        todo = [document]
        while todo:
            node = todo.pop()
            if isinstance(node, yaml.SequenceNode):
                for entry in node.value:
                    # A block mapping ends where the next token starts, all else on its own last line.
                    in_block = isinstance(entry, yaml.MappingNode) and not entry.flow_style
                    yield entry.start_mark.line + 1, entry.end_mark.line + (0 if in_block else 1)
                todo += node.value
            elif isinstance(node, yaml.MappingNode):
                todo += [child for pair in node.value for child in pair]


def lines_of(data: bytes) -> Lines:
    return data.decode("utf-8", "surrogateescape").splitlines(keepends=True)


def task_lines(data: bytes, reported: set[int]) -> set[int]:
    """The lines of the tasks in which something was reported: the smallest list entry around each line."""
    found: set[int] = set()
    entries = sorted(spans(data), key=lambda span: span[1] - span[0])
    for line in reported:
        around = (span for span in entries if span[0] <= line <= span[1])
        first, last = next(around, (line, line))
        found |= set(range(first, last + 1))
    return found


def strays(name: str, before: bytes, after: bytes, reported: set[int]) -> Iterator[str]:
    """What a fix has changed outside the tasks concerned."""
    old, new = lines_of(before), lines_of(after)
    inside = task_lines(before, reported)
    for kind, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if kind in ("replace", "delete"):
            gone = [number for number in range(first + 1, last + 1) if old[number - 1].strip()]
            outside = [number for number in gone if number not in inside]
            # A last line without a line end gets one when something is added below it.
            first_new = new[new_first] if new_first < new_last else ""
            outside = [number for number in outside if not first_new.startswith(old[number - 1].rstrip("\r\n"))]
            if outside:
                yield f"{name}:{outside[0]}: a line outside the reported tasks is gone: {old[outside[0] - 1]!r}"
        if kind == "insert" and not {first, first + 1} <= inside:
            added = "".join(new[new_first:new_last])
            yield from (
                f"{name}:{first + 1}: {why}" for why in _odd(KEYWORDS.sub("", added) if first in inside else added)
            )


def _odd(added: str) -> Iterator[str]:
    """Why an addition between tasks is not whole tasks of the kinds that fixes add."""
    try:
        tasks = yaml.load(added, Loader=Loose)
    except yaml.YAMLError:
        yield f"what is added is no YAML: {added!r}"
        return
    if tasks is None:
        return
    if isinstance(tasks, dict):
        yield from (f"'{key}' is added" for key in tasks if key != "register")
        return
    for task in tasks if isinstance(tasks, list) else [tasks]:
        if not isinstance(task, dict) or not MODULES & set(task):
            yield f"what is added is no wait: {task}"


def playbooks(root: Path, wanted: set[str]) -> list[str]:
    """Playbooks of the project: those that are wanted, and up to PLAYBOOKS_TRIED others."""
    others = []
    for path in sorted(root.rglob("*.y*ml")):
        name = str(path.relative_to(root))
        if name in wanted or {"roles", "tasks", ".git", "molecule"} & set(path.parts):
            continue
        try:
            content = yaml.load(path.read_text(), Loader=Loose)
        except (yaml.YAMLError, OSError, ValueError):
            continue
        if isinstance(content, list) and any(isinstance(play, dict) and "hosts" in play for play in content):
            others.append(name)
    return [*sorted(wanted), *others[:PLAYBOOKS_TRIED]]


def passing(program: str, root: Path, names: list[str]) -> set[str]:
    """The playbooks that pass the syntax check, each asked for itself."""
    variables = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_HOME": str(root.parent / "home")}
    found = set()
    for name in names:
        command = [program, "--syntax-check", "-i", "localhost,", name]
        try:
            reply = subprocess.run(command, cwd=root, env=variables, capture_output=True, check=False, timeout=120)
        except subprocess.TimeoutExpired:
            continue
        if reply.returncode == 0:
            found.add(name)
    return found


def attempt(project: Path, scratch: Path, program: str | None) -> Tried:
    """Fix a copy of the project, and look."""
    root = scratch / project.name
    shutil.copytree(project, root, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    (root / ".git").mkdir()
    tried = Tried(project.name)
    before = files(root)
    first, _ = check(root)
    if not any(finding["fixable"] for finding in first["findings"]):
        return tried
    pristine = scratch / "pristine" / project.name
    shutil.copytree(root, pristine, symlinks=True)
    _, said = check(root, "--fix")
    applied = [line.split(": ")[:2] for line in said.splitlines() if line.startswith("fixed ")]
    tried.fixed = len(applied)
    after = files(root)
    changed = sorted(name for name in before if before[name] != after.get(name))
    tried.files = len(changed)
    tried.problems += [f"{name}: a file has come or gone" for name in sorted(before.keys() ^ after.keys())]
    for name in changed:
        reported = {finding["line"] for finding in first["findings"] if finding["path"] == name}
        reported |= {each["line"] for f in first["findings"] for each in f["related"] if each["path"] == name}
        tried.problems += strays(name, before[name], after[name], reported)
    second, _ = check(root)
    left = [finding for finding in second["findings"] if finding["fixable"]]
    known = {(finding["path"], finding["tag"], finding["task"]) for finding in first["findings"]}
    tried.refused = len(left)
    tried.problems += [f"{f['path']}:{f['line']}: {f['tag']} could still be fixed" for f in left]
    tried.problems += [
        f"{f['path']}:{f['line']}: {f['tag']} is new: {f['task']}"
        for f in second["findings"]
        if (f["path"], f["tag"], f["task"]) not in known
    ]
    check(root, "--fix")
    again = files(root)
    tried.problems += [f"{name}: a second --fix changes it" for name, data in again.items() if after[name] != data]
    if program is not None:
        entries = {step.rpartition(":")[0] for launch in first["launches"] for step in launch["via"][:1]}
        entries |= {name for name in changed if b"hosts:" in after[name]}
        names = playbooks(root, {name for name in entries if (root / name).is_file()})
        good = passing(program, pristine, names)
        tried.playbooks = len(good)
        worse = good - passing(program, root, sorted(good))
        tried.problems += [f"{name}: no longer passes the syntax check" for name in sorted(worse)]
    return tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", metavar="PROJECT", nargs="+", type=Path)
    parser.add_argument("--ansible-playbook", metavar="PROGRAM", help="also ask it for syntax checks")
    args = parser.parse_args()
    total = Tried("total")
    for project in args.projects:
        with tempfile.TemporaryDirectory() as scratch:
            tried = attempt(project.absolute(), Path(scratch), args.ansible_playbook)
        if tried.fixed or tried.problems:
            fixes = f"{tried.fixed} fixes in {tried.files} files"
            print(f"{tried.name}: {fixes}, {tried.playbooks} playbooks checked", flush=True)
        for problem in tried.problems:
            print(f"  {problem}", flush=True)
        total.fixed += tried.fixed
        total.files += tried.files
        total.playbooks += tried.playbooks
        total.problems += tried.problems
    print(
        f"{len(args.projects)} projects: {total.fixed} fixes in {total.files} files, "
        f"{total.playbooks} playbooks pass the syntax check before and after, {len(total.problems)} problems"
    )
    return 1 if total.problems else 0


if __name__ == "__main__":
    sys.exit(main())
