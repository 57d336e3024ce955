"""Which branches of the package generated projects reach: in this process, and in the runs of a server and their forks.

Measured with coverage.py. Each process that ends writes what it has run and nobody had before; so a thousand runs with
ten workers each leave a small file. ``never_reached.txt`` says of a function or a file why projects do not reach all
of it; what stands there neither is told as open.
"""

from __future__ import annotations

import ast
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

PACKAGE = Path(__file__).resolve().parent.parent.parent / "src" / "ansible_reap"
ROOMS = ("flow/walk", "flow/evaluation", "runtime")
"""What is measured, below the package."""
REASONS = Path(__file__).with_name("never_reached.txt")
_Arc: TypeAlias = "tuple[str, int, int]"


class Reached:
    """What this process and those that write into the same file have run."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0
        self._known: set[_Arc] = set()
        rooms = [str(PACKAGE / room) for room in ROOMS]
        coverage = import_module("coverage")  # only where it is asked for: it is in an environment of its own
        self._coverage = coverage.Coverage(data_file=None, branch=True, source=rooms, config_file=False, messages=False)

    def start(self) -> None:
        """Measure from now on, in forks too."""
        leave = os._exit

        def leaving(status: int) -> NoReturn:
            self.write()
            leave(status)

        os._exit = leaving
        self._coverage.start()

    def write(self) -> None:
        """Add what has been run here and is not known yet."""
        data = self._coverage.get_data()
        arcs = {(path, *arc) for path in data.measured_files() for arc in data.arcs(path) or ()} - self._known
        if arcs:
            self._known |= arcs
            line = json.dumps(sorted(arcs)).encode() + b"\n"
            # In one call: what is appended so stays whole, whoever else writes.
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(descriptor, line)
            os.close(descriptor)

    def learn(self) -> None:
        """Take in what others have written since the last call, so that no fork writes it again."""
        if self._file.exists():
            with self._file.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if line.endswith(b"\n"):
                        self._read += len(line)
                        self._known.update((path, begin, end) for path, begin, end in json.loads(line))


def measuring(variable: str = "REFEREE_REACHED") -> Reached | None:
    """As the environment variable says, which names the file; None where it is not set."""
    file = os.environ.get(variable)
    return Reached(Path(file)) if file else None


# ---- the report


def report(file: Path, say: Callable[[str], None] = print) -> None:
    """Tell the share of branches that were reached in each room, and of each function what was not, and why."""
    reasons = _reasons()
    by_room: defaultdict[str, Counter[str]] = defaultdict(Counter)
    told: list[str] = []
    for path, found in _measured(file).items():
        room = next(each for each in ROOMS if path.startswith(f"{each}/"))
        summary = found["summary"]
        by_room[room].update(all=summary["num_branches"], reached=summary["covered_branches"])
        text = (PACKAGE / path).read_text(encoding="utf-8")
        names = _functions(text)
        missing: defaultdict[str, list[int]] = defaultdict(list)
        for begin, _ in found["missing_branches"]:
            missing[names.get(begin, "(module)")].append(begin)
        for name, lines in missing.items():
            reason = reasons.get(f"{path} {name}") or reasons.get(path)
            by_room[room].update({"open" if reason is None else "explained": len(lines)})
            told.append(f"{path} {name}: {len(lines)} never reached (lines {_listed(lines)}): {reason or 'OPEN'}")
    for line in sorted(told):
        say(line)
    for room in ROOMS:
        counted = by_room[room]
        share = 100 * counted["reached"] / max(counted["all"], 1)
        say(
            f"{room}: {counted['reached']} of {counted['all']} branches reached, {share:.1f} %; "
            f"{counted['explained']} have a reason, {counted['open']} are open"
        )


def _listed(lines: list[int]) -> str:
    return ", ".join(map(str, sorted(set(lines))))


def _reasons() -> dict[str, str]:
    """By ``PATH FUNCTION`` or ``PATH``; a line that begins with ``#`` is a remark."""
    found: dict[str, str] = {}
    for line in REASONS.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            where, _, reason = line.partition(": ")
            found[where] = reason
    return found


def _measured(file: Path) -> dict[str, dict[str, Any]]:
    """What coverage.py says of each file, by its path below the package."""
    arcs: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for line in file.read_text(encoding="utf-8").splitlines():
        for path, begin, end in json.loads(line):
            arcs[path].add((begin, end))
    measured = import_module("coverage").Coverage(data_file=None, branch=True, source=[str(PACKAGE)], config_file=False)
    measured.get_data().add_arcs(arcs)
    told = file.with_suffix(".json")
    rooms = [f"{PACKAGE / room}/*" for room in ROOMS]
    measured.json_report(outfile=str(told), include=rooms)
    files = json.loads(told.read_text(encoding="utf-8"))["files"]
    return {str(Path(path).resolve().relative_to(PACKAGE)): found for path, found in files.items()}


def _functions(text: str) -> dict[int, str]:
    """The name of the function, as in ``Class.method``, in which each line stands."""
    found: dict[int, str] = {}
    for name, node in _defined(ast.parse(text), ""):
        found.update(dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), name))
    return found


def _defined(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.stmt]]:
    for each in ast.iter_child_nodes(node):
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{inside}{each.name}"
            if not isinstance(each, ast.ClassDef):
                yield name, each
            else:
                yield from _defined(each, f"{name}.")
        else:
            yield from _defined(each, inside)
