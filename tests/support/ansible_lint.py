"""The real ansible-lint with nothing but our rules, and nothing of the user's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.environments import ROOT, program


def run_our_rules(environment: str, project: Path, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the ansible-lint of an environment (``lint``) in the project; ``home`` stands in for the user's folder."""
    return subprocess.run(
        [program(environment, "ansible-lint"), "--offline", "--nocolor", "-q", "-R", "-r", str(ROOT / "lint_rules"),
         *options],
        cwd=project,
        env={**os.environ, "HOME": str(home), "ANSIBLE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
