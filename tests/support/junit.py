"""What the readers of JUnit XML accept.

Jenkins' xUnit plugin validates a report against a schema (junit-10) before it reads it. Which elements, attributes and
times that allows is written down here. GitLab validates nothing, and reads `file` besides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")
_FOR_GITLAB = frozenset({"file", "line"})


@dataclass(frozen=True)
class Allowed:
    required: frozenset[str]
    optional: frozenset[str]
    children: frozenset[str]
    holds_text: bool = False


def _allowed(required: str, optional: str, children: str, *, holds_text: bool = False) -> Allowed:
    return Allowed(frozenset(required.split()), frozenset(optional.split()), frozenset(children.split()), holds_text)


_OUTPUT = "system-out system-err"
_SCHEMA = {
    "testsuites": _allowed("", "name time tests failures errors", "testsuite"),
    "testsuite": _allowed(
        "name tests failures errors",
        "group time skipped timestamp hostname id package file log url",
        f"testsuite properties testcase {_OUTPUT}",
    ),
    "testcase": _allowed("name", "time classname group", f"skipped error failure {_OUTPUT}"),
    "failure": _allowed("", "type message", "", holds_text=True),
    "error": _allowed("", "type message", "", holds_text=True),
    "skipped": _allowed("", "type message", "", holds_text=True),
    "system-out": _allowed("", "", "", holds_text=True),
    "system-err": _allowed("", "", "", holds_text=True),
}


def troubles(text: str) -> list[str]:
    """What a reader of this report would stumble over."""
    root = ET.fromstring(text)
    found = [] if root.tag in ("testsuites", "testsuite") else [f"the root is {root.tag}"]
    return found + [trouble for element in root.iter() for trouble in _of(element)]


def _of(element: ET.Element) -> list[str]:
    allowed = _SCHEMA.get(element.tag)
    if allowed is None:
        return [f"element {element.tag}"]
    names = set(element.attrib) - (_FOR_GITLAB if element.tag == "testcase" else set())
    found = [f"{element.tag} lacks {name}" for name in sorted(allowed.required - names)]
    found += [f"{element.tag} has {name}" for name in sorted(names - allowed.required - allowed.optional)]
    found += [f"{child.tag} in {element.tag}" for child in element if child.tag not in allowed.children]
    if not allowed.holds_text and (element.text or "").strip():
        found.append(f"text in {element.tag}")
    if element.tag in ("testsuites", "testsuite") and not _TIME.fullmatch(element.get("time", "0")):
        found.append(f"time {element.get('time')}")
    return found
