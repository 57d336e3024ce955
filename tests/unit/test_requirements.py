"""Which ansible-core versions a role or collection admits."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.content.requirements import admits, allows, excludes

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


@pytest.mark.parametrize(
    ("text", "is_excluded"),
    [
        ("ansible>=6,<8", True),
        ("ansible==8.7.0 \\\n  --hash=sha256:0", True),
        ("Ansible~=10.3", True),
        ("ansible==11.0.0  # core 2.18", False),
        ("ansible-core<2.17", True),
        ("ansible-core==2.15.9 ; python_version < '3.10'\nansible-core==2.18.1 ; python_version >= '3.10'", False),
        ("ansible==2.9.27", True),
        ("ansible", False),
        ("ansible-core>=2.15", False),
        ("ansible-lint<5", False),
        ("ansible-core==latest", False),
        ("-r more.txt", False),
        ("", False),
    ],
)
def test_requirements_keep_a_project_to_older_releases(tmp_path: Path, text: str, is_excluded: bool) -> None:
    (tmp_path / "requirements.txt").write_text(f"netaddr\n{text}\n", encoding="utf-8")
    assert excludes(str(tmp_path), "roles/a/tasks/main.yml", [(2, 18), (2, 19)]) is is_excluded


def test_the_nearest_requirements_that_ask_for_ansible_count(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("ansible-core<2.15\n", encoding="utf-8")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "requirements.txt").write_text("ansible-core>=2.18\n", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "requirements.txt").write_text("netaddr\n", encoding="utf-8")
    newer = [(2, 18)]
    assert not excludes(str(tmp_path), "new/site.yml", newer)
    assert excludes(str(tmp_path), "other/site.yml", newer)
    assert excludes(str(tmp_path), "site.yml", newer)


@pytest.mark.parametrize(("said", "is_excluded"), [(">=2.9,<2.16", True), (">=2.9", False), ("newest", False)])
def test_a_collection_may_exclude_newer_releases(tmp_path: Path, said: str, is_excluded: bool) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "runtime.yml").write_text(f'requires_ansible: "{said}"\n', encoding="utf-8")
    assert excludes(str(tmp_path), "roles/a/tasks/main.yml", [(2, 18)]) is is_excluded
