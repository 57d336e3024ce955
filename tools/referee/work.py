"""The work of a generated job: ``work LABEL END [ITEM ...]``.

Under async it leaves a note of who it is, then runs until it is released (see ``watcher``). ``END`` is ``ok``, ``fail``
(status 3) or ``long`` (never ends by itself, so that it meets its limit). In the foreground it ends at once.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time

LONGEST = 30
"""Seconds after which a job ends whatever happens, so that no process stays behind."""


def job_prefix() -> str | None:
    """The first half of the job id, an argument of the async wrapper above this process; None in the foreground."""
    process = os.getppid()
    for _ in range(6):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:  # noqa: PTH123 - pathlib costs more than the rest
                words = file.read().decode(errors="replace").split("\0")
            with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123 - as above
                process = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return None
        if any("async_wrapper" in word for word in words):
            return next((word for word in words if re.fullmatch(r"j\d+", word)), None)
    return None


def main() -> int:
    """Run; the return value is the exit status."""
    label, end, *items = sys.argv[1:]
    run = os.environ["REFEREE_RUN"]
    job = job_prefix()
    print(f"work {label} {end}")
    if job is not None:
        with open(f"{run}/jobs/{job}", "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
            json.dump({"label": label, "end": end, "items": items}, file)
        until = time.monotonic() + LONGEST
        while time.monotonic() < until and os.path.isdir(f"{run}/release"):  # noqa: PTH112 - as above
            released = os.path.exists(f"{run}/release/{job}") and end != "long"  # noqa: PTH110 - as above
            if released or os.path.exists(f"{run}/release/all"):  # noqa: PTH110 - as above
                break
            time.sleep(0.015)
    return 3 if end == "fail" and not os.environ.get("REFEREE_WELL") else 0


if __name__ == "__main__":
    sys.exit(main())
