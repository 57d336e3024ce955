"""What a rule's page shows is run: the wrong code gives just the finding named above it, the right code none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.checks.finding import Rule
from ansible_reap.checks.registry import RULES

PAGES = Path(__file__).parents[2] / "lint_rules"
SECTIONS = ["What is wrong", "Why", "Sub-tags", "Wrong code", "Right code", "Options"]
_HEADING = re.compile(r"^(#{1,3}) (.+)$")


def _examples(rule: str) -> list[tuple[str, str, dict[str, str]]]:
    """(section, tag, files) of each example; a first line such as ``# meta/main.yml`` names a file."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    section = tag = ""
    block: list[str] | None = None
    for line in _page(rule).read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            if block is not None and section in ("Wrong code", "Right code"):
                name, text = _file(block)
                found.setdefault((section, tag), {})[name] = text
            block = [] if block is None else None
        elif block is not None:
            block.append(line)
        elif heading := _HEADING.match(line):
            if len(heading[1]) == 2:
                section, tag = heading[2], ""
            elif len(heading[1]) == 3:
                tag = heading[2]
    return [(section, tag, files) for (section, tag), files in found.items()]


def _file(block: list[str]) -> tuple[str, str]:
    text = "\n".join(block) + "\n"
    named = re.match(r"# (\S+\.yml)$", block[0])
    return (named[1], text) if named else ("tasks/main.yml" if "hosts:" not in text else "site.yml", text)


def _page(rule: str) -> Path:
    return PAGES / f"{rule.replace('-', '_')}.md"


EXAMPLES = [(rule.id, *example) for rule in RULES for example in _examples(rule.id)]


@pytest.mark.parametrize(
    ("rule", "section", "tag", "files"), EXAMPLES, ids=[f"{section} {tag}" for _, section, tag, _ in EXAMPLES]
)
def test_page_example_gives_just_what_the_page_says(
    rule: str, section: str, tag: str, files: dict[str, str], tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / ".ansible-lint").write_text(json.dumps({"enable_list": [rule, tag]}), encoding="utf-8")
    outcome = linting.lint(tmp_path)
    assert not outcome.errors
    assert [finding.tag for finding in outcome.findings] == ([tag] if section == "Wrong code" else [])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_page_has_the_fixed_shape_and_an_example_for_each_tag(rule: Rule) -> None:
    text = _page(rule.id).read_text(encoding="utf-8")
    assert text.startswith(f"# {rule.id}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert "https://docs.ansible.com/" in text.partition("## Why")[2].partition("\n## ")[0]
    tags = {f"{rule.id}[{sub_tag}]" for sub_tag in rule.sub_tags} or {rule.id}
    assert {tag for section, tag, _ in _examples(rule.id) if section == "Wrong code"} == tags
    for option in rule.defaults:
        assert f"`{option}`" in text.partition("## Options")[2]


def test_no_page_without_a_rule() -> None:
    assert {page.stem.replace("_", "-") for page in PAGES.glob("async_*.md")} == {rule.id for rule in RULES}
