"""A run without jobs cannot be told from a run without us: output, recap, status, and what other callbacks hear."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from scenarios.conftest import CALLBACKS, Run, start
from scenarios.plays import play, say

HERE = Path(__file__).parent / "callbacks"
TRUE = '- ansible.builtin.command: "true"\n'
FALSE = '- ansible.builtin.command: "false"\n'
ON_H1 = "  when: inventory_hostname == 'h1'\n"
NOTIFY = "  notify: Handle it\n"
HANDLER = """
    handlers:
      - name: Handle it
        ansible.builtin.command: "true"
"""
FAILING_HANDLER = HANDLER.replace('"true"', '"false"')
RESCUE = """\
- block:
    - ansible.builtin.command: "false"
  rescue:
    - ansible.builtin.debug: {msg: rescued}
  always:
    - ansible.builtin.debug: {msg: always}
"""
INCLUDES = "- ansible.builtin.include_tasks: more.yml\n- ansible.builtin.include_role: {name: db}\n"
UNREACHABLE = "- ansible.builtin.command: 'true'\n  vars: {ansible_connection: nonexistent_plugin}\n"


class Case(NamedTuple):
    """A playbook, how it is called, and the stdout callback."""

    playbook: str
    args: tuple[str, ...] = ()
    stdout: str = "default"


LATER = play(say("went on"))
CASES = {
    "empty": Case(play()),
    "plain": Case(play(TRUE, TRUE) + LATER),
    "failure": Case(play(TRUE, FALSE + ON_H1, TRUE) + LATER),
    "all_fail": Case(play(FALSE) + LATER),
    "ignored": Case(play(FALSE + "  ignore_errors: true\n") + LATER),
    "rescue": Case(play(RESCUE) + LATER),
    "rescue_that_fails": Case(play(RESCUE.replace("{msg: rescued}", '{msg: "{{ nowhere }}"}')) + LATER),
    "handlers": Case(play(TRUE + NOTIFY, "- ansible.builtin.meta: flush_handlers\n", TRUE + NOTIFY, more=HANDLER)),
    "failing_handler": Case(play(TRUE + NOTIFY + ON_H1, more=FAILING_HANDLER) + LATER),
    "force_handlers": Case(play(TRUE + NOTIFY, FALSE + ON_H1, more=HANDLER, force_handlers="true") + LATER),
    "sections": Case(play(TRUE, more=f"pre_tasks:\n  {TRUE}post_tasks:\n  {TRUE}")),
    "roles": Case(play(more="roles: [db, web]") + LATER),
    "includes": Case(play(INCLUDES) + LATER),
    "include_that_fails": Case(play("- ansible.builtin.include_tasks: nowhere.yml\n") + LATER),
    "include_handlers": Case(
        play(
            TRUE + NOTIFY, INCLUDES, more="handlers:\n  - name: Handle it\n    ansible.builtin.include_tasks: more.yml"
        )
    ),
    "run_once": Case(play(TRUE + "  run_once: true\n") + LATER),
    "failing_run_once": Case(play(FALSE + "  run_once: true\n") + LATER),
    "serial": Case(play(INCLUDES, serial=1) + LATER),
    "serial_that_stops": Case(play(FALSE, INCLUDES, serial=1) + LATER),
    "throttle": Case(play(TRUE + "  throttle: 1\n")),
    "delegate": Case(play(TRUE + "  delegate_to: h2\n")),
    "free": Case(play(INCLUDES, TRUE, FALSE + ON_H1, strategy="free", hosts="h1") + LATER),
    "host_pinned": Case(play(INCLUDES, TRUE, strategy="host_pinned", hosts="h1") + LATER),
    "debug_strategy": Case(play(INCLUDES, TRUE, strategy="debug") + LATER),
    "unreachable": Case(play(UNREACHABLE + ON_H1, TRUE) + LATER),
    "any_errors_fatal": Case(play(INCLUDES, FALSE + ON_H1, any_errors_fatal="true") + LATER),
    "max_fail_percentage": Case(play(INCLUDES, FALSE + ON_H1, max_fail_percentage=20) + LATER),
    "end_play": Case(play(INCLUDES, "- ansible.builtin.meta: end_play\n") + LATER),
    "end_host": Case(play(INCLUDES, "- ansible.builtin.meta: end_host\n" + ON_H1) + LATER),
    "end_batch": Case(play(INCLUDES, "- ansible.builtin.meta: end_batch\n", serial=1) + LATER),
    "clear_host_errors": Case(play(FALSE + ON_H1, "- ansible.builtin.meta: clear_host_errors\n") + LATER),
    "no_hosts": Case(play(TRUE, hosts="nobody") + LATER),
    "check_mode": Case(play(TRUE, INCLUDES) + LATER, ("--check", "--diff")),
    "tags": Case(play(TRUE + "  tags: [a]\n", INCLUDES) + LATER, ("--tags", "a")),
    "skip_tags": Case(play(TRUE, INCLUDES) + LATER, ("--skip-tags", "always")),
    "start_at_task": Case(
        play(TRUE, "- name: Here\n  ansible.builtin.debug: {msg: here}\n"), ("--start-at-task", "Here")
    ),
    "poll": Case(play("- ansible.builtin.command: sleep 0.1\n  async: 10\n  poll: 1\n  when: false\n") + LATER),
    "launch_skipped": Case(play("- ansible.builtin.command: sleep 1\n  async: 9\n  poll: 0\n  when: false\n") + LATER),
    "syntax_check": Case(play(TRUE, INCLUDES), ("--syntax-check",)),
    "list_tasks": Case(play(TRUE, INCLUDES), ("--list-tasks",)),
    "loop": Case(play(TRUE + "  loop: [1, 2]\n") + LATER),
}
FILES = {
    "more.yml": "- ansible.builtin.debug: {msg: more}\n",
    "roles/db/tasks/main.yml": "- ansible.builtin.debug: {msg: db}\n",
    "roles/web/tasks/main.yml": "- ansible.builtin.debug: {msg: web}\n",
    "roles/web/handlers/main.yml": "- name: Role handler\n  ansible.builtin.debug: {msg: handler}\n",
}
# What differs between any two runs.
VARYING = re.compile(r"[0-9]{4}-[0-9-]+ [0-9:.]+|0:00:[0-9.]+|0x[0-9a-f]+")
OF_A_HOST = re.compile(r'\[\["(?:Host|result)", "([^"]+)"')
DEFAULT = ("failure", "rescue_that_fails", "force_handlers", "includes", "serial", "end_play", "launch_skipped")


def recorded(core: str, folder: Path, case: Case, files: Mapping[str, str], *, with_us: bool) -> tuple[Run, list[str]]:
    """The run, and what another callback was told in it."""
    folder.mkdir()
    events = folder / "events"
    got = start(
        core,
        folder,
        case.playbook,
        hosts=("h1", "h2"),
        files=files,
        args=case.args,
        env={
            "RECORDER_PATH": str(events),
            "ANSIBLE_FORKS": "1",
            "ANSIBLE_STDOUT_CALLBACK": case.stdout,
            "ASYNC_REAPER_REPORT_PATH": "",
        },
        callbacks="async_reaper,recorder" if with_us else "recorder",
        callback_folders=(*((CALLBACKS,) if with_us else ()), HERE, HERE / "documents"),
    )
    return got, events.read_text(encoding="utf-8").splitlines() if events.exists() else []


def outcome(core: str, folder: Path, case: Case, *, with_us: bool) -> tuple[Run, list[str], list[str]]:
    """The run, its output and the events that another callback got."""
    got, heard = recorded(core, folder, case, FILES, with_us=with_us)
    output = VARYING.sub("~", f"{got.stdout}\n{got.stderr}".replace(str(folder), "")).splitlines()
    return got, output, in_order(heard)


def in_order(events: list[str]) -> list[str]:
    """The events of several hosts in a row, host by host.

    Whether the result of one comes before the next one starts depends on how busy the machine is.
    """
    ordered: list[str] = []
    for _, several in groupby(events, lambda event: host_of(event) is not None):
        ordered += sorted(several, key=lambda event: host_of(event) or "")
    return ordered


def host_of(event: str) -> str | None:
    """The host whose task starts or has ended, or None for any other event."""
    found = OF_A_HOST.match(event)
    return found[1] if found else None


@pytest.mark.parametrize(
    "name", [name if name in DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_run_without_jobs_is_as_without_us(core: str, tmp_path: Path, name: str) -> None:
    without, output_without, events_without = outcome(core, tmp_path / "without", CASES[name], with_us=False)
    with_us, output_with, events_with = outcome(core, tmp_path / "with_us", CASES[name], with_us=True)
    assert output_with == output_without
    assert with_us.status == without.status
    assert with_us.recap == without.recap
    assert events_with == events_without
    assert events_with or CASES[name].args[:1] in (("--syntax-check",), ("--list-tasks",))


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 30
