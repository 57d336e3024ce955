"""What a check costs grows with the number of launches in a file, not with its square. Counted, not timed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

from ansible_reap import linting

HEAD = "- hosts: all\n  tasks:\n"
UNREGISTERED = "    - {{name: Start {0}, command: /bin/work {0}, async: 300, poll: 0}}\n"
UNREGISTERED_LINES = "    - name: Start {0}\n      command: /bin/work {0}\n      async: 300\n      poll: 0\n"
REGISTERED = UNREGISTERED_LINES + "      register: job{0}\n"
WAIT = """\
    - name: Wait {0}
      async_status:
        jid: "{{{{ job{0}.ansible_job_id }}}}"
      register: res{0}
      until: res{0} is finished
      retries: 40
      delay: 10
      failed_when: false
"""


def calls_for(root: Path, parts: list[str], count: int) -> int:
    """How many Python functions are called while a file with that many launches is checked."""
    root.mkdir()
    (root / "ansible.cfg").touch()
    text = "".join(part.format(number) for part in parts for number in range(count))
    (root / "site.yml").write_text(HEAD + text)
    calls = 0

    def count_call(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count_call)
    try:
        outcome = linting.lint(root)
    finally:
        sys.setprofile(None)
    assert len(outcome.launches) == count
    return calls


@pytest.mark.parametrize(
    "parts",
    [[REGISTERED], [UNREGISTERED_LINES], [UNREGISTERED], [REGISTERED, WAIT]],
    ids=["never-waited-for", "unregistered", "in-flow-style", "waited-for-at-the-end"],
)
def test_four_times_the_launches_cost_at_most_five_times_as_much(tmp_path: Path, parts: list[str]) -> None:
    calls_for(tmp_path / "warm-up", parts, 2)
    few = calls_for(tmp_path / "few", parts, 100)
    many = calls_for(tmp_path / "many", parts, 400)
    assert many <= 5 * few
