"""Files that are broken, huge, locked or strange: one clear line each, and everything else is still analysed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_reap.cli import main

GOOD = "- hosts: all\n  tasks:\n    - name: Start\n      command: a\n      async: 30\n      poll: 0\n"
AS_NOBODY = """
import os, sys
from ansible_reap.cli import main
arguments = ["check", "--project-dir", sys.argv[1], "--format", "json"]
stdout = sys.stdout
sys.stdout = open(os.devnull, "w")
main(arguments)  # root imports what is needed: another user may not read where Python is
sys.stdout = stdout
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(arguments))
"""


def check(root: Path) -> tuple[int, dict[str, Any]]:
    """Run ``check`` on the project."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main(["check", "--project-dir", str(root), "--format", "json"])
    return status, json.loads(printed.getvalue())


def as_nobody(root: Path) -> subprocess.CompletedProcess[str]:
    """Run ``check`` in its own process, as a user whom permissions hold back, which they do not do to root."""
    for folder in root.parents:  # pytest's own folders are for their owner alone
        if folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    command = [sys.executable, "-c", AS_NOBODY, str(root)]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "good.yml").write_text(GOOD)
    return tmp_path


def assert_only_error(root: Path, path: str, said: str, line: int = 1) -> None:
    status, document = check(root)
    (error,) = document["errors"]
    assert (error["path"], error["line"]) == (path, line)
    assert said in error["message"]
    assert "\n" not in error["message"]
    assert status == 2
    assert [launch["path"] for launch in document["launches"]] == ["good.yml"]


def assert_no_error(root: Path) -> dict[str, Any]:
    status, document = check(root)
    assert document["errors"] == []
    assert status == 1
    assert "good.yml" in [launch["path"] for launch in document["launches"]]
    return document


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("- hosts: all\n  tasks:\n    - a: b: c\n", "mapping values are not allowed", 3),
        ("- hosts: 'all\n", "quoted scalar", 1),
        ("a: [1, 2\n", "flow sequence", 2),
        ("a: &x 1\nb: *y\n", "undefined alias", 2),
        ("\tasync: 3\n", "cannot start any token", 1),
    ],
)
def test_a_file_that_does_not_parse(text: str, said: str, line: int, root: Path) -> None:
    (root / "broken.yml").write_text(f"{text}# async: 1\n")
    status, document = check(root)
    (error,) = document["errors"]
    assert status == 2
    assert error["path"] == "broken.yml"
    assert error["message"].startswith("does not parse: ")
    assert [launch["path"] for launch in document["launches"]] == ["good.yml"]
    assert abs(error["line"] - line) <= 2


@pytest.mark.parametrize("name", ["broken.yml", "roles/a/defaults/main.yml", "group_vars/all.yml"])
def test_a_file_that_is_not_utf_8(name: str, root: Path) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"---\nname: caf\xe9\nasync: 1\n")
    assert_only_error(root, name, "is not UTF-8 text (byte 0xe9)", line=2)


def test_a_file_with_a_control_character(root: Path) -> None:
    (root / "broken.yml").write_bytes(b"name: a\x00b\nasync: 3\n")
    assert_only_error(root, "broken.yml", "control characters are not allowed")


def test_a_vaulted_file_and_a_vaulted_value_are_no_errors(root: Path) -> None:
    (root / "secret.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3133\n")
    (root / "group_vars").mkdir()
    (root / "group_vars" / "all.yml").write_text("key: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3133\nasync: 3\n")
    assert_no_error(root)


@pytest.mark.parametrize("text", ["", "---\n", "---\n...\n", "# nothing\n", "\ufeff", "null\n"])
def test_an_empty_file_is_no_error(text: str, root: Path) -> None:
    (root / "empty.yml").write_text(text)
    assert_no_error(root)


