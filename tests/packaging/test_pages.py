"""Every command and every snippet on the README and the docs' pages does what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import ansible_reap
from ansible_reap.checks.registry import RULES
from ansible_reap.runtime.policy.options import NAMES as OPTIONS
from support import environments, markdown
from support.venv import Dist, Venv, clean_environment, shell

PAGES = [environments.ROOT / name for name in ("README.md", "CONTRIBUTING.md", "collection/README.md")]
PAGES += sorted((environments.ROOT / "docs").glob("*.md"))
FIRST_READ = ("README.md", "configuration.md")
"""The pages whose blocks are tried at each change; a matrix tries all."""
EXAMPLE = environments.ROOT / "src" / "ansible_reap" / "example"


@dataclass(frozen=True)
class Session:
    """A reader's shell: a home without settings, a project, our wheel on offer to pip."""

    venv: Venv
    project: Path
    variables: dict[str, str]
    exports: list[str]

    @property
    def exported(self) -> str:
        """The page's ``export`` commands up to here."""
        return "".join(self.exports)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        return shell(script, self.project, self.variables)


@pytest.fixture
def session(complete: Venv, dist: Dist, tmp_path: Path, page: Path) -> Session:
    setup = markdown.page_directive(page, "project")
    project = tmp_path / "project"
    programs = complete.folder / "bin"
    if setup == "repository":
        environments.copy_repository(project)
        programs = environments.program("dev", "python").parent
    elif setup:
        shutil.copytree(EXAMPLE / setup, project)
    else:
        project.mkdir()
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    variables = {
        **clean_environment(tmp_path),
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_FIND_LINKS": str(dist.wheel.parent),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "COLUMNS": "80",
    }
    return Session(complete, project, variables, [])


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=() if page.name in FIRST_READ else pytest.mark.slow) for page in PAGES],
    ids=lambda path: str(path.relative_to(environments.ROOT)),
)
def test_the_page_s_blocks_do_what_it_says(page: Path, session: Session) -> None:
    for block in markdown.blocks(page):
        _try(block, f"{page.name}:{block.line}", session)


def _try(block: markdown.Block, where: str, session: Session) -> None:
    if block.directive == "shown":
        assert block.argument, f"{where}: a reason, please"
    elif block.language == "console":
        _run_console(block, where, session)
    elif block.title:
        target = session.project / block.title
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
        if block.directive == "runs":
            _run_recipe(block, where, session)
    elif block.language == "yaml":
        expected = block.argument.split() if block.directive == "finds" else []
        assert _tags_found(block, session) == expected, where
    else:
        raise AssertionError(f"{where}: this block is not tested; say how, or why it is only shown")


def _run_console(block: markdown.Block, where: str, session: Session) -> None:
    """Run a block's commands in one shell, so that ``cd`` and ``$?`` work as for a reader; so do the page's exports.

    A command must print what is shown. Where nothing in particular is, it must succeed, each part of a pipe too, or its
    status be shown next.
    """
    commands = markdown.commands(block)
    assert commands, f"{where}: no line starts with '$ '"
    rule = "__=$?; printf '\\n===%s===\\n' $__; (exit $__)\n"
    start = f"set -o pipefail\n{session.exported}{rule}"
    reply = session.shell(start + "".join(f"{command.text}\n{rule}" for command in commands))
    session.exports.extend(f"{command.text}\n" for command in commands if command.text.startswith("export "))
    _, *rest = re.split(r"\n===(\d+)===\n", reply.stdout)
    outputs, statuses = rest[1::2], rest[2::2]
    assert len(statuses) == len(commands), f"{where}: the shell ended early\n{reply.stdout}"
    for number, (command, output, status) in enumerate(zip(commands, outputs, statuses, strict=False)):
        shown = "\n".join(command.expected)
        if command.expected:
            assert markdown.matches(command.expected, output), (
                f"{where}: $ {command.text}\n{output}\n-- shown:\n{shown}"
            )
        is_told = commands[number + 1].text == "echo $?" if number + 1 < len(commands) else False
        if not is_told and not shown.replace("...", "").strip():
            assert status == "0", f"{where}: $ {command.text}\n{output}\nstatus {status}"


