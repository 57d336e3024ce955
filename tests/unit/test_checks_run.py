"""All checks together: order, options, what is opt-in, and a check that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.checks import registry as checks
from ansible_reap.checks.finding import Finding, Rule
from ansible_reap.flow.engine import analyse
from ansible_reap.history import committed
from ansible_reap.history.estimate import RunTime, estimate, estimates_of
from ansible_reap.history.identity import Identity, Site, sites
from ansible_reap.history.runs import LaunchHistory, MeasuredRun

TASKS = """\
- name: Start the work
  ansible.builtin.command: /usr/local/bin/work
  async: 600
  poll: 0

- name: Copy
  ansible.builtin.copy:
    src: a
    dest: b
  async: 60
  poll: 0
"""
POLLED = """\
- name: Rebuild the index
  ansible.builtin.command: /usr/local/bin/reindex
  async: 600
  poll: 15
"""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Rule:
    """The rules with one among them that crashes on every project."""

    def crash(_: object) -> Iterator[Finding]:
        raise RuntimeError("no such luck")

    rule = replace(checks.RULES[0], id="async-broken", check=crash)
    monkeypatch.setattr(checks, "RULES", (rule, *checks.RULES))
    return rule


def project(tmp_path: Path, text: str) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "main.yml").write_text(text, encoding="utf-8")
    return tmp_path


def test_findings_come_sorted_by_place_and_the_cause_speaks_alone(tmp_path: Path) -> None:
    found = checks.run(analyse(project(tmp_path, TASKS)))
    assert [(each.place.line, each.tag) for each in found] == [
        (1, "async-unreaped[unregistered]"),
        (6, "async-unsupported[action]"),
    ]


def test_a_crash_in_one_check_is_warned_of_and_hides_nothing(tmp_path: Path, broken: Rule) -> None:
    analysis = analyse(project(tmp_path, TASKS))
    with pytest.warns(RuntimeWarning, match=r"async-broken was not checked: RuntimeError: no such luck \(line \d+"):
        assert len(checks.run(analysis)) == 2


def test_a_crash_is_told_to_who_asks(tmp_path: Path, broken: Rule) -> None:
    told: list[tuple[str, str]] = []
    checks.run(analyse(project(tmp_path, TASKS)), on_crash=lambda rule, error: told.append((rule.id, str(error))))
    assert told == [("async-broken", "no such luck")]


def test_a_crash_makes_check_exit_with_2(tmp_path: Path, broken: Rule) -> None:
    outcome = linting.lint(project(tmp_path, TASKS))
    assert len(outcome.findings) == 2
    assert [error.message for error in outcome.errors if "async-broken" in error.message]
    assert outcome.exit_status == 2


def test_opt_in_rules_speak_only_when_named(tmp_path: Path) -> None:
    analysis = analyse(project(tmp_path, POLLED + "  loop: [a, b]\n"))
    assert checks.run(analysis, enable=()) == []
    assert [each.tag for each in checks.run(analysis, enable={"async-noop[serial]"})] == ["async-noop[serial]"]


@pytest.mark.parametrize(("slowest", "tags"), [(500, ["async-timeout[headroom]"]), (200, [])])
def test_measured_run_times_count_as_known(tmp_path: Path, slowest: int, tags: list[str]) -> None:
    root = project(tmp_path, POLLED)
    runs = [RunTime(float(slowest - step)) for step in range(25)]
    (site,) = sites(POLLED)
    known = estimates_of({_identity(site): estimate(runs, limit=600.0)}, str(root))
    found = checks.run(analyse(root), history=known)
    assert [each.tag for each in found] == tags
    if tags:
        assert "25 runs took" in found[0].message


def _identity(site: Site) -> Identity:
    return Identity(where="tasks/main.yml", task=site.task, position=site.position)


def test_every_rule_is_named_once_and_says_what_it_is() -> None:
    assert len({rule.id for rule in checks.RULES}) == len(checks.RULES)
    assert all(rule.summary and rule.tags for rule in checks.RULES)


def test_committed_run_times_count_and_broken_ones_are_an_error(tmp_path: Path) -> None:
    root = project(tmp_path, POLLED)
    file = root / committed.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    (site,) = sites(POLLED)
    runs = tuple(
        MeasuredRun(f"2026-01-{day:02}T00:00:00Z-1", RunTime(500.0 + day), limit=600.0) for day in range(1, 26)
    )
    file.write_text(committed.dump([LaunchHistory("p", _identity(site), runs)]), encoding="utf-8")
    assert [each.tag for each in linting.lint(root).findings] == ["async-timeout[headroom]"]
    assert [each.tag for each in linting.everything(root)[0]] == ["async-timeout[headroom]"]
    file.write_text("{", encoding="utf-8")
    assert [(each.path, each.line) for each in linting.lint(root).errors] == [(".ansible-reap/history.json", 1)]
    assert linting.everything(root)[1]
