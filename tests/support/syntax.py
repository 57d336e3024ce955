"""What ansible-playbook's own syntax check says of playbooks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.environments import program


def assert_parsed(core: str, folder: Path, playbooks: Sequence[str]) -> None:
    """This ansible-core accepts each of the playbooks, which are given relative to the folder."""
    checked = subprocess.run(
        [program(f"core-{core}", "ansible-playbook"), "--syntax-check", "-i", "localhost,", *playbooks],
        cwd=folder,
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert all(f"playbook: {playbook}" in checked.stdout for playbook in playbooks)
