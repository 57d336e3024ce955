"""``doctor --fix``: our rules in ansible-lint's enable_list, and everything else in the file as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_reap.checks.registry import RULES
from ansible_reap.doctor.enabling import added, enable
from ansible_reap.linting.problems import ConfigError

NAMES = ["async-unreaped", "async-noop"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("profile: safety\n", "profile: safety\nenable_list:\n  - async-unreaped\n  - async-noop\n"),
        ("profile: safety", "profile: safety\nenable_list:\n  - async-unreaped\n  - async-noop\n"),
        (
            "enable_list: # ours\n  - a # first\n  # why\nprofile: safety\n",
            "enable_list: # ours\n  - a # first\n  - async-unreaped\n  - async-noop\n  # why\nprofile: safety\n",
        ),
        ("enable_list:\n- a\nx: 1\n", "enable_list:\n- a\n- async-unreaped\n- async-noop\nx: 1\n"),
        ("enable_list: [a, b] # ours\nx: 1\n", "enable_list: [a, b, async-unreaped, async-noop] # ours\nx: 1\n"),
        ("enable_list: []\n", "enable_list: [async-unreaped, async-noop]\n"),
        (
            "x: 1\nenable_list:\nprofile: min\n",
            "x: 1\nenable_list:\n  - async-unreaped\n  - async-noop\nprofile: min\n",
        ),
        ("a: 1\r\nprofile: x\r\n", "a: 1\r\nprofile: x\r\nenable_list:\r\n  - async-unreaped\r\n  - async-noop\r\n"),
        (
            "---\nprofile: x # end\n# A last word.\n",
            "---\nprofile: x # end\nenable_list:\n  - async-unreaped\n  - async-noop\n# A last word.\n",
        ),
    ],
)
def test_names_are_added_and_the_rest_stays(before: str, after: str) -> None:
    assert added(before, NAMES) == after
    assert yaml.safe_load(after)["enable_list"][-2:] == NAMES


@pytest.mark.parametrize("text", ["{profile: x}\n", "[]\n", "enable_list: &a [x]\nother: *a\n", "enable_list: x\n"])
def test_what_cannot_be_added_to_line_by_line_is_left_alone(text: str) -> None:
    assert added(text, NAMES) is None


def test_the_file_in_effect_is_changed_once(tmp_path: Path) -> None:
    (tmp_path / ".config").mkdir()
    file = tmp_path / ".config" / "ansible-lint.yml"
    file.write_text("profile: production\n")
    count = sum(rule.id not in rule.opt_in for rule in RULES)
    assert enable(tmp_path) == f".config/ansible-lint.yml: {count} rules added to enable_list"
    assert enable(tmp_path) is None
    assert len(yaml.safe_load(file.read_text())["enable_list"]) == count


def test_without_a_profile_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert enable(tmp_path) is None
    (tmp_path / ".ansible-lint").write_text("skip_list: [x]\n")
    assert enable(tmp_path) is None


def test_what_cannot_be_changed_is_told_with_what_to_write(tmp_path: Path) -> None:
    (tmp_path / ".ansible-lint").write_text("{profile: production}\n")
    with pytest.raises(ConfigError, match=r"put this there: async-unreaped, "):
        enable(tmp_path)
