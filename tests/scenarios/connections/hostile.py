"""A connection to a host that answers whatever it likes. ``HOSTILE_FOLDER`` is where it keeps what it was asked."""

from __future__ import annotations

import json
import os
import random
import re
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
_ASKED = re.compile(r'\\?"(_async_dir|jid)\\?": ?\\?"((?:[^"\\]|\\[^"])*)\\?"')


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
        if "AnsiballZ_async_status" in out_path:
            text = Path(in_path).read_text(encoding="utf-8", errors="replace")
            _note("asked", json.dumps(dict(_ASKED.findall(text))))

    def exec_command(self, cmd: str, in_data: Any = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        if "async_wrapper" in cmd and "chmod" not in cmd:
            return 0, _reply("launch"), b""
        if "AnsiballZ_" in cmd and "chmod" not in cmd:
            return 0, _reply("find" if "AnsiballZ_find" in cmd else "look"), b""
        made = re.search(r"ansible-tmp-[\d.-]+", cmd)
        if "mkdir" in cmd and made:
            return 0, f"{made.group()}=/hostile/{made.group()}\n".encode(), b""
        if "date" in cmd:
            _note("served", "clock")
            return (
                0,
                random.choice([b"12 5\n", b"9" * 5000, b"1e9 NaN\n", "\u0663 \u0664\n".encode(), b"\xff\xfe"]),
                b"",
            )
        return 0, b"/hostile\n", b""


def _note(name: str, line: str) -> None:
    with (Path(os.environ["HOSTILE_FOLDER"]) / name).open("a", encoding="utf-8", errors="replace") as stream:
        stream.write(line + "\n")


def _reply(kind: str) -> bytes:
    _note("served", kind)
    dice = random.Random(os.urandom(8))
    reply: dict[str, Any] = {"started": 1, "changed": True, "ansible_job_id": _id(dice)}
    if kind == "launch":
        reply.update(finished=0, results_file=_path(dice))
    elif kind == "find":
        reply = {"changed": False, "files": [_file(dice) for _ in range(dice.choice([0, 3, 30, 300]))], "matched": 3}
    else:
        reply.update(finished=1, rc=0, start="2026-01-01 10:00:00", end="2026-01-01 10:00:01", msg="done")
    for name in dice.sample(sorted(reply), dice.choice([0, 1, 1, 2, 4])):
        reply[name] = _anything(dice)
    for _ in range(dice.choice([0, 0, 1, 3])):
        reply[dice.choice(["failed", "attempts", "child_pid", "async_result", "exception", "skipped", "censored"])] = (
            _anything(dice)
        )
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
            "../../etc/passwd",
            "/etc/passwd",
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


def _file(dice: random.Random) -> Any:
    """What ``find`` would say of a status file, written just now or whenever."""
    when = time.time() - dice.choice([0, 1, 10, 1e9, -1e9])
    file = {"path": f"/jobs/of/this/host/{_id(dice)}", "mtime": when, "size": 99, "isreg": True}
    for name in dice.sample(sorted(file), dice.choice([0, 0, 0, 1, 2])):
        file[name] = _anything(dice)
    return file if dice.random() < 0.95 else _anything(dice)


def _path(dice: random.Random) -> Any:
    return dice.choice(
        ["/home/deploy/.ansible_async/j1.1", "/etc/passwd", "~/../x", "\\\\host\\share\\j1.1", "", None, 5, ["/"]]
    )


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
