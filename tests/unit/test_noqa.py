from __future__ import annotations

import pytest

from ansible_reap.linting.noqa import Comments


def is_silenced(task: str, rule: str, tag: str) -> bool:
    text = f"- name: Before\n  command: a\n{task}- name: After\n  command: b\n"
    return Comments(text).silence(rule, tag, 3, 2 + len(task.rstrip("\n").splitlines()))


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("- name: Go # noqa: one\n  command: a\n", True),
        ("- name: Go # noqa: other one[sub]\n  command: a\n", True),
        ("- name: Go # noqa: one[another]\n  command: a\n", False),
        ("- name: Go # noqa one\n  command: a\n", True),
        ("- name: Go # why # noqa: one because\n  command: a\n", True),
        ("- name: Go # noqa\n  command: a\n", False),
        ("- name: Go #noqa: one\n  command: a\n", False),
        ("- name: Go # NOQA: one\n  command: a\n", False),
        ("- name: Go # noqa: one,other\n  command: a\n", False),
        ("- name: Go\n  command: a\n\n# noqa: one\n", True),
        ("- name: Go\n  command: 'a # noqa: one'\n", False),
        ("- name: Go\n  command: 'a # noqa: other' # noqa: one\n", True),
        ("- name: Go\n  shell: |\n    a\n    # noqa: one\n", False),
        ("- {name: Go, command: a} # noqa: one\n", False),
        ("- {name: Go, command: a} # noqa: one[sub]\n", True),
    ],
)
def test_what_counts_as_a_noqa(task: str, expected: bool) -> None:
    assert is_silenced(task, "one", "one[sub]") is expected


def test_a_comment_of_the_next_task_is_not_ours() -> None:
    text = "- name: One\n  command: a\n- name: Two # noqa: x\n  command: b\n"
    assert not Comments(text).silence("x", "x", 1, 2)
    assert Comments(text).silence("x", "x", 3, 4)
