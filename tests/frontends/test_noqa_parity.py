"""``# noqa`` silences for us exactly what it silences for ansible-lint, wherever it stands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_reap.linting.noqa import Comments
from support.environments import environment, program

PLAYBOOK = Path(__file__).with_name("noqa_playbook.yml")
RULE = "no-changed-when"
"""A rule of ansible-lint that speaks on every command; the playbook's comments name it."""


def commands(node: yaml.Node | None) -> list[tuple[int, int]]:
    """First and last line of every task that runs a command."""
    if isinstance(node, yaml.SequenceNode):
        return [found for item in node.value for found in commands(item)]
    if not isinstance(node, yaml.MappingNode):
        return []
    found = [pair for _, value in node.value for pair in commands(value)]
    if any(key.value == "ansible.builtin.command" for key, _ in node.value):
        found.append((node.start_mark.line + 1, last_line(node)))
    return found


def last_line(node: yaml.Node) -> int:
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return int(node.end_mark.line) + (1 if node.end_mark.column else 0)
    last = node.value[-1]
    return last_line(last[1] if isinstance(last, tuple) else last)


def spoken_of_by_us() -> set[int]:
    text = PLAYBOOK.read_text(encoding="utf-8")
    comments = Comments(text)
    tagged = {line for line, end in commands(yaml.compose(text)) if "skip_ansible_lint" in lines(text, line, end)}
    return {line for line, end in commands(yaml.compose(text)) if not comments.silence(RULE, RULE, line, end)} - tagged


def below_a_comment() -> set[int]:
    """The tasks right below a comment of their own, which 26.10 honours and 25.1 does not."""
    text = PLAYBOOK.read_text(encoding="utf-8").splitlines()
    return {number + 1 for number, line in enumerate(text, 1) if line.strip() == f"# noqa: {RULE}"}


def lines(text: str, first: int, last: int) -> str:
    return "\n".join(text.splitlines()[first - 1 : last])


@pytest.mark.parametrize("name", ["lint", "lint-oldest"])
def test_the_same_tasks_are_silenced_as_by_the_real_ansible_lint(name: str, tmp_path: Path) -> None:
    if environment(name) is None:
        pytest.skip(f"no environment {name}")
    shutil.copy(PLAYBOOK, tmp_path / "playbook.yml")
    run = subprocess.run(
        [program(name, "ansible-lint"), "--offline", "-q", "--nocolor", "-t", RULE, "-f", "json", "playbook.yml"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [issue for issue in json.loads(run.stdout) if issue["check_name"] == RULE]
    spoken_of = {issue["location"].get("lines", issue["location"].get("positions"))["begin"] for issue in found}
    spoken_of = {begin["line"] if isinstance(begin, dict) else begin for begin in spoken_of}
    assert spoken_of - below_a_comment() == spoken_of_by_us() - below_a_comment()
    assert len(spoken_of) > 10, run.stderr
