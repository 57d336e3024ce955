"""Which ansible-core versions a role or collection admits."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.content.requirements import admits, allows

CORE = (2, 16)


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        (">=2.9.10", True),
        (">=2.16.0", True),
        (">=2.16.3", True),
        (">2.15", True),
        (">=2.17.0", False),
        (">=2.15.0,<2.16", False),
        (">=2.15.0,<2.16.5", True),
        (">=2.14,<=2.15", False),
        (">=2.14, !=2.15.1", True),
        ("==2.16.*", True),
        ("~=2.15", True),
        ("~=2.15.0", False),
        ("2.9", True),
        ("2.20", False),
        ("latest", False),
    ],
)
def test_a_statement_allows_a_release_or_not(statement: str, is_allowed: bool) -> None:
    assert allows(statement, CORE) is is_allowed


@pytest.mark.parametrize(
    ("role", "collection", "path", "is_admitted"),
    [
        ('"2.9"', None, "roles/a/tasks/main.yml", True),
        ("2.20", None, "roles/a/tasks/main.yml", False),
        ('"2.9"', None, "roles/b/tasks/main.yml", False),
        ('"2.9"', None, "roles/a/molecule/default/create.yml", False),
        (None, ">=2.15", "roles/b/tasks/deep/er.yml", True),
        (None, ">=2.15", "playbooks/all.yml", True),
        (None, ">=2.15", "site.yml", True),
        (None, ">=2.15", "molecule/default/converge.yml", False),
        (None, ">=2.15", "tests/integration/targets/a/tasks/main.yml", False),
        ('"2.9"', ">=2.17", "roles/a/tasks/main.yml", False),
        (None, None, "roles/a/tasks/main.yml", False),
    ],
)
def test_role_and_collection_speak_for_their_own_files(
    tmp_path: Path, role: str | None, collection: str | None, path: str, is_admitted: bool
) -> None:
    meta = tmp_path / "roles" / "a" / "meta"
    meta.mkdir(parents=True)
    (tmp_path / "meta").mkdir()
    if role:
        (meta / "main.yml").write_text(f"galaxy_info:\n  min_ansible_version: {role}\n", encoding="utf-8")
    if collection:
        (tmp_path / "meta" / "runtime.yml").write_text(f'requires_ansible: "{collection}"\n', encoding="utf-8")
    assert admits(str(tmp_path), path, CORE) is is_admitted
