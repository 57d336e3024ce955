"""Which jobs of a launch a reason detaches that depends on the item, or on what is not there."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import indent

import pytest

from scenarios.conftest import Run, Runner
from scenarios.plays import launch, play
from scenarios.test_lying_hosts import encrypted

CONDITION = "{{ 'a daemon' if item.kind == 'daemon' else '' }}"
ITEMS = "[{kind: daemon, command: exit 0}, {kind: import, command: exit 4}]"
COMMAND = "'{{ item.command }}'"


def of_items(reason: str, command: str = COMMAND, **more: object) -> str:
    """A looped launch of a daemon, which ends well, and of an import, which fails."""
    keywords = {"register": "", "loop": ITEMS, "vars": json.dumps({"async_reaper_detach": reason}), **more}
    return launch(command, **keywords)  # type: ignore[arg-type]


def outcomes(got: Run) -> dict[str, list[tuple[str, str | None]]]:
    """State and reason of each task's jobs."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for job in got.jobs:
        found.setdefault(job["task"], []).append((job["state"], job["reason"]))
    return found


def told(got: Run) -> int:
    """How often the run says of a task that its reason cannot be worked out."""
    return " ".join(got.stderr.split()).count("cannot be worked out")


def named(variable: str) -> str:
    return CONDITION.replace("item", variable)


BY_ITEM = {
    "Item": of_items(CONDITION, name="Item"),
    "Loop variable": of_items(
        named("work"), "'{{ work.command }}'", name="Loop variable", loop_control="{loop_var: work}"
    ),
    "Index": of_items("{{ ['a daemon', ''][at] }}", name="Index", loop_control="{index_var: at}"),
    "Extended": of_items(
        "{{ 'a daemon' if ansible_loop.first else '' }}", name="Extended", loop_control="{extended: true}"
    ),
    "Default": of_items("{{ item.why | default('') }}", name="Default", loop=ITEMS.replace("{", "{why: a daemon, ", 1)),
    "Omit": of_items("{{ item.why | default(omit) }}", name="Omit", loop=ITEMS.replace("{", "{why: a daemon, ", 1)),
    "Missing": of_items("{{ item.why }}", name="Missing", loop=ITEMS.replace("{", "{why: a daemon, ", 1)),
    "Another variable": of_items(
        "", name="Another variable", vars=json.dumps({"kind": "{{ item }}", "async_reaper_detach": named("kind")})
    ),
    "Register": of_items(CONDITION, name="Register", register="started"),
}


@pytest.mark.slow
def test_the_item_decides_for_its_own_job(run: Runner) -> None:
    got = run(play(*BY_ITEM.values()), options={"recap": "always"})
    assert got.status == 2, got.output
    assert outcomes(got) == {name: [("detached", "a daemon"), ("failed", None)] for name in BY_ITEM}, got.output
    assert (told(got), "'Missing' cannot be" in " ".join(got.stderr.split())) == (1, True)


def test_the_item_decides_for_its_own_job_in_a_loop_within_a_loop(run: Runner) -> None:
    """The include's ``item`` is not the launch's."""
    inner = of_items(CONDITION, name="Inner") + of_items(CONDITION, name="Hidden", no_log="true")
    outer = "- ansible.builtin.include_tasks: more.yml\n  loop: [{kind: daemon}]\n"
    got = run(play(outer), files={"more.yml": inner}, options={"recap": "always"})
    assert got.status == 2, got.output
    assert outcomes(got) == {
        "Inner": [("detached", "a daemon"), ("failed", None)],
        "Hidden": [("detached", CONDITION), ("failed", None)],
    }


def test_under_no_log_the_item_decides_and_is_not_shown(run: Runner) -> None:
    secret = ITEMS.replace("{", "{why: S3CRET, ", 1)
    tasks = [
        of_items("{{ item.why | default('') }}", name="Secret", loop=secret, no_log="true"),
        of_items("{{ ['S3CRET'][item] }}", "exit 0", name="Missing", loop="[1]", no_log="true"),
    ]
    got = run(play(*tasks), options={"recap": "always"})
    assert got.status == 2, got.output
    detached, guarded = outcomes(got)["Secret"]
    assert detached == ("detached", "{{ item.why | default('') }}")
    assert guarded in [("failed", None), ("unreaped", None)]  # as far as it was by the time of our look
    assert outcomes(got)["Missing"] == [("unreaped", None)]
    assert "S3CRET" not in got.output + json.dumps(got.report)
    assert told(got) == 1, got.output


@pytest.mark.parametrize("reason", ["{{ not_there }}", "{{ 'x' | not_a_filter }}", "{{ not_there"])
def test_a_reason_that_cannot_be_worked_out_detaches_nothing_and_is_told_of_once(run: Runner, reason: str) -> None:
    vars_of = json.dumps({"async_reaper_detach": reason})
    block = "- block:\n" + indent(launch("exit 3", name="In a block"), "    ") + f"  vars: {vars_of}\n"
    tasks = [launch("exit 3", name="Alone", vars=vars_of), of_items(reason, name="In a loop"), block]
    got = run(play(*tasks), hosts=("h1", "h2"))
    assert got.status == 2, got.output
    assert {state for job in got.jobs for state in (job["reason"], job["state"])} == {None, "failed", "unreaped"}
    assert len(got.jobs) == 8
    assert told(got) == 3, got.output


@pytest.mark.parametrize("reason", ["false", "null", "''", "'{{ false }}'", "'{{ none }}'", "'{{ omit }}'"])
def test_what_comes_to_nothing_is_no_reason(run: Runner, reason: str) -> None:
    got = run(play(launch("exit 0", vars=f"{{async_reaper_detach: {reason}}}")))
    assert (got.status, got.only_job()["state"]) == (2, "unreaped"), got.output
    assert any("without a reason" in line for line in got.async_recap)
    assert told(got) == 0


def test_of_a_reason_that_names_a_vaulted_value_nothing_is_said(run: Runner, core: str, tmp_path: Path) -> None:
    vars_of = json.dumps({"async_reaper_detach": "{{ lookup('file', vaulted) }}"})
    files = {"vaulted.yml": encrypted(core, tmp_path, "S3CRET-file", "vaulted")}
    password = ["--vault-password-file", "password"]
    got = run(play(launch("exit 0", vars=vars_of), vars_files="[vaulted.yml]"), files=files, args=password)
    assert (got.status, got.only_job()["state"], told(got)) == (2, "unreaped", 1), got.output
    assert "S3CRET" not in got.output
