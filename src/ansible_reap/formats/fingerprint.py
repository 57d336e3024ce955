"""Names for findings that stay the same while lines move, so that a service can tell old findings from new ones."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from ansible_reap.checks.finding import Finding


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """One fingerprint for each finding, in order.

    It is made of the tag, the file and the task's name. Equal ones are counted in the order of the file, so that they
    stay apart; line numbers and messages, which hold line numbers and figures, are not part of it.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for finding in findings:
        key = (finding.tag, finding.place.path, finding.task)
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        found.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return found
