"""Outcomes for the tests of the formats: hostile names, two rules, a fix, a known finding, an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_reap.checks.finding import Edit, Finding, Fix, Level, Related, Rule
from ansible_reap.content.model import Place, Task
from ansible_reap.flow.analysis import Launch, Quantity, ReadError, Reap, ReapKind, Setting
from ansible_reap.jobs import Verdict
from ansible_reap.linting.outcome import Outcome

PATH = "roles/dä tabase/tasks/main.yml"
NASTY = 'Back up, 100%: <all> & "every" \x1b[31mthing::end'
TEXT = """\
---
- name: Start
  ansible.builtin.command: sleep 60
  async: 3600
  poll: 0

- name: Wait
  ansible.builtin.async_status:
    jid: "{{ started.ansible_job_id }}"
"""


def _no_findings(_: object) -> Iterator[Finding]:
    return iter(())


RULES = {
    "async-unreaped": Rule(
        "async-unreaped", ("never", "peek"), Level.HIGH, ("unpredictability",), "Nobody waits for the job", _no_findings
    ),
    "async-noop": Rule("async-noop", ("zero",), Level.MEDIUM, ("idiom",), "Ansible ignores it", _no_findings),
}


def finding(**changes: object) -> Finding:
    plain = Finding(
        rule="async-unreaped",
        sub_tag="never",
        severity=Level.HIGH,
        confidence=Level.HIGH,
        place=Place(PATH, 2, 3),
        end_line=5,
        task=NASTY,
        message="Nothing waits for the job.\nIt may fail, 100% unseen: \x07bell",
        related=(Related(Place("site.yml", 4), "the play that includes it"),),
        via=("site.yml:4", f"{PATH}:2"),
        fix=Fix(
            "register the job and wait for it",
            (
                Edit(PATH, 6, 5, "  register: started\n"),
                Edit("site.yml", 4, 5, "  roles: []\n"),
            ),
        ),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def task(line: int, name: str | None = "Start") -> Task:
    return Task(Place(PATH, line), line + 3, name, "ansible.builtin.command", "command", {}, {}, None)


def quantity(*values: float, text: str = "", is_open: bool = False) -> Quantity:
    return Quantity(frozenset(values), is_open, text or str(next(iter(values), "")))


def launch(line: int = 2, verdict: Verdict = Verdict.UNREAPED, limit: Quantity | None = None) -> Launch:
    waits = Reap(task(line + 5, "Wait"), ReapKind.WAIT)
    return Launch(
        task(line),
        limit or quantity(3600),
        quantity(0),
        "started",
        is_looped=False,
        verdict=verdict,
        reaps=(waits,) if verdict is Verdict.REAPED else (),
        settings=(Setting(via=("site.yml:4", f"{PATH}:{line}")),),
    )


def outcome() -> Outcome:
    return Outcome(
        root="/srv/pro ject",
        findings=(finding(), finding(place=Place(PATH, 7), end_line=9, fix=None, related=(), via=())),
        warnings=(finding(rule="async-noop", sub_tag="zero", severity=Level.MEDIUM, task="Known", fix=None),),
        launches=(launch(), launch(20, Verdict.REAPED), launch(30, limit=quantity(text="{{ limit }}", is_open=True))),
        errors=(ReadError("bro ken.yml", 3, "does not parse: expected ',' or '}'"),),
        files=12,
        elapsed=0.25,
        texts={PATH: TEXT},
        rules=RULES,
    )


def clean() -> Outcome:
    return outcome()._replace(findings=(), warnings=(), errors=(), launches=())
