"""Talks to ``playbook_server.py``."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from support import environments

_INVENTED = re.compile(r"^(ANSIBLE|ASYNC_REAPER)_")


@dataclass(frozen=True)
class Done:
    """What a run left."""

    status: int
    output: str
    report: dict[str, Any] | None


class Server:
    """A process with ansible-core loaded, which runs playbooks in forks of itself."""

    def __init__(self, core: str, folder: Path, settings: Mapping[str, str]) -> None:
        """``settings`` are environment variables that Ansible reads as it is imported."""
        plain = {name: value for name, value in os.environ.items() if not _INVENTED.match(name)}
        source = environments.ROOT / "src"
        folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [environments.program(f"core-{core}", "python"), Path(__file__).with_name("playbook_server.py")],
            cwd=folder,
            env={
                **plain,
                "PYTHONPATH": os.pathsep.join(filter(None, (str(source), plain.get("PYTHONPATH")))),
                "ANSIBLE_HOME": str(folder / "ansible"),
                "ANSIBLE_REMOTE_TMP": str(folder / "ansible" / "remote"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_GATHERING": "explicit",
                "XDG_STATE_HOME": str(folder / "state"),
                **settings,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        while (line := self._process.stdout.readline().strip()) != "ready":
            assert line, "the server has not started"

    def run(
        self,
        folder: Path,
        args: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        seconds: int = 300,
        faults: Sequence[Mapping[str, object]] = (),
        trace: Path | None = None,
    ) -> Done:
        """Run ansible-playbook in ``folder``, whose ``report.json`` is the report."""
        report = folder / "report.json"
        report.unlink(missing_ok=True)
        request = {
            "args": list(args),
            "folder": str(folder),
            "env": {"ASYNC_REAPER_REPORT_PATH": str(report), **(env or {})},
            "output": str(folder / "output"),
            "seconds": seconds,
            "faults": list(faults),
            "trace": str(trace or ""),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else None
        return Done(status, (folder / "output").read_text(encoding="utf-8", errors="replace"), found)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
