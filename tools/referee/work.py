"""The work of a generated job: ``work LABEL END [ITEM ...]``.

Under async it leaves a note of who it is, then runs until it is released (see ``watcher``). ``END`` is ``ok``, ``fail``
(status 3) or ``long`` (never ends by itself, so that it meets its limit). In the foreground it ends at once.
"""

from __future__ import annotations

import json
import os
import sys
import time

LONGEST = 300
"""Seconds after which a job ends whatever happens, so that no process stays behind."""


def main() -> int:
    """Run; the return value is the exit status."""
    label, end, *items = sys.argv[1:]
    run = os.environ["REFEREE_RUN"]
    job = os.environ.get("REFEREE_JOB")  # set above a job by target_python
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
