"""Asks a server of one ansible-core version for runs, and reads what each left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).resolve().parent.parent
ROOT = TOOLS.parent
OURS = ("referee_observer", "async_reaper")
OBSERVER = ("referee_observer",)


@dataclass(frozen=True)
class Asked:
    """One run that is wanted: of which project folder, with which arguments, and where its traces go."""

    folder: Path
    run: Path
    argv: tuple[str, ...]
    hosts: tuple[str, ...]
    callbacks: tuple[str, ...]
    options: Mapping[str, str]
    """Options of our callback, by name."""
    looks: int
    """How many looks see a job running before it ends."""
    well: bool = False
    """Whether every job ends well, whatever the project says."""
    timeout: float = 240
    """Seconds."""


@dataclass(frozen=True)
class Ran:
    """What a run left: exit status (None: it did not end in time), folder, processor and wall time in seconds."""

    status: int | None
    run: Path
    cpu_s: float
    elapsed_s: float

    def events(self) -> list[dict[str, Any]]:
        """What Ansible told its callbacks, in order."""
        path = self.run / "events.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def looks(self) -> list[tuple[str, str, str]]:
        """``(kind, host folder, job id)`` of what happened to status files, in order."""
        path = self.run / "looks.json"
        return [(kind, host, job) for kind, host, job in json.loads(path.read_text())] if path.exists() else []

    def labels(self) -> dict[str, dict[str, Any]]:
        """What the jobs said of themselves, by the first half of their ids."""
        return {
            path.name: json.loads(path.read_text()) for path in (self.run / "jobs").iterdir() if path.stat().st_size
        }

    def report(self) -> dict[str, Any] | None:
        """Our callback's report, where it wrote one."""
        path = self.run / "report.json"
        found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return found

    def output(self) -> str:
        """What the run wrote to its standard output and error."""
        path = self.run / "output.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


