"""The analysis as a whole: what it says of launches, reaps and uses besides the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.flow.analysis import Launch, ReapKind
from ansible_reap.flow.engine import analyse
from ansible_reap.jobs import Verdict
from support.bounds import processor_time_below
from support.files import lay

WAIT = '- async_status: {jid: "{{ job.ansible_job_id }}"}\n  register: status\n  until: status is finished\n'
START = "- name: Start\n  command: work\n  async: 300\n  poll: 0\n  register: job\n"


def launch_of(root: Path, files: dict[str, str]) -> Launch:
    launches = analyse(lay(root, files)).launches
    assert len(launches) == 1
    return launches[0]


def test_numbers_through_roles_and_their_callers(tmp_path: Path) -> None:
    launch = launch_of(
        tmp_path,
        {
            "a.yml": "- hosts: a\n  roles:\n    - role: app\n      app_limit: 60\n",
            "b.yml": "- hosts: b\n  roles: [app]\n",
            "roles/app/defaults/main.yml": "app_limit: 300\n",
            "roles/app/tasks/main.yml": "- command: work\n  async: '{{ app_limit }}'\n  poll: 0\n",
        },
    )
    assert launch.limit.values == {60, 300}
    assert launch.limit.known
    assert launch.limit.single is None
    assert launch.poll.single == 0
    assert [setting.hosts for setting in launch.settings] == ["a", "b"]


def test_budget_of_a_wait_and_its_defaults(tmp_path: Path) -> None:
    analysis = analyse(
        lay(tmp_path, {"a.yml": START + WAIT, "b.yml": START + WAIT + "  retries: '{{ 300 // 10 }}'\n  delay: 10\n"})
    )
    budgets = [reap.budget.single for reap in analysis.reaps if reap.budget is not None]
    assert budgets == [15, 300]
    assert {reap.kind for reap in analysis.reaps} == {ReapKind.WAIT}


def test_settings_are_inherited_and_via_names_the_way(tmp_path: Path) -> None:
    launch = launch_of(
        tmp_path,
        {
            "site.yml": "- hosts: web\n  become: true\n  tasks:\n"
            "    - block:\n        - import_tasks: one.yml\n      become_user: app\n",
            "one.yml": START + "  delegate_to: here\n  vars: {ansible_async_dir: /tmp/x}\n",
        },
    )
    setting = launch.settings[0]
    assert (setting.become, setting.become_user, setting.delegate_to) == (True, "app", "here")
    assert (setting.playbook, setting.hosts, setting.async_dir) == ("site.yml", "web", "/tmp/x")
    assert launch.via == ("site.yml:1", "site.yml:5", "one.yml:1")


@pytest.mark.parametrize(("state", "first"), [("absent", "b.yml"), ("'{{ wanted }}'", "a.yml")])
def test_the_way_that_is_named_is_one_whose_conditions_hold(tmp_path: Path, state: str, first: str) -> None:
    analysis = analyse(
        lay(
            tmp_path,
            {
                "a.yml": "- hosts: a\n  roles: [vm]\n",
                "b.yml": f"- hosts: b\n  roles:\n    - role: vm\n      vm_state: {state}\n",
                "0.yml": "- hosts: c\n  roles:\n    - role: vm\n      vm_state: other\n",
                "roles/vm/defaults/main.yml": "vm_state: present\n",
                "roles/vm/tasks/main.yml": "- include_tasks: gone.yml\n  when: vm_state == 'absent'\n",
                "roles/vm/tasks/gone.yml": START + WAIT,
            },
        )
    )
    ways = [setting.via[0] for setting in analysis.reaps[0].settings]
    assert ways[0] == f"{first}:1"
    assert "0.yml:1" not in ways
    assert analysis.launches[0].via[0] == f"{first}:1"


def test_launches_beside_others(tmp_path: Path) -> None:
    files = {
        "a.yml": "- hosts: a\n  tasks:\n"
        + "".join(
            f"    {line}\n"
            for line in (START + START.replace("job", "two") + WAIT + START.replace("job", "three")).splitlines()
        )
    }
    first, second, third = analyse(lay(tmp_path, files)).launches
    assert [launch.beside for launch in (first, second, third)] == [(), (first.task,), (second.task,)]


def test_expected_run_time_and_detachment(tmp_path: Path) -> None:
    launch = launch_of(
        tmp_path,
        {"a.yml": START + "  vars:\n    async_reaper_expect: '{{ 60 * 2 }}'\n    async_reaper_detach: '{{ why }}'\n"},
    )
    assert launch.expected is not None
    assert launch.expected.single == 120
    assert launch.detached is not None
    assert launch.detached.reason == "{{ why }}"
    assert launch.verdict is Verdict.DETACHED


def test_uses_name_what_is_no_launch(tmp_path: Path) -> None:
    text = "- import_role: {name: x}\n  async: 5\n  poll: 0\n- block: [{ping: }]\n  async: 5\n"
    text += "- command: x\n  poll: 3\n- command: y\n  async: 5\n  poll: 3\n"
    analysis = analyse(lay(tmp_path, {"a.yml": text}))
    assert analysis.launches == ()
    assert [(use.task.module, use.task.line) for use in analysis.uses] == [
        ("import_role", 1),
        ("block", 4),
        ("command", 6),
        ("command", 8),
    ]
    assert analysis.uses[3].limit is not None
    assert analysis.uses[3].limit.single == 5


def test_a_looped_register_read_without_results(tmp_path: Path) -> None:
    analysis = analyse(lay(tmp_path, {"a.yml": START + "  loop: [a, b]\n" + WAIT}))
    assert analysis.reaps[0].misses_results
    launch = analysis.launches[0]
    assert (launch.verdict, launch.sub_tag) == (Verdict.UNREAPED, None)


def test_looks_that_come_near_are_named(tmp_path: Path) -> None:
    launch = launch_of(
        tmp_path, {"a.yml": START + '- async_status: {jid: "{{ job.ansible_job_id }}", mode: cleanup}\n'}
    )
    assert [look.kind for look in launch.looks] == [ReapKind.CLEANUP]
    assert "neither waits" in launch.explanation


def test_errors_stop_nothing(tmp_path: Path) -> None:
    lay(
        tmp_path, {"a.yml": START, "broken.yml": "async: [\n", "empty.yml": "", "vault.yml": "$ANSIBLE_VAULT;1.1\n31\n"}
    )
    (tmp_path / "latin.yml").write_bytes(b"async: \xe9\xe8\n")
    analysis = analyse(tmp_path)
    assert [error.path for error in analysis.errors] == ["broken.yml", "latin.yml"]
    assert analysis.files == 5
    assert len(analysis.launches) == 1
    assert analysis.texts["a.yml"] == START


def test_a_project_template_is_read_without_its_statements(tmp_path: Path) -> None:
    analysis = analyse(lay(tmp_path, {"{{cookiecutter.x}}/a.yml": "{% raw %}\n" + START + "{% endraw %}\n"}))
    assert analysis.errors == ()
    assert analysis.launches[0].task.line == 2


def test_a_large_file_is_survived(tmp_path: Path) -> None:
    big = "a:\n" + "  - some text that is long enough to fill a line of this file\n" * 160_000
    lay(tmp_path, {"big.yml": big, "a.yml": START})
    with processor_time_below(30):
        assert len(analyse(tmp_path).launches) == 1


def _fan_out(width: int, depth: int) -> dict[str, str]:
    files = {f"t{depth}.yml": START}
    for level in range(depth):
        call = f"- include_tasks: t{level + 1}.yml\n  loop: '{{{{ x }}}}'\n  vars: {{v%d: '{{{{ item }}}}'}}\n"
        files[f"t{level}.yml"] = "".join(call % number for number in range(width))
    return files


CIRCLES = {
    "tasks": {"a.yml": "- include_tasks: a.yml\n" + START},
    "playbooks": {
        "a.yml": "- import_playbook: b.yml\n",
        "b.yml": "- import_playbook: a.yml\n- hosts: x\n  tasks: [{command: x, async: 1, poll: 0}]\n",
    },
    "dependencies": {
        "roles/a/meta/main.yml": "dependencies: [b]\n",
        "roles/b/meta/main.yml": "dependencies: [a]\n",
        "roles/a/tasks/main.yml": START,
        "roles/b/tasks/main.yml": START,
    },
    "fan-out": _fan_out(4, 8),
    "candidates": {"a.yml": "- include_tasks: '{{ x }}.yml'\n" + START} | {f"n{n}.yml": START for n in range(90)},
}


@pytest.mark.parametrize("name", CIRCLES)
def test_calls_without_end_are_bounded(tmp_path: Path, name: str) -> None:
    lay(tmp_path, CIRCLES[name])
    with processor_time_below(20):
        assert analyse(tmp_path).launches


def test_a_bound_that_was_hit_makes_things_unknown(tmp_path: Path) -> None:
    files = {"a.yml": START + "- include_tasks: 'wait-{{ x }}.yml'\n"} | {f"wait-{n}.yml": WAIT for n in range(70)}
    launch = next(launch for launch in analyse(lay(tmp_path, files)).launches if launch.task.path == "a.yml")
    assert launch.verdict in (Verdict.UNKNOWN, Verdict.REAPED)


def test_an_empty_project(tmp_path: Path) -> None:
    analysis = analyse(tmp_path)
    assert (analysis.launches, analysis.files) == ((), 0)
    assert [str(error) for error in analysis.errors] == [".:1: holds no YAML file that Ansible would load"]
