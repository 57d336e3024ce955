"""A project that is checked again in the same process, as an editor does: what was read before counts no more."""

from __future__ import annotations

from pathlib import Path

from ansible_reap import linting

PLAYBOOK = """\
- hosts: all
  tasks:
    - name: Run it
      ansible.builtin.script: files/run.sh
      async: 600
      poll: 0
    - name: Run it on the host
      ansible.builtin.command: /srv/app/files/run.sh
      async: 600
      poll: 0
"""


def tags(root: Path) -> list[str]:
    return [finding.tag for finding in linting.lint(root).findings if finding.place.line == 7]


def test_a_script_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAYBOOK, encoding="utf-8")
    script = tmp_path / "files" / "run.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nwhile true; do date; sleep 5; done\n", encoding="utf-8")
    assert tags(tmp_path) == ["async-unreaped[daemon]"]
    script.write_text("#!/bin/sh\ndate > /tmp/date\n", encoding="utf-8")
    assert tags(tmp_path) == ["async-unreaped[unregistered]"]
    script.unlink()
    assert tags(tmp_path) == ["async-unreaped[unregistered]"]