class Controller:
    """A server of one ansible-core version, as a context manager. ``environment`` is its virtual environment."""

    def __init__(self, environment: Path, scratch: Path, core: str, reached: Path | None = None) -> None:
        """``reached`` is the file for the branches that are run, where they are asked for (see there)."""
        self.core = core
        self.modules_cpu_s = 0.0
        """Seconds of processor time that the hosts' modules took in all; known at the end."""
        scratch.mkdir(parents=True, exist_ok=True)
        python = environment / "bin" / "python"
        programs = scratch / "bin"
        programs.mkdir(exist_ok=True)
        base, site = _base_and_site(python)
        self._interpreter = _program(programs / "python3", "target_python.py", base)
        for name in ("work", "restart.sh"):  # the second is called like what it is not
            _program(programs / name, "work.py", base)
        self._socket = Path(tempfile.mkdtemp(prefix="referee-")) / "target"
        link = scratch / "collections" / "ansible_collections" / "reap" / "jobs"
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT / "collection")
        surroundings = {**_environment(scratch, programs), "REFEREE_TARGET": str(self._socket), "REFEREE_SITE": site}
        self._target = subprocess.Popen([str(python), "-m", "referee.target_server", self._socket], env=surroundings)
        if reached is not None:
            surroundings |= _measuring(reached, programs)
        self._server = subprocess.Popen(
            [str(python), "-m", "referee.server", "ansible_reap.runtime.entry"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=surroundings,
            cwd=scratch,
        )
        self._asked: dict[int, Asked] = {}
        self._count = 0

    def __enter__(self) -> Controller:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(timeout=90)
        self._target.terminate()
        self._target.wait(timeout=90)
        self.modules_cpu_s = float(self._socket.with_suffix(".cpu").read_text())
        shutil.rmtree(self._socket.parent)

    def run_all(self, wanted: Sequence[Asked], at_once: int) -> list[Ran]:
        """Run them, ``at_once`` at a time; what they left, in the order of ``wanted``."""
        numbers: dict[int, int] = {}
        done: dict[int, Ran] = {}
        waiting = list(enumerate(wanted))[::-1]
        while waiting or numbers:
            while waiting and len(numbers) < at_once:
                index, asked = waiting.pop()
                numbers[self._ask(asked)] = index
            number, ran = self._answer()
            done[numbers.pop(number)] = ran
        return [done[index] for index in range(len(wanted))]

    def _ask(self, asked: Asked) -> int:
        # Never the folder of an earlier run: what that left running may still write its status there.
        asked = replace(asked, run=asked.run / str(self._count + 1))
        asked.run.mkdir(parents=True)
        lines = [f"{host} ansible_async_dir={asked.run}/async/{host}" for host in asked.hosts]
        lines += ["[all:vars]", "ansible_connection=local", f"ansible_python_interpreter={self._interpreter}", ""]
        (asked.run / "folders.ini").write_text("\n".join(lines), encoding="utf-8")
        self._count += 1
        self._asked[self._count] = asked
        options = {f"ASYNC_REAPER_{name.upper()}": value for name, value in asked.options.items()}
        if asked.options.get("recap") == "always":  # and whatever else may be written
            for name, file in (("junit", "junit.xml"), ("metrics", "reaper.prom")):
                options[f"ASYNC_REAPER_{name.upper()}_PATH"] = str(asked.run / file)
        request = {
            "id": self._count,
            "folder": str(asked.folder),
            "run": str(asked.run),
            "argv": [*asked.argv, "-i", str(asked.run / "folders.ini")],
            "env": {
                "XDG_STATE_HOME": str(asked.run / "state"),
                "ASYNC_REAPER_REPORT_PATH": str(asked.run / "report.json"),
                "ASYNC_REAPER_LEDGER_DIR": str(asked.run / "ledger"),
                "REFEREE_WELL": "yes" if asked.well else "",
                **options,
            },
            "callbacks": list(asked.callbacks),
            "hosts": list(asked.hosts),
            "looks": asked.looks,
            "timeout": asked.timeout,
        }
        assert self._server.stdin
        self._server.stdin.write(json.dumps(request).encode() + b"\n")
        self._server.stdin.flush()
        return self._count

    def _answer(self) -> tuple[int, Ran]:
        assert self._server.stdout
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError(f"the server of ansible-core {self.core} ended with status {self._server.wait()}")
        answer = json.loads(line)
        asked = self._asked.pop(answer["id"])
        return answer["id"], Ran(answer["status"], asked.run, answer["cpu_s"], answer["elapsed_s"])


def _measuring(reached: Path, folder: Path) -> dict[str, str]:
    """Environment variables that have a server measure; coverage.py alone of our packages goes with them."""
    link = folder / "measuring" / "coverage"
    link.parent.mkdir()
    link.symlink_to(Path(str(import_module("coverage").__file__)).parent)
    path = os.pathsep.join((str(TOOLS), str(ROOT / "src"), str(link.parent)))
    return {"REFEREE_REACHED": str(reached.resolve()), "PYTHONPATH": path}


def _base_and_site(python: Path) -> tuple[str, str]:
    """The interpreter below a virtual environment's, which starts faster, and the environment's packages."""
    code = "import sys, sysconfig; print(sys._base_executable, sysconfig.get_path('purelib'), sep='\\n')"
    base, site = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
    return base, site


def _program(path: Path, source: str, python: str) -> Path:
    """A program made of one of our files; written whole before it is there, as others may be starting it."""
    text = (Path(__file__).parent / source).read_text(encoding="utf-8")
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(f"#!{python} -IS\n{text}", encoding="utf-8")
    partial.chmod(0o755)
    partial.replace(path)
    return path


def _environment(scratch: Path, programs: Path) -> dict[str, str]:
    """Nothing of the user's Ansible; quick connections; modules run by one interpreter whatever the version."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ASYNC_REAPER_"))}
    return {
        **plain,
        "PATH": os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": os.pathsep.join((str(TOOLS), str(ROOT / "src"))),
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(scratch / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(scratch / "ansible" / "local"),
        "ANSIBLE_REMOTE_TMP": str(scratch / "ansible" / "remote"),
        "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(
            (str(Path(__file__).parent / "callback"), str(ROOT / "callback_plugins"))
        ),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_FORKS": "4",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOST_PATTERN_MISMATCH": "ignore",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
    }
