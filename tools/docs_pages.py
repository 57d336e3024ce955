"""MkDocs hook: the pages that are made from the source, so that they cannot lag behind it.

- ``rules/<id>.md`` is the rule's page in ``lint_rules/``, ``rules/index.md`` their table;
- ``options.md`` gets a section for each option that the callback documents;
- ``commands.md`` gets the ``--help`` of each command and sub-command.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "lint_rules"
CALLBACK = ROOT / "callback_plugins" / "async_reaper.py"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put each rule's page below the rules' table in the navigation."""
    rules = [path.stem.replace("_", "-") for path in sorted(RULES.glob("async_*.md"))]
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Rules" in entry:
            entry["Rules"] = ["rules/index.md", *({rule: f"rules/{rule}.md"} for rule in rules)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the rules' pages and their table."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - the functions below are used without MkDocs as well

    pages = {f"rules/{path.stem.replace('_', '-')}.md": rule_page(path) for path in sorted(RULES.glob("async_*.md"))}
    for name, content in {"rules/index.md": rules_index(), **pages}.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Append the generated part of a page."""
    del config, files
    if page.file.src_uri == "options.md":
        return f"{markdown}\n{options()}"
    if page.file.src_uri == "commands.md":
        return f"{markdown}\n{commands()}"
    return markdown


def rule_page(path: Path) -> str:
    """A rule's page with its links to the other rules' pages turned to where they are in the docs."""
    return re.sub(r"\]\((async_\w+)\.md", lambda link: f"]({link[1].replace('_', '-')}.md", path.read_text("utf-8"))


def rules_table() -> str:
    """The rules: what each says (the first paragraph of its page), its severity, what is opt-in, what --fix mends."""
    sys.path.insert(0, str(ROOT / "src"))
    from ansible_reap.checks.registry import RULES as KNOWN  # noqa: PLC0415 - found only now

    lines = ["| rule | says | severity | opt-in | fix |", "| --- | --- | --- | --- | --- |"]
    for rule in sorted(KNOWN, key=lambda each: each.id):
        says = first_paragraph(RULES / f"{rule.id.replace('-', '_')}.md")
        own = sorted(tag for tag in rule.opt_in)
        opt_in = "yes" if rule.id in own else ", ".join(f"`{tag.partition('[')[2].rstrip(']')}`" for tag in own)
        fixed = ", ".join(f"`{tag}`" for tag in fixed_tags(rule.id))
        lines.append(f"| [`{rule.id}`]({rule.id}.md) | {says} | {rule.severity.value} | {opt_in} | {fixed} |")
    return "\n".join(lines) + "\n"


def fixed_tags(rule: str) -> list[str]:
    """The rule's sub-tags that ``--fix`` mends in at least one of the cases of tests/fixes."""
    cases = (ROOT / "tests" / "fixes" / "cases").glob("*/expected.json")
    fixed = {tag for case in cases for tag in json.loads(case.read_text(encoding="utf-8"))["fixed"]}
    own = sorted(tag for tag in fixed if tag.partition("[")[0] == rule)
    return [tag.partition("[")[2].rstrip("]") or "yes" for tag in own]


def first_paragraph(page: Path) -> str:
    paragraphs = page.read_text(encoding="utf-8").split("\n\n")
    return " ".join(next(text for text in paragraphs if not text.startswith("#")).split())


def rules_index() -> str:
    intro = (
        "# Rules\n\n`ansible-reap check` and ansible-lint report the same findings: both are fronts of one analysis. "
        "`ansible-reap explain RULE` prints a rule's page in the terminal.\n\n"
        "The columns: how grave a rule's findings are unless they say otherwise, which of its sub-tags have to be "
        "switched on in enable_list, and which --fix mends.\n\n"
    )
    return intro + rules_table()


def documented_options() -> dict[str, dict[str, Any]]:
    """The options that the callback's DOCUMENTATION names."""
    for node in ast.parse(CALLBACK.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            documentation: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))
            options: dict[str, dict[str, Any]] = documentation["options"]
            return options
    raise ValueError(f"{CALLBACK}: no DOCUMENTATION")


def options() -> str:
    """A section an option: what it does, its values, where it is set."""
    return "\n".join(_option(name, option) for name, option in documented_options().items())


def _option(name: str, option: dict[str, Any]) -> str:
    description = option["description"]
    paragraphs = [description] if isinstance(description, str) else description
    values = dict.fromkeys(value for text in paragraphs for value in re.findall(r"\bV\(([^)]*)\)", text))
    rows = [("values", ", ".join(f"`{value}`" for value in values) or "text")]
    if "default" in option:
        default = option["default"]
        rows.append(("default", f"`{str(default).lower() if isinstance(default, bool) else default}`"))
    rows += [("ini", f"`[{entry['section']}]` `{entry['key']}`") for entry in option.get("ini", ())]
    rows += [("environment", f"`{entry['name']}`") for entry in option.get("env", ())]
    rows.append(("extra var", f"`-e async_reaper_{name}=...`"))
    table = "\n".join(f"| {left} | {right} |" for left, right in rows)
    return f"## {name}\n\n{_plain(chr(10).join(paragraphs))}\n\n| | |\n| --- | --- |\n{table}\n"


def _plain(text: str) -> str:
    """Ansible's markup for code, options and values as Markdown."""
    return re.sub(r"\b[COVEIB]\(([^)]*)\)", r"`\1`", text).replace("\n", "\n\n")


def commands() -> str:
    """The help of each command and of its sub-commands."""
    sys.path.insert(0, str(ROOT / "src"))
    from ansible_reap.cli import catalogue  # noqa: PLC0415 - found only now

    sections = []
    todo = list(reversed(catalogue.commands()))
    while todo:
        command = todo.pop()
        level = "#" * (1 + len(command.words))
        sections.append(f"{level} {' '.join(command.words)}\n\n```text\n{_help(command.words)}```\n")
        todo += reversed(command.children)
    return "\n".join(sections)


def _help(words: Sequence[str]) -> str:
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "ansible_reap", *words, "--help"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
