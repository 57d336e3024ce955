"""A launch whose verdict is unknown has one line that says at which place, why, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_reap.flow.engine import analyse
from ansible_reap.jobs import Verdict
from support import golden
from support.files import lay

PLAY = "- hosts: all\n  tasks:\n"
LAUNCH = "    - {command: work, async: 60, poll: 0, register: job}\n"
WAIT = "    - {async_status: {jid: '{{ %s }}'}, register: seen, until: seen is finished, retries: 70, delay: 1}\n"
ENCRYPTED = "$ANSIBLE_VAULT;1.1;AES256\n61306165393336613731\n"
ACTION = "class ActionModule:\n    def run(self):\n        self._execute_module(module_name='async_status')\n"

CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "a wait in a file that nothing calls": (
        {"site.yml": PLAY + LAUNCH, "tasks/later.yml": WAIT[4:] % "job.ansible_job_id"},
        "tasks/later.yml:1",
        "a wait that reads 'job' in a file that nothing calls",
    ),
    "a wait in another playbook": (
        {"site.yml": PLAY + LAUNCH, "other.yml": PLAY + WAIT % "job.ansible_job_id"},
        "other.yml:3",
        "a wait that reads 'job' on another way",
    ),
    "a module of the project": (
        {"site.yml": PLAY + LAUNCH + "    - wait_for_my_job: {of: '{{ job }}'}\n"},
        "site.yml:4",
        "wait_for_my_job is given the job's id",
    ),
    "a call that leads nowhere": (
        {"site.yml": PLAY + LAUNCH + "    - {include_role: {name: not.of.this}, vars: {of: '{{ job }}'}}\n"},
        "site.yml:4",
        "a call that is given the job",
    ),
    "a plugin under the name of the launch's module": (
        {"site.yml": PLAY + LAUNCH, "action_plugins/command.py": ACTION},
        "site.yml:3",
        "a plugin of the project",
    ),
    "a wait for what is not known": (
        {"site.yml": PLAY + LAUNCH + WAIT % "(job | some_filter).ansible_job_id"},
        "site.yml:4",
        "a wait that may be for other jobs",
    ),
    "a wait until what is not known": (
        {"site.yml": PLAY + LAUNCH + (WAIT % "job.ansible_job_id").replace("seen is finished", "later.finished")},
        "site.yml:4",
        "a wait of which it is not known whether its until holds",
    ),
    "a poll that a prompt sets": (
        {
            "site.yml": "- hosts: all\n  vars_prompt: [{name: p}]\n  tasks:\n"
            "    - {command: work, async: 60, poll: '{{ p | default(9) }}'}\n"
        },
        "site.yml:4",
        "its async or poll comes from what only a run reads",
    ),
    "encrypted tasks": (
        {"site.yml": PLAY + LAUNCH + "    - include_tasks: t.yml\n", "t.yml": ENCRYPTED},
        "t.yml:1",
        "tasks that are encrypted",
    ),
    "encrypted variables that a condition may ask for": (
        {
            "site.yml": PLAY
            + LAUNCH.replace("}", ", when: flag}")
            + "    - include_vars: v.yml\n"
            + (WAIT % "job.ansible_job_id").replace("delay: 1}", "delay: 1, when: flag}"),
            "v.yml": ENCRYPTED,
        },
        "v.yml:1",
        "variables that are encrypted",
    ),
    "encrypted variables that may set the poll": (
        {
            "site.yml": "- hosts: all\n  vars_files: [v.yml]\n  tasks:\n"
            "    - {command: work, async: 60, poll: '{{ p | default(9) }}'}\n",
            "v.yml": ENCRYPTED,
        },
        "v.yml:1",
        "may set its async or poll",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_says_why_a_verdict_is_unknown(case: str, tmp_path: Path) -> None:
    files, place, why = CASES[case]
    analysis = analyse(lay(tmp_path, files))
    assert [launch.verdict for launch in analysis.launches] == [Verdict.UNKNOWN]
    (line,) = map(str, analysis.not_followed)
    assert f"is not followed past {place}, so its verdict is unknown: " in line
    assert why in line
    assert re.fullmatch(r"\S+:\d+: [^\n;]+; [^\n]+", line)


def test_no_golden_case_has_an_unknown_launch_without_a_reason(tmp_path: Path) -> None:
    cases = [
        case
        for case in golden.cases()
        if any(launch["verdict"] == "unknown" for launch in golden.expected(case).get("launches", []))
    ]
    assert len(cases) > 50
    for case in cases:
        analysis = analyse(case)
        unknown = {(each.task.path, each.task.line) for each in analysis.launches if each.verdict is Verdict.UNKNOWN}
        assert unknown == {(each.path, each.line) for each in analysis.not_followed}, case
