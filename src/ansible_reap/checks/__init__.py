"""The checks, one a module: (analysis, options, history) -> findings."""

from __future__ import annotations

from ansible_reap.checks.finding import Rule

RULES: tuple[Rule, ...] = ()
"""Every rule, in the order of the documentation."""