def test_unknown_tags_are_no_errors_and_hide_nothing(root: Path) -> None:
    (root / "tags.yml").write_text(
        "- hosts: !mine all\n  vars: !!python/object:os.system {a: 1}\n  tasks:\n"
        "    - name: Under a tag\n      command: !unsafe 'a {{ b }}'\n      async: !seconds 30\n      poll: 0\n"
    )
    document = assert_no_error(root)
    assert [launch["task"] for launch in document["launches"]] == ["Start", "Under a tag"]


def test_a_file_of_ten_megabytes_is_read(root: Path) -> None:
    play = "- hosts: all\n  tasks:\n" + f"    - debug: {{msg: {'hello ' * 200}}}\n" * 10
    (root / "large.yml").write_text(play * (10_500_000 // len(play)) + GOOD)
    document = assert_no_error(root)
    assert [launch["path"] for launch in document["launches"]] == ["good.yml", "large.yml"]


def test_a_loop_of_links_ends(root: Path) -> None:
    (root / "roles").mkdir()
    (root / "roles" / "again").symlink_to(root, target_is_directory=True)
    (root / "self.yml").symlink_to("self.yml")
    (root / "there.yml").symlink_to("back.yml")
    (root / "back.yml").symlink_to("there.yml")
    document = check(root)[1]
    assert [launch["path"] for launch in document["launches"]] == ["good.yml"]


def test_a_folder_and_a_file_without_read_permission(root: Path) -> None:
    (root / "locked").mkdir()
    (root / "locked" / "tasks.yml").write_text(GOOD)
    (root / "closed.yml").write_text(GOOD)
    (root / "closed.yml").chmod(0)
    (root / "locked").chmod(0)
    root.chmod(0o755)
    try:
        ended = as_nobody(root)
    finally:
        (root / "locked").chmod(0o755)
    assert (ended.returncode, ended.stderr) == (2, "")
    document = json.loads(ended.stdout)
    assert {error["path"]: error["message"] for error in document["errors"]} == {
        "closed.yml": "cannot be read: Permission denied",
        "locked": "cannot be read: Permission denied",
    }
    assert [launch["path"] for launch in document["launches"]] == ["good.yml"]


def test_a_project_that_the_user_may_not_read(root: Path) -> None:
    root.chmod(0)
    try:
        ended = as_nobody(root)
    finally:
        root.chmod(0o755)
    assert ended.returncode == 2
    assert "Permission denied" in ended.stderr + ended.stdout
    assert "error of our own" not in ended.stderr


def test_a_pipe_named_like_a_playbook_does_not_hang(root: Path) -> None:
    os.mkfifo(root / "pipe.yml")
    status, document = check(root)
    assert [launch["path"] for launch in document["launches"]] == ["good.yml"]
    assert status in (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000 + "]" * 5000 + "\n# async\n",
        "- " * 5000 + "async\n",
        "a: &a [&b [*b, *a], *a]\nasync: 1\n",
        "- &x\n  hosts: all\n  tasks: [*x]\n  async: 1\n",
        "<<: &m\n  <<: *m\nasync: 3\n",
        "".join(f"{'  ' * depth}k:\n" for depth in range(400)) + "# async\n",
        "? {a: 1}\n: async\n? [b]\n: poll\n",
        "- hosts: all\n  tasks: 3\n  async: 1\n- 7\n- [async]\n- tasks: [1, null, {async: 3}, {block: [4]}]",
        "- hosts: all\n  tasks:\n    - command: a\n      async: [1, {2: 3}]\n      poll: {0: 0}\n      register: [x]\n",
        "- hosts: all\n  tasks: [{command: a, async: 3, poll: 0, loop: 3, when: {a: b}, vars: 3, name: [n]}]\n",
    ],
)
def test_content_made_to_break_a_reader_does_not(text: str, root: Path) -> None:
    (root / "odd.yml").write_text(text)
    status, document = check(root)
    assert status in (1, 2)
    assert "good.yml" in [launch["path"] for launch in document["launches"]]
    assert {error["path"] for error in document["errors"]} <= {"odd.yml"}
