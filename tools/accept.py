"""Writes what a check gives now into the golden cases, and shows what that changes: read it before you commit it.

make accept                        # every case
make accept CASES='async-scope/*'  # some
"""

from __future__ import annotations

import difflib
import fnmatch
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from support import golden  # noqa: E402 - it lies among the tests


def main(pattern: str) -> int:
    seen = changed = 0
    for case in golden.cases():
        name = str(case.relative_to(golden.FOLDER))
        if not fnmatch.fnmatch(name, pattern):
            continue
        seen += 1
        wanted = golden.expected(case)
        with tempfile.TemporaryDirectory() as scratch:
            outcome = golden.check(case, Path(scratch))
        if outcome.errors:
            print(f"{name}: {outcome.errors[0]}", file=sys.stderr)
            return 2
        found = golden.as_expected(outcome, wanted)
        if golden.sorted_entries(found) == golden.sorted_entries(wanted):
            continue
        file = case / "expected.json"
        before, after = golden.dump(wanted), golden.dump(found)
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=1, lineterm="")
        print("\n".join(lines))
        file.write_text(after, encoding="utf-8")
        changed += 1
    print(f"{changed} {'case' if changed == 1 else 'cases'} of {seen} changed")
    if not seen:
        print(f"no case '{pattern}' with an expected.json below {golden.FOLDER.name}/", file=sys.stderr)
    return 0 if seen else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "*"))
