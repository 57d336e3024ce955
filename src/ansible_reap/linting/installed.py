"""Content that ansible-galaxy has installed into a project: what is wrong there is for its own maintainers to mend.

Findings in it stay, or a pull request could hide a job under a file of that name; they weigh less and say whose it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_reap.checks.finding import Finding
from ansible_reap.checks.level import Level
from ansible_reap.late_patterns import expression
from ansible_reap.reading import MAX_SETTINGS, SourceError, read_inside
from ansible_reap.records import replace
from ansible_reap.remembered import for_one_check

_MANIFEST, _FILES = "MANIFEST.json", "FILES.json"
_ROLE_MARK = "meta/.galaxy_install_info"
_MAX_LIST = 64_000_000
"""Bytes of a list of files that are read: a big collection's has some."""
_NAME = expression(r"[a-z0-9_]{1,80}\.[a-z0-9_]{1,80}")
MAX_KEPT = 4096
"""Folders of which it is remembered: a file that lies deep asks for each above it, and each finding asks anew."""


def as_installed(root: Path, finding: Finding) -> Finding:
    """The finding as it is told of installed content, and as it is for a project's own."""
    owner = owner_of(root, finding.place.path)
    if owner is None or not all(owner_of(root, other.place.path) for other in finding.related):
        fix = finding.fix or finding.proposal
        if fix is None or not any(owner_of(root, edit.path) for edit in fix.edits):
            return finding
        return replace(finding, fix=None, proposal=None, suggestion="")
    return replace(
        finding,
        severity=Level.LOW,
        message=f"{finding.message} This file was installed with {owner}: tell its maintainers; what is changed here "
        f"is lost when it is installed again.",
        fix=None,
        proposal=None,
        suggestion="",
    )


def owner_of(root: Path, path: str) -> str | None:
    """The installed role or collection that a file below the root belongs to, unchanged since; None for other files."""
    for folder in PurePosixPath(path).parents:
        if str(folder) == ".":
            break
        collection = _collection(str(root), str(folder))
        if collection:
            name, sums = collection
            own = sums.get(str(PurePosixPath(path).relative_to(folder)))
            return f"the collection {name}" if own is not None and own == _sum_of(root, path) else None
        if _is_role(str(root), str(folder)):
            return f"the role {folder.name}"
    return None


@for_one_check(MAX_KEPT)
def _is_role(root: str, folder: str) -> bool:
    """Whether ansible-galaxy has noted there when it installed the role."""
    mark = f"{folder}/{_ROLE_MARK}"
    try:
        return os.access(f"{root}/{mark}", os.R_OK) and b"install_date" in read_inside(Path(root), mark, MAX_SETTINGS)
    except SourceError:
        return False


def _sum_of(root: Path, path: str) -> str | None:
    try:
        return hashlib.sha256(read_inside(root, path)).hexdigest()
    except SourceError:
        return None


@for_one_check(MAX_KEPT)
def _collection(root: str, folder: str) -> tuple[str, dict[str, str]] | None:
    """The name of the collection installed in a folder, and the check sums of its files."""
    if not os.access(f"{root}/{folder}/{_MANIFEST}", os.R_OK):
        return None  # so most folders are told apart without following the links on the way to them
    info = _json(root, f"{folder}/{_MANIFEST}").get("collection_info")
    files = _json(root, f"{folder}/{_FILES}").get("files")
    if not isinstance(info, dict) or not isinstance(files, list):
        return None
    listed = [each for each in files if isinstance(each, dict) and isinstance(each.get("name"), str)]
    sums = {each["name"]: each["chksum_sha256"] for each in listed if isinstance(each.get("chksum_sha256"), str)}
    name = f"{info.get('namespace')}.{info.get('name')}"
    return (name if _NAME.fullmatch(name) else PurePosixPath(folder).name), sums


def _json(root: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(read_inside(Path(root), name, _MAX_LIST))
    except (SourceError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
