"""The rules' pages: Markdown, one a rule, in the wheel beside the code and in a clone under ``lint_rules/``."""

from __future__ import annotations

from pathlib import Path

import ansible_reap

_PACKAGE = Path(ansible_reap.__file__).parent
_FOLDERS = (_PACKAGE / "pages", _PACKAGE.parents[1] / "lint_rules")
"""Where pages lie: the installed wheel has the first, a clone the second."""


def available() -> dict[str, Path]:
    """The rules that have a page, by id."""
    for folder in _FOLDERS:
        pages = {page.stem.replace("_", "-"): page for page in sorted(folder.glob("async_*.md"))}
        if pages:
            return pages
    return {}


def url(rule: str) -> str:
    """Where the rule's page stands on the documentation's site."""
    return f"{ansible_reap.DOCS_URL}/rules/{rule}/"
