"""A connection to a host whose answers a test has written: one file a module in ``SCRIPTED_FOLDER``.

Nothing runs. A file that says ``SLEEP`` stands for a host that never answers; a module without a file cannot run there.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: scripted
short_description: a host of which a test says what it answers
description: For tests.
options: {}
"""
_MODULE = re.compile(r"AnsiballZ_(\w+)\.py")
_FOR_EVER = 10_000


class Connection(ConnectionBase):  # type: ignore[misc]
    transport = "scripted"
    has_pipelining = False

    def _connect(self) -> Connection:
        return self

    def close(self) -> None:
        pass

    def fetch_file(self, in_path: str, out_path: str) -> None:
        pass

    def put_file(self, in_path: str, out_path: str) -> None:
        found = _MODULE.search(out_path)
        if found is not None:
            shutil.copyfile(in_path, Path(os.environ["SCRIPTED_FOLDER"]) / f"sent-{found[1]}")

    def exec_command(self, cmd: str, in_data: Any = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        found = _MODULE.search(cmd)
        if "chmod" not in cmd and "rm -f" not in cmd[:60] and (found is not None or "async_wrapper" in cmd):
            return _answer("async_wrapper" if "async_wrapper" in cmd else found[1] if found is not None else "")
        made = re.search(r"ansible-tmp-[\d.-]+", cmd)
        if "mkdir" in cmd and made:
            return 0, f"{made.group()}=/scripted/{made.group()}\n".encode(), b""
        if "date" in cmd:
            return 0, f"{int(time.time())}\n".encode(), b""
        return 0, b"/scripted\n", b""


def _answer(module: str) -> tuple[int, bytes, bytes]:
    folder = Path(os.environ["SCRIPTED_FOLDER"])
    with (folder / "asked").open("a", encoding="utf-8") as stream:
        stream.write(module + "\n")
    try:
        said = (folder / module).read_bytes()
    except FileNotFoundError:
        return 1, b"", b"no such module"
    if said == b"SLEEP":
        time.sleep(_FOR_EVER)
    if said == b"RAISE":
        raise OSError("the socket is closed")
    return 0, said, b""
