"""How grave a finding is taken to be: less where hardly anything can fail, or where its author has said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.checks.finding import Level
from support import golden

LAUNCH = "- hosts: app\n  tasks:\n    - ansible.builtin.shell: {}\n      async: 60\n      poll: 0\n{}"
WAITING_AFTER = """\
      name: Build the index
    - name: Wait for the index of work
      ansible.builtin.command: grep built /var/log/index.log
      register: log
      until: log is succeeded
      retries: 20
"""
WAIT = """\
- hosts: app
  tasks:
    - ansible.builtin.command: /usr/bin/work
      async: 60
      poll: 0
      register: work
    - name: Collect
{}
"""


@pytest.mark.parametrize(
    ("command", "more", "severity"),
    [
        ("/usr/bin/work", "", Level.HIGH),
        ("/usr/bin/work && date >> work.log", "", Level.HIGH),
        ("date >> work.log", "", Level.LOW),
        ("sleep 20", "", Level.LOW),
        ("/usr/bin/work", "      ignore_errors: true\n", Level.LOW),
        ("/usr/bin/work", "      ignore_errors: '{{ lenient }}'\n", Level.HIGH),
        ("/usr/bin/work", "      failed_when: false\n", Level.LOW),
        ("/usr/bin/work || true", "", Level.LOW),
        ("/usr/bin/work || true; /usr/bin/more", "", Level.HIGH),
        ("set -e; /usr/bin/work; /usr/bin/more || true", "", Level.HIGH),
        ("/usr/bin/work &", "", Level.MEDIUM),
        ("/usr/bin/work", "      name: Work on in the background\n", Level.MEDIUM),
        ("/usr/bin/work", WAITING_AFTER, Level.MEDIUM),
        ("/usr/bin/work", "      name: Start it (fire and forget)\n", Level.LOW),
        ("/usr/bin/work  # nobody waits; do not wait for it", "", Level.LOW),
        ("sleep 300; systemctl start worker", "", Level.LOW),
        ("sleep 5; systemctl start worker", "", Level.HIGH),
        ("timeout 30 python3 -m http.server", "", Level.LOW),
        ("timeout 30 /usr/bin/work", "", Level.HIGH),
    ],
)
def test_an_unreaped_launch(command: str, more: str, severity: Level, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(LAUNCH.format(command, more))
    assert [each.severity for each in linting.lint(tmp_path).findings if each.rule == "async-unreaped"] == [severity]


@pytest.mark.parametrize(("is_of_the_block", "severity"), [(False, Level.HIGH), (True, Level.MEDIUM)])
def test_a_swallowed_failure(is_of_the_block: bool, severity: Level, tmp_path: Path) -> None:
    wait = "async_status:\n  jid: '{{ work.ansible_job_id }}'\nregister: r\nuntil: r is finished\nretries: 99\n"
    if is_of_the_block:
        wait = "ignore_errors: true\nblock:\n  - " + wait.strip().replace("\n", "\n    ") + "\n"
    else:
        wait += "ignore_errors: true\n"
    (tmp_path / "site.yml").write_text(WAIT.format("".join(f"      {line}\n" for line in wait.splitlines())))
    assert [each.severity for each in linting.lint(tmp_path).findings] == [severity]


@pytest.mark.parametrize(
    ("case", "tag", "severity", "confidence"),
    [
        ("async-reboot/the-limit-is-short-and-the-wait-is-plain", "async-reboot", Level.MEDIUM, Level.HIGH),
        ("async-result/condition-failed-when", "async-result[condition]", Level.MEDIUM, Level.HIGH),
        ("async-result/condition-whose-failure-is-ignored", "async-result[condition]", Level.LOW, Level.HIGH),
        ("async-scope/delegate-to-a-host-that-the-play-s-group-may-be", "async-scope[delegate]", Level.LOW, Level.LOW),
        ("async-timeout/window-nearly-as-long", "async-timeout[window]", Level.LOW, Level.HIGH),
        ("async-timeout/window-of-work-that-states-its-time", "async-timeout[window]", Level.LOW, Level.HIGH),
        ("async-timeout/window-far-below-a-limit-of-hours", "async-timeout[window]", Level.LOW, Level.HIGH),
        ("async-timeout/window-with-a-default", "async-timeout[window]", Level.MEDIUM, Level.MEDIUM),
        ("async-unreaped/daemon-http-server", "async-unreaped[daemon]", Level.LOW, Level.HIGH),
        (
            "async-unreaped/started-and-finished-by-files-of-their-own",
            "async-unreaped[never]",
            Level.MEDIUM,
            Level.HIGH,
        ),
    ],
)
def test_what_the_pages_say_of_severity_and_confidence(
    case: str, tag: str, severity: Level, confidence: Level, tmp_path: Path
) -> None:
    found = [each for each in golden.check(golden.FOLDER / case, tmp_path).findings if each.tag == tag]
    assert {(each.severity, each.confidence) for each in found} == {(severity, confidence)}


def test_what_no_supported_ansible_core_can_run_weighs_less(tmp_path: Path) -> None:
    found = golden.check(golden.FOLDER / "async-unreaped" / "of-old-releases-alone", tmp_path).findings
    assert {f"{each.place}": each.severity for each in found} == {
        "filter.yml:9": Level.LOW,
        "filter.yml:20": Level.HIGH,  # of another play
        "include.yml:6": Level.LOW,
        "play.yml:6": Level.LOW,
        "task.yml:8": Level.LOW,
    }
