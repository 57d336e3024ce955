"""async-reboot: what is said of the tasks that the module makes superfluous."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap import linting

REBOOT = """\
- hosts: all
  tasks:
    - name: Reboot
      ansible.builtin.shell: sleep 2 && reboot
      async: 30
      poll: 0
    - name: Wait
      ansible.builtin.wait_for_connection:
        timeout: {timeout}
        sleep: "{{{{ pause }}}}"
"""


@pytest.mark.parametrize(
    ("timeout", "said"),
    [(600, "not needed with the module"), (1500, "not needed with the module, given 'reboot_timeout: 1500'")],
)
def test_a_wait_that_the_module_replaces_is_named_with_its_time(tmp_path: Path, timeout: int, said: str) -> None:
    (tmp_path / "site.yml").write_text(REBOOT.format(timeout=timeout), encoding="utf-8")
    (finding,) = linting.lint(tmp_path).findings
    assert finding.tag == "async-reboot"
    assert [(other.place.line, other.message) for other in finding.related] == [(7, said)]
