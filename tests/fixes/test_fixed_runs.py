"""What a fix is for: the job fails, the play was green; after ``check --fix`` the play fails."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.linting.autofix import fix, write
from support.environments import chosen_cores, program, side_cores

HEAD = "  gather_facts: false\n  tasks:\n"
LAUNCH = (
    "    - name: Start {name}\n      ansible.builtin.command: /bin/sh -c 'sleep 0.5; exit 3'\n"
    "      async: 20\n      poll: 0\n"
)
AFTER = "    - name: Go on\n      ansible.builtin.debug:\n"


@dataclass(frozen=True)
class Variant:
    """A play with one launch whose job fails; ``text`` has two spaces fewer than a play's tasks where it is a list."""

    name: str
    text: str
    is_quick: bool = False


def tasks(text: str) -> str:
    return HEAD + text


VARIANTS = [
    Variant("unregistered", tasks(LAUNCH + AFTER), is_quick=True),
    Variant("registered", tasks(LAUNCH + "      register: started\n" + AFTER)),
    Variant("looped", tasks(LAUNCH + "      loop: [a, b]\n"), is_quick=True),
    Variant("loop of dicts", tasks(LAUNCH + "      loop: [{a: 1}, {a: 2}]\n      loop_control: {loop_var: each}\n")),
    Variant("with_items", tasks(LAUNCH + "      with_items: [a, b]\n      register: started\n" + AFTER)),
    Variant("loop in part skipped", tasks(LAUNCH + "      loop: [a, b]\n      when: item == 'b'\n"), is_quick=True),
    Variant("condition", tasks(LAUNCH + "      when: true\n")),
    Variant("variable in the condition", tasks(LAUNCH + "      when: inventory_hostname is defined\n")),
    Variant("run_once", tasks(LAUNCH + "      run_once: true\n")),
    Variant("delegated", tasks(LAUNCH + "      delegate_to: localhost\n"), is_quick=True),
    Variant("become", tasks(LAUNCH + "      become: true\n      become_user: root\n      become_method: su\n")),
    Variant("tags", tasks(LAUNCH + "      tags: [always]\n")),
    Variant("no_log", tasks(LAUNCH + "      no_log: true\n")),
    Variant("unnamed", tasks("    - ansible.builtin.shell: exit 3\n      async: 20\n      poll: 0\n")),
    Variant("templated name", tasks(LAUNCH.replace("{name}", "'{{ inventory_hostname }}'"))),
    Variant("block", tasks("    - block:\n" + LAUNCH.replace("\n  ", "\n      ").replace("    -", "        -", 1))),
    Variant(
        "end of the play",
        tasks(LAUNCH + "    - ansible.builtin.meta: end_play\n" + AFTER),
        is_quick=True,
    ),
    Variant("cleanup", tasks(
        LAUNCH + "      register: started\n    - ansible.builtin.async_status:\n"
        "        jid: '{{ started.ansible_job_id }}'\n        mode: cleanup\n"
    ), is_quick=True),
    Variant("looked at once", tasks(
        LAUNCH.replace('0.5', '5') + "      register: started\n    - ansible.builtin.async_status:\n"
        "        jid: '{{ started.ansible_job_id }}'\n"
    )),
    Variant("post_tasks", "  gather_facts: false\n  post_tasks:\n" + LAUNCH),
]  # fmt: skip


def play(number: int, variant: Variant) -> str:
    return f"- name: {variant.name}\n  hosts: h{number}\n" + variant.text.replace("{name}", variant.name)


def run(root: Path, core: str, playbook: str) -> int:
    """The exit status of a run of the playbook."""
    return subprocess.run(
        [program(f"core-{core}", "ansible-playbook"), "-i", "inventory.json", playbook],
        cwd=root,
        env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(root / "tmp")},
        capture_output=True,
        check=False,
        timeout=300,
    ).returncode


def assert_fixed_plays_fail(root: Path, core: str, variants: list[Variant]) -> None:
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "ansible_async_dir": str(root / "async"),
    }
    hosts = {f"h{number}": local for number, _ in enumerate(variants)}
    (root / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    plays = [play(number, variant) for number, variant in enumerate(variants)]
    (root / "all.yml").write_text("\n".join(plays))
    assert run(root, core, "all.yml") == 0
    (root / "all.yml").unlink()
    # A playbook each, for the first play that fails ends its playbook.
    playbooks = {f"{variant.name.replace(' ', '-')}.yml": text for variant, text in zip(variants, plays, strict=True)}
    for name, text in playbooks.items():
        (root / name).write_text(text)
    done = fix(root, lambda unsaved: linting.lint(root, unsaved=unsaved))
    write(root, done)
    assert sorted(finding.place.path for finding in done.applied) == sorted(playbooks)
    # What a hidden job leaves on its host is for its author to remove: that is only suggested.
    assert {finding.rule for finding in done.outcome.findings} <= {"async-secret"}
    with ThreadPoolExecutor(2) as pool:
        statuses = dict(zip(playbooks, pool.map(lambda name: run(root, core, name), playbooks), strict=True))
    assert statuses == dict.fromkeys(playbooks, 2)


@pytest.mark.parametrize("core", side_cores())
def test_after_the_fix_a_failing_job_fails_the_play(core: str, tmp_path: Path) -> None:
    assert_fixed_plays_fail(tmp_path, core, [variant for variant in VARIANTS if variant.is_quick])


@pytest.mark.slow
@pytest.mark.parametrize("core", chosen_cores())
def test_after_the_fix_a_failing_job_fails_each_of_twenty_plays(core: str, tmp_path: Path) -> None:
    assert len(VARIANTS) == 20
    assert_fixed_plays_fail(tmp_path, core, VARIANTS)
