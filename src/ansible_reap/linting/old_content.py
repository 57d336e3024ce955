"""Content that no ansible-core of those that we judge by can run: findings in it stay, and weigh less."""

from __future__ import annotations

from pathlib import Path

from ansible_reap.checks.evidence.async_support import VERSIONS
from ansible_reap.checks.evidence.releases import too_old
from ansible_reap.checks.finding import Finding
from ansible_reap.checks.level import Level
from ansible_reap.records import replace


def as_of_old(root: Path, finding: Finding) -> Finding:
    """The finding as it is told where its file, or its play, is in the syntax of older releases."""
    sign = too_old(str(root), finding.place.path, finding.place.line)
    if sign is None:
        return finding
    releases = f"{VERSIONS[0]} to {VERSIONS[-1]}"
    told = sign.fails or f"None of ansible-core {releases} loads this file, for {sign.what} in line {sign.line}."
    severity = finding.severity if sign.only_there else Level.LOW
    return replace(finding, severity=severity, message=f"{finding.message} {told}")