def _run_recipe(block: markdown.Block, where: str, session: Session) -> None:
    """Run a CI system's file: all commands succeed, the last with the status that the page names (default 0)."""
    *first, last = markdown.recipe_commands(block)
    for command in first:
        assert session.shell(command).returncode == 0, f"{where}: {command}"
    reply = session.shell(last)
    assert reply.returncode == int(block.argument or 0), f"{where}: {last}\n{reply.stdout}"


def _tags_found(block: markdown.Block, session: Session) -> list[str]:
    content = yaml.safe_load(block.text)
    assert isinstance(content, list), f"line {block.line}: no list of tasks or plays, so nothing can be found in it"
    folder = session.project.parent / f"snippet-{block.line}"
    folder.mkdir()
    is_play = any("hosts" in entry for entry in content)
    name = "site.yml" if is_play else "tasks.yml"
    (folder / name).write_text(block.text, encoding="utf-8")
    if not is_play:
        caller = [{"hosts": "all", "tasks": [{"name": "Snippet", "ansible.builtin.import_tasks": name}]}]
        (folder / "site.yml").write_text(yaml.safe_dump(caller), encoding="utf-8")
    reply = session.venv.run("ansible-reap", "check", "--project-dir", ".", "--format", "json", cwd=folder)
    answer = json.loads(reply.stdout)
    assert answer["errors"] == []
    return sorted(finding["tag"] for finding in answer["findings"])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(environments.ROOT)))
def test_no_block_of_a_page_escapes_the_tests(page: Path) -> None:
    """A fence or a directive that the reader of the blocks does not know would be passed over in silence."""
    text = page.read_text(encoding="utf-8")
    within = sum(block.text.count("```") for block in markdown.blocks(page))
    assert text.count("```") - within == 2 * len(list(markdown.blocks(page)))
    assert "~~~" not in text
    assert "<pre" not in text
    assert set(re.findall(r"<!-- (\w+)", text)) <= {"project", "shown", "finds", "runs"}
    for block in markdown.blocks(page):
        assert block.directive in (None, "shown", "finds", "runs")
        is_tested = block.language == "console" or block.title or block.language == "yaml"
        assert is_tested or block.directive == "shown", f"{page.name}:{block.line}"


def test_the_docs_build_without_warnings(tmp_path: Path) -> None:
    """Links and anchors are checked by MkDocs itself; so is that no page is left out of the navigation."""
    if environments.environment("docs") is None:
        pytest.skip("no environment docs: tools/envs.py make docs")
    python = environments.program("docs", "python")
    build = [str(python), "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    variables = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    reply = subprocess.run(build, cwd=environments.ROOT, env=variables, capture_output=True, text=True, check=False)
    assert reply.returncode == 0, reply.stderr
    assert "WARNING" not in reply.stderr
    for rule in (environments.ROOT / "lint_rules").glob("async_*.md"):
        assert (tmp_path / "rules" / rule.stem.replace("_", "-") / "index.html").is_file()


def test_every_link_within_the_repository_leads_somewhere() -> None:
    dead = [
        f"{page.name}: {target}"
        for page in [*PAGES, environments.ROOT / "SECURITY.md"]
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target
        and not (page.parent / target).exists()
        # Pages that tools/docs_pages.py makes; MkDocs checks the links to those.
        and not target.startswith("rules/")
    ]
    assert not dead


def test_the_readme_has_less_than_120_lines() -> None:
    assert len((environments.ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_the_readme_s_table_of_rules_is_complete() -> None:
    readme = (environments.ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`(async-[a-z]+)`\]\(([^)]*)\)", readme, re.MULTILINE)
    assert dict(listed) == {rule.id: f"{ansible_reap.DOCS_URL}/rules/{rule.id}/" for rule in RULES}


def test_the_figures_of_the_page_about_evidence_are_counted() -> None:
    page = (environments.ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    for pattern, folder in (
        (r"(\d+) small projects \(\d{4}-\d\d-\d\d\)", "golden/*/*/expected.json"),
        (r"(\d+) projects \(\d{4}-\d\d-\d\d\) before and after", "fixes/cases/*/expected.json"),
    ):
        told = re.search(pattern, page)
        assert told, pattern
        counted = len(list((environments.ROOT / "tests").glob(folder)))
        assert counted * 0.8 <= int(told[1]) <= counted


def test_the_page_about_a_run_names_every_option() -> None:
    page = (environments.ROOT / "docs" / "your-run.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", page.partition("## What each option changes")[2], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"[a-z_]+", row)} == set(OPTIONS)
