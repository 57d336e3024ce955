"""Holds the files that other services read against their schemas, and the workflows against zizmor's audits.

    python3 tools/check_workflows.py .envs/tools/bin

The schemas are those that check-jsonschema ships, so nothing is fetched. The exit status is 1 where something is found.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SCHEMAS = (
    ("vendor.github-workflows", ".github/workflows/*.yml"),
    ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
    ("vendor.github-actions", "action.yml"),
    ("vendor.dependabot", ".github/dependabot.yml"),
    ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
    ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
    ("vendor.readthedocs", ".readthedocs.yaml"),
)
"""Schema -> the files that it is for."""


VALIDATE = """\
import json, sys
from check_jsonschema import main
statuses = []
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as end:
        statuses.append(end.code)
sys.exit(1 if any(statuses) else 0)
"""
"""check-jsonschema takes longer to start than to validate, so all of it is done in one process."""


def validation(programs: Path, arguments: Iterable[Sequence[str]]) -> list[str]:
    """The command that does what check-jsonschema does with each of these arguments."""
    return [str(programs / "python"), "-c", VALIDATE, json.dumps(list(arguments))]


def commands(programs: Path, root: Path) -> Iterator[list[str]]:
    """What is run, with the programs of this folder, on the files below ``root``."""
    audited = [str(root / name) for name in (".github", "action.yml") if (root / name).exists()]
    yield [str(programs / "zizmor"), "--offline", "--no-progress", "--persona", "pedantic", *audited]
    found = [(schema, sorted(map(str, root.glob(pattern)))) for schema, pattern in SCHEMAS]
    yield validation(programs, [("--builtin-schema", schema, *files) for schema, files in found if files])


def main(programs: str, root: str = str(ROOT)) -> int:
    """Run all of them, whatever the first one says."""
    statuses = [
        subprocess.run(command, check=False).returncode for command in commands(Path(programs).absolute(), Path(root))
    ]
    return 1 if any(statuses) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
