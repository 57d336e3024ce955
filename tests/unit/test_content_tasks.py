"""Nodes to plays, blocks and tasks."""

from __future__ import annotations

import pytest

from ansible_reap.content.arguments import split, words
from ansible_reap.content.model import Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import Content, TaskBlock, read_content


def content_of(text: str) -> Content:
    return read_content("x.yml", compose(text.encode()))


def task_of(text: str) -> Task:
    step = content_of(text).tasks[0]
    assert isinstance(step, Task)
    return step


def test_task_with_its_place_lines_and_keywords() -> None:
    task = task_of("# top\n- name: Go\n  ansible.builtin.command:\n    cmd: work\n  async: 5\n  poll: 0\n")
    assert (task.place.line, task.place.column, task.end_line) == (2, 3, 6)
    assert (task.action, task.module, task.args) == ("ansible.builtin.command", "command", {"cmd": "work"})
    assert task.keywords == {"name": "Go", "async": 5, "poll": 0}
    assert task.line_of("cmd") == 4
    assert task.line_of("poll") == 6


@pytest.mark.parametrize(
    ("text", "module", "args"),
    [
        ("- command: work creates=/x", "command", {"_raw_params": "work", "creates": "/x"}),
        ("- shell: a=1 b", "shell", {"_raw_params": "a=1 b"}),
        ("- async_status: jid={{ a.b }} mode=status", "async_status", {"jid": "{{ a.b }}", "mode": "status"}),
        ("- action: copy src=a dest='b c'", "copy", {"src": "a", "dest": "b c"}),
        ("- local_action: {module: uri, url: x}", "uri", {"url": "x"}),
        ("- copy: {src: a}\n  args: {dest: b}", "copy", {"src": "a", "dest": "b"}),
        ("- acme.tools.thing: {a: 1}", "acme.tools.thing", {"a": 1}),
        ("- ansible.legacy.command: work", "command", {"_raw_params": "work"}),
        ("- meta: flush_handlers", "meta", {"_raw_params": "flush_handlers"}),
        ("- ping:", "ping", {}),
    ],
)
def test_spellings_of_an_action(text: str, module: str, args: dict[str, object]) -> None:
    task = task_of(text)
    assert (task.module, task.args) == (module, args)


def test_local_action_is_delegated_to_localhost() -> None:
    assert task_of("- local_action: command x").keywords["delegate_to"] == "localhost"


def test_blocks_hand_their_keywords_down() -> None:
    content = content_of(
        "- become: true\n  block:\n    - ping:\n      become: false\n    - ping:\n  rescue:\n    - debug:\n"
    )
    block = content.tasks[0]
    assert isinstance(block, TaskBlock)
    first, second = block.body
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    assert (first.inherited("become"), second.inherited("become")) == (False, True)
    assert len(block.rescue) == 1
    assert block.as_task().module == "block"


def test_playbook_with_its_parts() -> None:
    content = content_of(
        "- import_playbook: other.yml\n- hosts: [a, b]\n  roles: [x, {role: y}]\n  pre_tasks: [{ping: }]\n"
        "  tasks: [{ping: }]\n  post_tasks: [{ping: }]\n  handlers: [{name: h, ping: }]\n"
    )
    imported, play = content.plays
    assert imported.imports == "other.yml"
    assert (play.hosts, [entry for _, entry in play.roles]) == ("a,b", ["x", {"role": "y"}])
    assert [len(part) for part in (play.pre_tasks, play.tasks, play.post_tasks, play.handlers)] == [1, 1, 1, 1]
    handler = play.handlers[0]
    assert isinstance(handler, Task)
    assert handler.is_handler
    assert list(handler.enclosing())[-1].is_play


@pytest.mark.parametrize("text", ["a: 1", "just text", "[1, 2]", "- [a]", "- {}", "- name: only a name"])
def test_files_that_hold_no_tasks_have_none(text: str) -> None:
    assert list(content_of(text).steps()) == []


def test_words_keep_quotes_and_jinja_together() -> None:
    assert words("a='b c' {{ d | e('f g') }} h") == ["a='b c'", "{{ d | e('f g') }}", "h"]
    assert words("") == []


def test_split_leaves_free_form_text_alone() -> None:
    assert split("echo {{ a }} > b", "shell") == {"_raw_params": "echo {{ a }} > b"}
