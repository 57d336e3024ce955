"""Stories in which it depends on what was skipped which launch is waited for."""

from __future__ import annotations

from typing import Any

from referee.grammar.chance import Chance
from referee.grammar.launches import Launch
from referee.grammar.waits import status, until
from referee.project import Task


def wait(chance: Chance, label: str, jid: str, **keywords: Any) -> Task:
    """A wait for the job of this id."""
    return {"name": f"Wait for {label}", **status(chance, jid), **until(chance, chance.name("waited")), **keywords}


def picked(chance: Chance, one: Launch, other: Launch) -> list[Task]:
    """Tasks that wait for whichever of the two was launched, or are meant to."""
    a, b = one.register, other.register
    label = f"{one.label} or {other.label}"
    form = chance.weighted({"default": 4, "either": 3, "by state": 4, "first": 2, "kept": 2, "ids": 3, "list": 2})
    chance.note(f"picked: {form}")
    if form == "default":
        last = chance.one((f"default({b}.ansible_job_id)", f"default({b}.ansible_job_id, true)"))
        return [wait(chance, label, f"{{{{ {a}.ansible_job_id | {last} }}}}")]
    if form == "either":
        asked = chance.one((f"{a} is not skipped", f"{a}.ansible_job_id is defined", f"{a} is changed"))
        chosen = chance.one((f"{a} if {asked} else {b}", f"({asked}) | ternary({a}, {b})"))
        return [wait(chance, label, f"{{{{ ({chosen}).ansible_job_id }}}}")]
    if form == "by state":
        yes = chance.one((f"{a} is not skipped", f"{a}.ansible_job_id is defined", f"'ansible_job_id' in {a}"))
        no = chance.one((f"{a} is skipped", f"{a}.ansible_job_id is not defined", f"{a}.skipped | default(false)"))
        return [
            wait(chance, one.label, f"{{{{ {a}.ansible_job_id }}}}", when=yes),
            wait(chance, other.label, f"{{{{ {b}.ansible_job_id }}}}", when=no),
        ]
    if form == "first":
        left = chance.one(("selectattr('ansible_job_id', 'defined')", "rejectattr('skipped', 'defined')"))
        return [wait(chance, label, f"{{{{ ([{a}, {b}] | {left} | list | first).ansible_job_id }}}}")]
    if form == "kept":
        fact = chance.name("kept")
        keep: Task = {"name": f"Keep {a}", "set_fact": {fact: f"{{{{ {a}.ansible_job_id | default('') }}}}"}}
        return [keep, wait(chance, label, f"{{{{ {fact} or {b}.ansible_job_id }}}}")]
    if form == "ids":
        over = [f"{{{{ {each}.ansible_job_id }}}}" for each in (a, b)]
        return [wait(chance, label, "{{ item }}", loop=over, when="item is defined")]
    over_all = (
        f"{{{{ [{a}, {b}] | selectattr('ansible_job_id', 'defined') | map(attribute='ansible_job_id') | list }}}}"
    )
    return [wait(chance, label, "{{ item }}", loop=over_all)]
