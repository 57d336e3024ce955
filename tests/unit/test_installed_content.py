"""What is found in content that ansible-galaxy has installed: it stays, weighs little, and nothing there is changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ansible_reap import linting
from ansible_reap.checks.finding import Finding
from ansible_reap.checks.level import Level

LAUNCH = """---
- name: Work
  ansible.builtin.command: work
  async: 600
  poll: 0
"""
COLLECTION = "collections/ansible_collections/their/things"


def found(root: Path, **files: str) -> list[Finding]:
    (root / ".git").mkdir()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return list(linting.lint(root).findings)


def collection(of: str) -> dict[str, str]:
    entry = {"name": "roles/worker/tasks/main.yml", "chksum_sha256": hashlib.sha256(of.encode()).hexdigest()}
    return {
        f"{COLLECTION}/MANIFEST.json": json.dumps({"collection_info": {"namespace": "their", "name": "things"}}),
        f"{COLLECTION}/FILES.json": json.dumps({"files": [entry]}),
        f"{COLLECTION}/roles/worker/tasks/main.yml": LAUNCH,
    }


def test_an_installed_role_is_for_its_maintainers(tmp_path: Path) -> None:
    note = "install_date: 'Mon 23 Nov 2026'\nversion: 1.0.0\n"
    files = {"roles/a/tasks/main.yml": LAUNCH, "roles/a/meta/.galaxy_install_info": note}
    (finding,) = found(tmp_path, **files)
    assert finding.severity is Level.LOW
    assert (finding.fix, finding.proposal, finding.suggestion) == (None, None, "")
    assert "installed with the role a" in finding.message


def test_an_own_role_keeps_its_weight_and_its_fix(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, **{"roles/a/tasks/main.yml": LAUNCH, "roles/a/meta/.galaxy_install_info": "\n"})
    assert finding.severity is Level.HIGH
    assert finding.suggestion


def test_a_file_of_a_collection_is_installed_as_long_as_it_is_unchanged(tmp_path: Path) -> None:
    for name, of, severity in (("as-it-was", LAUNCH, Level.LOW), ("changed", LAUNCH + "\n", Level.HIGH)):
        root = tmp_path / name
        root.mkdir()
        (finding,) = found(root, **collection(of))
        assert finding.severity is severity, name


def test_lists_that_are_no_lists_name_no_owner(tmp_path: Path) -> None:
    files = collection(LAUNCH) | {f"{COLLECTION}/FILES.json": '{"files": [[], {"name": 1}]}'}
    (finding,) = found(tmp_path, **files)
    assert finding.severity is Level.HIGH


def test_a_severity_of_the_project_counts_for_installed_content_too(tmp_path: Path) -> None:
    files = collection(LAUNCH) | {".ansible-reap.yml": "severity:\n  async-unreaped: medium\n"}
    (finding,) = found(tmp_path, **files)
    assert finding.severity is Level.MEDIUM
