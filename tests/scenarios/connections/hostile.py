"""A connection to a host that answers whatever it likes.

All but launches is really run, on this machine, so that a file which a look or a clean-up should leave alone would be
touched. ``HOSTILE_FOLDER`` holds the status files of these hosts (``jobs/<host>``), files that nobody may touch
(``canaries``), and what the hosts were asked.
"""

from __future__ import annotations

import ast
import json
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: hostile
short_description: a host that lies
description: For tests.
options: {}
"""
_ARGUMENTS = re.compile(r"""'\{"ANSIBLE_MODULE_ARGS.*'""")
_MODULE = re.compile(r"AnsiballZ_(\w+)\.py")
_OF_THE_PLAYBOOK = "/asked/by/the/playbook"
"""Where the playbook's own looks go, with whatever id their host gave: those are its author's, and Ansible's."""


class Connection(ConnectionBase):  # type: ignore[misc]
    transport = "hostile"
    has_pipelining = False

    def _connect(self) -> Connection:
        return self

    def close(self) -> None:
        pass

    def fetch_file(self, in_path: str, out_path: str) -> None:
        pass

    def put_file(self, in_path: str, out_path: str) -> None:
        shutil.copyfile(in_path, out_path)
        module = _MODULE.search(out_path)
        if module is None or module[1] == "command":  # what launches start
            return
        asked = {"host": self._play_context.remote_addr, "module": module[1], **_arguments(Path(in_path))}
        _note("asked", json.dumps(asked))
        if asked.get("_async_dir") == _OF_THE_PLAYBOOK:
            Path(out_path).write_text("", encoding="utf-8")

    def exec_command(self, cmd: str, in_data: Any = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        is_run = "AnsiballZ_" in cmd and "chmod" not in cmd
        if is_run and "async_wrapper" in cmd:
            return 0, _reply("launch", self._play_context.remote_addr), b""
        done = subprocess.run(["/bin/sh", "-c", cmd], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if is_run:
            kind = "find" if "AnsiballZ_find" in cmd else "look"
            return 0, _reply(kind, self._play_context.remote_addr), b""
        if "date" in cmd:
            _note("served", "clock")
            odd = [b"12 5\n", b"9" * 5000, b"1e9 NaN\n", "\u0663 \u0664\n".encode(), b"\xff\xfe"]
            return 0, random.choice(odd), b""
        return done.returncode, done.stdout, done.stderr


def _arguments(module: Path) -> dict[str, Any]:
    """What a module was sent with."""
    found = _ARGUMENTS.search(module.read_text(encoding="utf-8", errors="replace"))
    return dict(json.loads(ast.literal_eval(found.group()))["ANSIBLE_MODULE_ARGS"]) if found is not None else {}


def _note(name: str, line: str) -> None:
    with (Path(os.environ["HOSTILE_FOLDER"]) / name).open("a", encoding="utf-8", errors="replace") as stream:
        stream.write(line + "\n")


def _reply(kind: str, host: str) -> bytes:
    _note("served", kind)
    dice = random.Random(os.urandom(8))
    reply: dict[str, Any] = {"started": 1, "changed": True, "ansible_job_id": _id(dice)}
    if kind == "launch":
        reply.update(finished=0, results_file=_path(dice))
    elif kind == "find":
        reply = {
            "changed": False,
            "files": [_file(dice, host) for _ in range(dice.choice([0, 3, 30, 300]))],
            "matched": 3,
        }
    else:
        reply.update(finished=1, rc=0, start="2026-01-01 10:00:00", end="2026-01-01 10:00:01", msg="done")
    for name in dice.sample(sorted(reply), dice.choice([0, 1, 1, 2, 4])):
        reply[name] = _anything(dice)
    for _ in range(dice.choice([0, 0, 1, 3])):
        reply[dice.choice(["failed", "attempts", "child_pid", "async_result", "exception", "skipped", "censored"])] = (
            _anything(dice)
        )
    if not reply.get("failed", True):
        # Up to ansible-core 2.18 Ansible itself falls over a loop in which it is an empty text or list.
        reply["failed"] = False
    text = json.dumps(reply)
    if dice.random() < 0.05:
        text = dice.choice(["", "[]", "null", "{", text[: len(text) // 2], '{"a": ' * 300, "\x00" * 20, text * 2])
    return text.encode("utf-8", errors="replace")


def _id(dice: random.Random) -> Any:
    folder = Path(os.environ["HOSTILE_FOLDER"])
    others = [path.read_text(encoding="utf-8") for path in folder.glob("id-of-*")]
    return dice.choice(
        [
            *[f"j{dice.randrange(10**12)}.{dice.randrange(10**5)}"] * 12,
            *others,
            "../../canaries/passwd",
            "../../canaries/j1.1",
            f"{folder}/canaries/passwd",
            f"{folder}/canaries/j1.1",
            "..",
            "",
            "j1\n::error file=x::owned",
            "j1\x1b[2J",
            "j" + "1" * 5000,
            "{{ lookup('pipe', 'touch /tmp/owned') }}",
            None,
            17,
            1e400,
        ]
    )


def _file(dice: random.Random, host: str) -> Any:
    """What ``find`` would say of a status file, written just now or whenever."""
    folder = os.environ["HOSTILE_FOLDER"]
    when = time.time() - dice.choice([0, 1, 10, 1e9, -1e9])
    file = {"path": f"{folder}/jobs/{host}/{_id(dice)}", "mtime": when, "size": 99, "isreg": True}
    if dice.random() < 0.1:
        file["path"] = f"{folder}/canaries/{dice.choice(['passwd', 'j1.1'])}"
    for name in dice.sample(sorted(file), dice.choice([0, 0, 0, 1, 2])):
        file[name] = _anything(dice)
    return file if dice.random() < 0.95 else _anything(dice)


def _path(dice: random.Random) -> Any:
    canaries = f"{os.environ['HOSTILE_FOLDER']}/canaries"
    odd = ["/home/deploy/.ansible_async/j1.1", "~/../x", "\\\\host\\share\\j1.1", "", None, 5, ["/"]]
    return dice.choice([f"{canaries}/passwd", f"{canaries}/j1.1", *odd])


def _anything(dice: random.Random) -> Any:
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    return dice.choice(
        [
            None,
            True,
            False,
            0,
            1,
            -1,
            2**63,
            10**300,
            0.5,
            float("inf"),
            float("-inf"),
            float("nan"),
            1e308,
            "",
            "could not find job",
            "Timeout exceeded",
            "x" * 20_000,
            "line\nline\r\n\x1b[31mred\x07\u202e::error::\u2028\u0085",
            "\ud800",
            "2026-01-01T10:00:00+99:99",
            "0001-01-01 00:00:00",
            "9999-12-31T23:59:59.999999+00:00",
            [],
            {},
            {"finished": 1},
            [1, [2, [3]]],
            deep,
            "{{ 7 * 7 }}",
        ]
    )
