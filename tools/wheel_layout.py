"""Build hook: what the wheel holds besides ``ansible_reap``, at the places where Ansible and ansible-lint look.

- the collection, as ``ansible_collections/reap/jobs/``, so that ``callbacks_enabled = reap.jobs.async_reaper`` works
  after ``pip install`` alone. Its MANIFEST.json and FILES.json are written here in the form that ``ansible-galaxy
  collection build`` gives them (``ansible-galaxy collection list`` reads the version there);
- the rules and their pages, as ``ansiblelint/rules/custom/ansible_reap/``;
- the pages once more, as ``ansible_reap/pages/``, for ``ansible-reap explain`` where no ansible-lint is.

Neither ``ansible_collections`` nor ``ansiblelint`` gets an ``__init__.py`` from us: both belong to others.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COLLECTION = "ansible_collections/reap/jobs"
RULES = "ansiblelint/rules/custom/ansible_reap"
PAGES = "ansible_reap/pages"

INFO_KEYS = (
    "namespace",
    "name",
    "version",
    "authors",
    "readme",
    "tags",
    "description",
    "license",
    "repository",
    "documentation",
    "homepage",
    "issues",
)


class WheelLayout(BuildHookInterface[Any]):
    """Adds the files named above to a wheel; an editable install gets none (``ansible-reap doctor`` says so)."""

    PLUGIN_NAME = "custom"
    _generated: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        generated = self._generated = Path(tempfile.mkdtemp(prefix="ansible-reap-wheel-"))
        included: dict[str, str] = build_data["force_include"]
        for source in _rule_files(root / "lint_rules"):
            included[str(source)] = f"{RULES}/{source.name}"
            if source.suffix == ".md":
                # One source cannot be included twice, so the second place gets a copy.
                included[str(shutil.copy(source, generated))] = f"{PAGES}/{source.name}"
        for name, content in collection_files(root / "collection", self.metadata.version).items():
            target = generated / "collection" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            included[str(target)] = f"{COLLECTION}/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del version, build_data, artifact_path
        if self._generated:
            shutil.rmtree(self._generated)


def _rule_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in {".py", ".md"})


def collection_files(folder: Path, version: str) -> dict[str, bytes]:
    """The installed collection's files by name: those under ``folder``, symlinks followed, and the two manifests."""
    galaxy = yaml.safe_load((folder / "galaxy.yml").read_text(encoding="utf-8"))
    if galaxy["version"] != version:
        raise ValueError(f"collection/galaxy.yml: version {galaxy['version']} is not the package's {version}")
    ignored = ["galaxy.yml", *galaxy["build_ignore"]]
    files = {
        name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_ignored(name := path.relative_to(folder).as_posix(), ignored)
    }
    listing = _json({"files": [*_directories(files), *_digests(files)], "format": 1})
    info = {key: galaxy.get(key) for key in INFO_KEYS} | {"license_file": None, "dependencies": {}}
    listing_entry = _entry("FILES.json", "file", listing)
    manifest = _json({"collection_info": info, "file_manifest_file": listing_entry, "format": 1})
    return {**files, "FILES.json": listing, "MANIFEST.json": manifest}


def _is_ignored(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _directories(files: dict[str, bytes]) -> list[dict[str, object]]:
    folders = {parent.as_posix() for name in files for parent in PurePosixPath(name).parents}
    return [_entry(name, "dir", None) for name in sorted(folders)]


def _digests(files: dict[str, bytes]) -> list[dict[str, object]]:
    return [_entry(name, "file", content) for name, content in files.items()]


def _entry(name: str, ftype: str, content: bytes | None) -> dict[str, object]:
    """One line of ansible-galaxy's own manifests."""
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    kind = None if content is None else "sha256"
    return {"name": name, "ftype": ftype, "chksum_type": kind, "chksum_sha256": digest, "format": 1}


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"
