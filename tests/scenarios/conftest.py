"""Runs real playbooks with the real ansible-playbook, with our callback and without."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest

from support import environments

CALLBACKS = environments.ROOT / "callback_plugins"
SCHEMA = json.loads((environments.ROOT / "src/ansible_reap/schemas/report.json").read_text(encoding="utf-8"))
_RECAP = re.compile(r"^(\S+)\s+: (ok=.*)$", re.MULTILINE)
_INVENTED = re.compile(r"^(ANSIBLE|ASYNC_REAPER)_")


@dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook left."""

    status: int
    stdout: str
    stderr: str
    report: dict[str, Any] | None
    folder: Path

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """PLAY RECAP as numbers by host. After several playbooks: the last one's."""
        return {
            host: {key: int(value) for key, value in (pair.split("=") for pair in counts.split())}
            for host, counts in _RECAP.findall(self.stdout)
        }

    def failed(self) -> set[str]:
        """The hosts that PLAY RECAP counts a failure for."""
        return {host for host, counts in self.recap.items() if counts["failed"]}

    @property
    def jobs(self) -> list[dict[str, Any]]:
        assert self.report is not None, self.output
        return list(self.report["jobs"])

    def states(self) -> dict[str, list[str]]:
        """The states of each host's jobs, in the order of their launch."""
        found: dict[str, list[str]] = {}
        for job in self.jobs:
            found.setdefault(job["host"], []).append(job["state"])
        return found

    def only_job(self) -> dict[str, Any]:
        (job,) = self.jobs
        return job

    @property
    def output(self) -> str:
        return f"status {self.status}\n{self.stdout}\n{self.stderr}"

    @property
    def async_recap(self) -> list[str]:
        """The lines of the ASYNC RECAP, or none."""
        _, found, rest = self.stdout.partition("ASYNC RECAP ")
        return [line for line in rest.splitlines()[1:] if line] if found else []


Runner = Callable[..., Run]


ON_EVERY_VERSION = ("test_first", "test_secrets", "test_what_ansible_does")
"""Where versions differ most: these run on both versions of ``make test``."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave each other scenario to one version in its turn, where nobody has asked for certain versions.

    A scenario is one set of parameters. Turns go on from file to file, so that each version sees half of every file.
    Of a test with several sets the first is run; a matrix runs all.
    """
    if not environments.versions_take_turns():
        return
    by_scenario: dict[tuple[Path, str, str], list[pytest.Item]] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or item.path.parent != Path(__file__).parent:
            continue
        parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        if parameters.pop("core", None) and item.path.stem not in ON_EVERY_VERSION:
            by_scenario.setdefault((item.path, item.originalname, repr(parameters)), []).append(item)
    begun: set[tuple[Path, str]] = set()
    left_out: set[pytest.Item] = set()
    for (path, test, _), versions in by_scenario.items():
        chosen = None if (path, test) in begun else versions[len(begun) % len(versions)]
        begun.add((path, test))
        left_out.update(each for each in versions if each is not chosen)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(params=environments.chosen_cores())
def core(request: pytest.FixtureRequest) -> str:
    """An ansible-core version to run on."""
    return str(request.param)


@pytest.fixture
def run(core: str, tmp_path: Path) -> Runner:
    """``run(playbook, hosts=..., options=..., ...)`` runs a playbook on local hosts and returns a ``Run``."""

    def run_playbook(playbook: str | Sequence[str], **settings: Any) -> Run:
        return start(core, tmp_path, playbook, **settings)

    return run_playbook


def start(
    core: str,
    folder: Path,
    playbook: str | Sequence[str],
    *,
    hosts: Sequence[str] = ("h1",),
    inventory: str = "",
    options: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    callbacks: str = "async_reaper",
    callback_folders: Sequence[Path] = (CALLBACKS,),
    answers: str | None = None,
    timeout: float = 900,
    cwd: Path | None = None,
) -> Run:
    """Write playbook, inventory and files below ``folder`` and run ansible-playbook there, or in ``cwd``.

    ``answers`` is what a user types, ``timeout`` seconds.
    """
    texts = [playbook] if isinstance(playbook, str) else list(playbook)
    names = ["site.yml", *(f"site{number}.yml" for number in range(2, len(texts) + 1))]
    for name, text in {**dict(zip(names, texts, strict=True)), **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    lines = [
        *hosts,
        inventory,
        "[all:vars]",
        "ansible_connection=local",
        f"ansible_python_interpreter={sys.executable}",
    ]
    (folder / "hosts.ini").write_text("\n".join([*lines, f"ansible_async_dir={folder}/async", ""]), encoding="utf-8")
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    if cwd is not None:
        names = [str(folder / name) for name in names]
    done = subprocess.run(
        [environments.program(f"core-{core}", "ansible-playbook"), "-i", str(folder / "hosts.ini"), *names, *args],
        cwd=cwd or folder,
        env=_environment(folder, report, callbacks, callback_folders, options or {}, env or {}),
        input=answers,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else None
    if found is not None:
        jsonschema.validate(found, SCHEMA)
        assert report.stat().st_mode & 0o777 == 0o600
    return Run(done.returncode, done.stdout, done.stderr, found, folder)


def _environment(
    folder: Path,
    report: Path,
    callbacks: str,
    callback_folders: Sequence[Path],
    options: Mapping[str, str],
    more: Mapping[str, str],
) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not _INVENTED.match(name)}
    return {
        **plain,
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "tmp"),
        "ANSIBLE_REMOTE_TMP": str(folder / "ansible" / "remote"),
        "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(map(str, callback_folders)),
        "ANSIBLE_CALLBACKS_ENABLED": callbacks,
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_HOST_PATTERN_MISMATCH": "ignore",
        "XDG_STATE_HOME": str(folder / "state"),
        "ASYNC_REAPER_REPORT_PATH": str(report),
        **{f"ASYNC_REAPER_{name.upper()}": value for name, value in options.items()},
        **more,
    }
