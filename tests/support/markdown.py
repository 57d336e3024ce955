"""Reads the code blocks of a Markdown page, and runs them in order as a reader would.

How a block is treated is told by its fence, and by an HTML comment right above it:

- ``console``: each line that starts with ``$ `` is run; the lines below it are its expected output, where a line
  ``...`` stands for any number of lines, and within a line for any text;
- any block with ``title="PATH"`` is written to that file;
- ``yaml`` without a title: a task list or a play on which ``check`` must find nothing, or just the tags that
  ``<!-- finds: TAG TAG -->`` names;
- ``<!-- runs -->`` on a titled CI recipe: the commands in it are run as well, and must succeed;
- ``<!-- shown: REASON -->``: nothing is done; a reason is mandatory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>````?)(?P<language>\w*)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
_DIRECTIVE = re.compile(r"<!-- (\w+)(?:: *(.*?))? -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` counts from 1."""

    language: str
    title: str | None
    text: str
    line: int
    directive: str | None
    argument: str


@dataclass(frozen=True)
class Command:
    """A command of a console block and the output that the page shows for it."""

    text: str
    expected: tuple[str, ...]


def blocks(page: Path) -> Iterator[Block]:
    """The page's fenced blocks, in order."""
    content = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(content):
        title = re.search(r'title="([^"]+)"', match["info"])
        directive = _DIRECTIVE.search(content[: match.start()])
        indent = len(match["indent"])
        yield Block(
            language=match["language"],
            title=title[1] if title else None,
            text="".join(line[indent:] for line in match["text"].splitlines(keepends=True)),
            line=content.count("\n", 0, match.start()) + 1,
            directive=directive[1] if directive else None,
            argument=(directive[2] or "") if directive else "",
        )


def page_directive(page: Path, name: str) -> str | None:
    """The argument of ``<!-- NAME: ARGUMENT -->`` at the top of a page."""
    match = re.match(rf"<!-- {name}: (.*?) -->", page.read_text(encoding="utf-8"))
    return match[1] if match else None


def commands(block: Block) -> list[Command]:
    """The commands of a console block, a trailing backslash joining lines."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        elif found:
            found[-1][1].append(line)
    return [Command(text, tuple(output)) for text, output in found]


_CHANGES = (
    (re.compile(r"\bj?\d{6,}\.\d+\b"), "JID"),
    (re.compile(r"\b\d+(\.\d+)? ?(s|ms)\b"), "N s"),
    (re.compile(r"\*{5,}"), "***"),
    (re.compile(r"\s+$"), ""),
)
"""What differs from run to run: job ids, durations, the width of headings."""


def normalise(line: str) -> str:
    for pattern, replacement in _CHANGES:
        line = pattern.sub(replacement, line)
    return line


def matches(expected: tuple[str, ...], output: str) -> bool:
    """True where the output is what the page shows; blank lines do not count."""
    shown = [normalise(line) for line in expected if line.strip()]
    printed = [normalise(line) for line in output.splitlines() if line.strip()]
    pattern = "".join(r"(.*\n)*?" if line.strip() == "..." else _any_within(line) + r"\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def recipe_commands(block: Block) -> Iterator[str]:
    """The shell commands of a CI system's file, without those that only this CI system understands."""
    if block.language == "diff":
        yield f"patch -p1 < {block.title}"
        return
    if block.language == "groovy":
        yield from re.findall(r"\bsh '([^']+)'", block.text)
        return
    yield from _scripts(yaml.safe_load(block.text))


def _scripts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for member in value:
            yield from _scripts(member)
    if isinstance(value, dict):
        for key, member in value.items():
            if key in {"run", "script", "bash"}:
                yield from [member] if isinstance(member, str) else member
            else:
                yield from _scripts(member)


def _any_within(line: str) -> str:
    return re.escape(line).replace(re.escape("..."), ".*")
