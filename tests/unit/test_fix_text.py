"""The text of a suggestion says where a task goes that does not belong right after the finding's."""

from __future__ import annotations

from pathlib import Path

from ansible_reap import linting

LAUNCH = """\
    - name: Work {0}
      ansible.builtin.command: /usr/bin/work {0}
      async: 600
      poll: 0
      register: work_{0}
"""
PLAY = "- name: Play\n  hosts: app\n  tasks:\n"
OTHER = "    - name: Say so\n      ansible.builtin.debug:\n        msg: started\n"


def suggestion(root: Path, text: str) -> str:
    (root / "site.yml").write_text(text)
    return linting.lint(root).findings[0].suggestion


def test_a_wait_at_the_end_of_the_list_says_after_which_line(tmp_path: Path) -> None:
    found = suggestion(tmp_path, PLAY + LAUNCH.format(1) + OTHER)
    where = "after line 11, not here; earlier if a task before that needs the work done"
    assert f"    # To be put in {where}:\n    - name: Wait for Work 1\n" in found


def test_a_wait_right_after_the_launch_says_nothing(tmp_path: Path) -> None:
    found = suggestion(tmp_path, PLAY + LAUNCH.format(1) + "\n    # the end\n")
    assert "- name: Wait for Work 1\n" in found
    assert "To be put in" not in found


def test_a_launch_that_may_fail_gets_no_wait_that_fails_the_play(tmp_path: Path) -> None:
    assert suggestion(tmp_path, PLAY + LAUNCH.format(1) + "      ignore_errors: true\n") == ""
    assert suggestion(tmp_path, PLAY + LAUNCH.format(1) + "      failed_when: false\n") == ""
