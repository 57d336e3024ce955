#!/usr/bin/python
# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists and removes old status files on the host where it runs. The action plugin of that name says which to keep."""

DOCUMENTATION = r"""
module: sweep
short_description: List and remove the status files of async jobs that ended long ago
version_added: "0.1.0"
description:
  - A job with C(poll=0) leaves its status file behind, with its command and output, unless somebody removes it.
  - Lists the files of this host's folder of jobs that belong to the task's user, that bear a job's id as their name,
    whose job has ended, that are older than O(days), and that no ledger of this controller names.
  - Removes them only with O(remove=true), and never in check mode.
options:
  days:
    description: How old a file must be at least, in days.
    type: float
    default: 7
  remove:
    description: Remove what is listed.
    type: bool
    default: false
  max:
    description: List, and remove, at most so many files in one go.
    type: int
    default: 10000
  ledger_dir:
    description:
      - The folder of the ledgers. By default the callback's option of that name.
    type: path
  folder:
    description:
      - The folder of status files. The action plugin finds it, as Ansible does for a launch with this task's settings.
    type: path
  claimed:
    description:
      - The SHA-256, in hex, of the ids of jobs whose files stay, so that no host learns of another's jobs. The action
        plugin takes them from the ledgers; not for playbooks.
    type: list
    elements: str
  dry_run:
    description:
      - Only list. The action plugin sets it in check mode; not for playbooks.
    type: bool
    default: false
requirements:
  - The Python package C(ansible-reap), in the environment that holds Ansible.
attributes:
  check_mode:
    support: full
author:
  - The ansible-reap developers (@ansible-reap)
"""

EXAMPLES = r"""
- name: Remove what jobs of more than a month ago have left in root's folder
  reap.jobs.sweep:
    days: 30
    remove: true
  become: true
"""

RETURN = r"""
folder:
  description: The folder that was looked into.
  returned: always
  type: str
files:
  description: The files found, oldest first, with C(name), C(days) and C(bytes).
  returned: always
  type: list
  elements: dict
removed:
  description: How many of them were removed.
  returned: always
  type: int
kept:
  description:
    - How many files of that age stay, by reason. RV(ignore:claimed) are named by a ledger, RV(ignore:not_ended) do not
      hold a result, RV(ignore:beyond_max) are more than O(max).
  returned: always
  type: dict
"""

import hashlib
import json
import os
import re
import stat
import time
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

from ansible.module_utils.basic import AnsibleModule

JOB_ID = re.compile(r"j?[0-9]+\.[0-9]+")
"""What ansible-core 2.16 to 2.22 calls a status file: the launcher's random number and the wrapper's pid."""

MOST_BYTES = 64 * 1024 * 1024
"""A larger file is not read: it holds what a job has printed, for the wrapper's own note is short."""


def has_ended(path: Path) -> bool:
    """Whether the file holds a result: only the wrapper's own note of a job at work has "started"."""
    try:
        fd = os.open(str(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            text = file.read(MOST_BYTES + 1) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        if len(text) > MOST_BYTES:
            return True
        data = json.loads(text.decode("utf-8", "replace"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(data, dict) and ("started" not in data or bool(data.get("finished")))


def old_files(folder: Path, before: float) -> List[Tuple[float, int, Path]]:
    """Time of the last change in seconds since the epoch, size in bytes, and path, oldest first.

    Only regular files of this user that bear a job's id. A folder that is not there has none.
    """
    found = []
    try:
        entries = list(os.scandir(str(folder)))
    except FileNotFoundError:
        return []
    for entry in entries:
        if not JOB_ID.fullmatch(entry.name):
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:  # it has just gone
            continue
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_mtime < before:
            found.append((status.st_mtime, status.st_size, Path(entry.path)))
    return sorted(found)


def sweep(folder: Path, days: float, claimed: Set[str], most: int, remove: bool) -> Dict[str, Any]:
    """What was found, removed and kept, as the module returns it; ``claimed`` has digests of names."""
    now = time.time()
    files: List[Dict[str, Any]] = []
    removed = 0
    kept = {"claimed": 0, "not_ended": 0, "beyond_max": 0}
    for changed, size, path in old_files(folder, now - days * 86400):
        if hashlib.sha256(os.fsencode(path.name)).hexdigest() in claimed:
            kept["claimed"] += 1
        elif len(files) >= most:
            kept["beyond_max"] += 1
        elif not has_ended(path):
            kept["not_ended"] += 1
        else:
            files.append({"name": path.name, "days": round((now - changed) / 86400, 1), "bytes": size})
            if remove:
                removed += _remove(path, changed)
    return {"folder": str(folder), "files": files, "removed": removed, "kept": kept}


def _remove(path: Path, changed: float) -> int:
    """1 where the file was removed; one that somebody has written to meanwhile stays."""
    try:
        if path.lstat().st_mtime != changed:
            return 0
        path.unlink()
    except FileNotFoundError:
        return 0
    return 1


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "days": {"type": "float", "default": 7},
            "remove": {"type": "bool", "default": False},
            "max": {"type": "int", "default": 10000},
            "ledger_dir": {"type": "path"},
            "folder": {"type": "path"},
            "claimed": {"type": "list", "elements": "str"},
            "dry_run": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if wanted["claimed"] is None or wanted["folder"] is None:
        module.fail_json(msg="reap.jobs.sweep works by its action plugin, which was not found")
    remove = wanted["remove"] and not wanted["dry_run"] and not module.check_mode
    try:
        result = sweep(Path(wanted["folder"]), wanted["days"], set(wanted["claimed"]), wanted["max"], remove)
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=bool(result["files"]) and wanted["remove"], **result)


if __name__ == "__main__":
    main()
