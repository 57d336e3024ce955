"""How findings and reports are written out, one format a module."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_reap.linting.outcome import Outcome

CHECK_FORMATS: dict[str, str] = {
    "text": "ansible_reap.formats.text",
    "concise": "ansible_reap.formats.concise",
    "json": "ansible_reap.formats.json_check",
    "sarif": "ansible_reap.formats.sarif",
    "github": "ansible_reap.formats.github",
    "gitlab": "ansible_reap.formats.gitlab",
    "junit": "ansible_reap.formats.junit",
    "checkstyle": "ansible_reap.formats.checkstyle",
    "rdjson": "ansible_reap.formats.rdjson",
    "markdown": "ansible_reap.formats.markdown",
}
"""Format of ``check`` -> the module whose ``render(outcome)`` writes it. Imported only when asked for."""

REPOSITORY_FORMATS: dict[str, str] = {
    "github": "GITHUB_WORKSPACE",
    "markdown": "GITHUB_WORKSPACE",
    "sarif": "GITHUB_WORKSPACE",
    "gitlab": "CI_PROJECT_DIR",
}
"""The formats whose readers want paths from the repository's top, and the variable in which their service names it."""

ROOT_FORMATS = ("json",)
"""The formats with paths from the project's root. All the others are for who stands in the working folder."""


def render(name: str, outcome: Outcome, *, colour: bool = False, links: bool = False, shows_known: bool = False) -> str:
    """The outcome in this format, with a line end where it is not empty. Colour and links are text's alone.

    Text counts the known findings, unless ``shows_known``; the other formats list them.
    """
    module = import_module(CHECK_FORMATS[name])
    if name == "text":
        text: str = module.render(outcome, colour=colour, links=links, shows_known=shows_known)
    else:
        text = module.render(outcome)
    return text if not text or text.endswith("\n") else text + "\n"
