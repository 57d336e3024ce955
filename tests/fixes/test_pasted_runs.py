"""What is printed is pasted by hand and run: with the twenty plays of test_fixed_runs.py, more than thirty of them.

There a fix is written by ``--fix``; here stand the suggestions that only their author may take, for what they change.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_reap import linting
from support.environments import chosen_cores, program, side_cores
from support.pasting import paste

START = """\
    - name: Start
      ansible.builtin.command: {work}
      async: {limit}
      poll: 0
      register: job
"""
WAIT = """\
    - name: Wait
      ansible.builtin.async_status:
        jid: "{{{{ job.ansible_job_id }}}}"
      register: result
      until: {until}
      retries: {retries}
      delay: 1
"""
FAILING = "/bin/sh -c 'sleep 0.3; exit 3'"
LOOP = """\
    - name: Wait
      ansible.builtin.async_status:
        jid: "{{{{ item.ansible_job_id }}}}"
      loop: "{{{{ job.results }}}}"
      register: result
      until: result is finished
      retries: 40
      delay: 1
"""
FINE, BROKEN = 0, 2


@dataclass(frozen=True)
class Case:
    """Tasks with one finding, and how the play ends before and after its suggestion is pasted."""

    tag: str
    tasks: str
    before: int
    after: int
    absent: str = ""
    """What the run prints before, and no more after."""
    is_quick: bool = False
    enable: str = ""
    """An opt-in rule to switch on."""
    vary: str = ""

    @property
    def name(self) -> str:
        return re.sub(r"\W+", "-", f"{self.tag} {self.vary}").strip("-")


def start(work: str = "sleep 1", limit: int = 30, more: str = "") -> str:
    return START.format(work=work, limit=limit) + more


def wait(until: str = "result is finished", retries: int = 50, more: str = "") -> str:
    return WAIT.format(until=until, retries=retries) + more


CASES = [
    Case("async-timeout[window]", start("sleep 15", 60) + wait(retries=1), BROKEN, FINE),
    Case("async-timeout[window]", start("sleep 18", 40) + wait(retries=3).replace("      retries: 3\n", ""),
         BROKEN, FINE, vary="no retries"),
    Case("async-timeout[ceiling]", start("sleep 25", 6) + wait(), BROKEN, FINE),
    Case("async-timeout[ceiling]", start("/bin/sh -c 'sleep 25'", 6) + wait(), BROKEN, FINE, vary="in a shell"),
    Case("async-timeout[headroom]", start("sleep 1", 11, "      vars: {async_reaper_expect: 10}\n") + wait(),
         FINE, FINE),
    Case("async-timeout[interval]", start("/bin/sh -c 'read -t 20 x < /dev/zero; sleep 15'", 1) + wait(), BROKEN, FINE),
    Case("async-swallowed[ignore-errors]", start(FAILING) + wait(more="      ignore_errors: true\n"), FINE, BROKEN,
         is_quick=True),
    Case("async-swallowed[failed-when]", start(FAILING) + wait(more="      failed_when: false\n"), FINE, BROKEN,
         is_quick=True),
    Case("async-swallowed[until]", start(FAILING) + wait("result is finished and result.rc == 0", 40), BROKEN, BROKEN,
         absent="(3 retries left)", is_quick=True),
    Case("async-unreaped[unregistered]", start(FAILING, more="      vars: {lasts: 30}\n").replace("async: 30",
         'async: "{{ lasts }}"').replace("      register: job\n", ""), FINE, BROKEN, is_quick=True),
    Case("async-scope[results]", start(more="      loop: [a, b]\n") + wait(), BROKEN, FINE, is_quick=True),
    Case("async-scope[results]", start(more="      loop: [a, b]\n      when: item == 'b'\n") + LOOP.format(),
         BROKEN, FINE, vary="skipped"),
    Case("async-scope[delegate]", start(more="      delegate_to: other\n") + wait(), BROKEN, FINE, is_quick=True),
    Case("async-scope[async-dir]", start(more="      vars: {ansible_async_dir: /tmp/reap-elsewhere}\n") + wait(),
         BROKEN, FINE),
    Case("async-noop[zero]", start(limit=0).replace("      register: job\n", ""), FINE, FINE),
    Case("async-noop[poll]", start().replace("      async: 30\n", "").replace("      register: job\n", ""), FINE, FINE),
    Case("async-noop[keyword]", "    - name: Call\n      ansible.builtin.import_tasks: more.yml\n      async: 30\n"
         "      poll: 0\n", FINE, FINE),
    Case("async-noop[keyword]", "    - name: Call\n      async: 30\n      poll: 0\n      block:\n"
         "        - name: Say\n          ansible.builtin.debug:\n", 4, FINE, vary="block"),
    Case("async-unsupported[action]", "    - name: Say\n      ansible.builtin.debug:\n        msg: x\n      async: 30\n"
         "      poll: 0\n", BROKEN, FINE, is_quick=True),
    Case("async-result[ignored]", start(FAILING, more="      ignore_errors: true\n") + wait(), BROKEN, BROKEN),
    Case("async-finished", start() + wait("result.finished"), FINE, FINE, enable="async-finished"),
    Case("async-cleanup", start() + wait(), FINE, FINE, enable="async-cleanup"),
]  # fmt: skip


def run(root: Path, core: str) -> tuple[int, str]:
    ended = subprocess.run(
        [program(f"core-{core}", "ansible-playbook"), "-i", "inventory.json", "site.yml"],
        cwd=root,
        env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(root / "tmp"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return ended.returncode, ended.stdout


def project(root: Path, case: Case) -> Path:
    hosts = {
        name: {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            # where the inventory names a folder, which one a task ends up with is left to the run
            **({} if case.tag == "async-scope[async-dir]" else {"ansible_async_dir": str(root / f"async-{name}")}),
        }
        for name in ("app", "other")
    }
    (root / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (root / "more.yml").write_text("- name: Say\n  ansible.builtin.debug:\n")
    if case.enable:
        (root / ".ansible-lint").write_text(json.dumps({"enable_list": [case.enable]}))
    site = root / "site.yml"
    site.write_text(f"- name: Play\n  hosts: app\n  gather_facts: false\n  tasks:\n{case.tasks}")
    return site


def assert_does_what_it_says(case: Case, core: str, root: Path) -> None:
    site = project(root, case)
    (finding,) = [each for each in linting.lint(root).findings if each.tag == case.tag]
    assert finding.suggestion, finding.message
    status, told = run(root, core)
    assert (status, case.absent in told) == (case.before, True)
    site.write_text(paste(site.read_text(), finding))
    assert case.tag not in [each.tag for each in linting.lint(root).findings]
    status, told = run(root, core)
    assert status == case.after, told
    assert not case.absent or case.absent not in told


@pytest.mark.parametrize("core", side_cores())
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] if number % 5 else [], id=case.name)
        for number, case in enumerate(case for case in CASES if case.is_quick)
    ],
)
def test_a_pasted_suggestion_does_what_it_says(case: Case, core: str, tmp_path: Path) -> None:
    assert_does_what_it_says(case, core, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("core", chosen_cores())
@pytest.mark.parametrize("case", [case for case in CASES if not case.is_quick], ids=lambda case: case.name)
def test_each_other_pasted_suggestion_does_what_it_says(case: Case, core: str, tmp_path: Path) -> None:
    assert_does_what_it_says(case, core, tmp_path)
