"""The workflows and the other files that services read: schemas, zizmor's pedantic audits, pins, and our own matrix."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import ansible_reap
from support import environments, markdown

sys.path.insert(0, str(environments.ROOT / "tools"))
import check_workflows

ROOT = environments.ROOT
CI_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    if environments.environment("tools") is None:
        pytest.skip("no environment tools: tools/envs.py make tools")
    programs = environments.program("tools", "zizmor").parent
    command = [sys.executable, str(ROOT / "tools" / "check_workflows.py"), str(programs), str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files in a folder where they may be changed."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    return tmp_path


def test_zizmor_and_the_schemas_have_nothing_to_say() -> None:
    reply = _check(ROOT)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert "No findings to report" in reply.stdout


def test_what_workflows_lack_is_found(copy: Path) -> None:
    for name, old, new in (
        ("docs.yml", "    timeout-minutes: 15\n", ""),
        ("codeql.yml", "    steps:\n", "    nonsense: true\n    steps:\n"),
        ("workflows.yml", "          persist-credentials: false\n", "          fetch-depth: 1\n"),
    ):
        workflow = copy / ".github" / "workflows" / name
        text = workflow.read_text()
        assert old in text
        workflow.write_text(text.replace(old, new, 1))
    reply = _check(copy)
    assert reply.returncode == 1
    said = reply.stdout + reply.stderr
    assert "artipacked" in said  # zizmor's word for it
    assert "$.jobs.build: 'timeout-minutes' is a required property" in said
    assert "$.jobs.analyze: Additional properties are not allowed ('nonsense' was unexpected)" in said


def test_every_schema_has_a_file_that_it_is_for() -> None:
    without = [pattern for _, pattern in check_workflows.SCHEMAS if not list(ROOT.glob(pattern))]
    assert not without


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_jobs_get_what_they_need_only(workflow: Path) -> None:
    text = workflow.read_text()
    uses = re.findall(r"uses: (\S+)(.*)", text)
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) and re.match(r" # v\d", note) for name, note in uses)
    content = yaml.safe_load(text)
    assert content["permissions"] == {}
    assert all("permissions" in job for job in content["jobs"].values())


def test_one_action_has_one_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in (*WORKFLOWS, ROOT / "action.yml", *CI_PAGES):
        for name, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", file.read_text()):
            pins.setdefault("/".join(name.split("/")[:2]), set()).add(commit)
    assert {name: len(commits) for name, commits in pins.items() if len(commits) > 1} == {}


def test_the_matrix_tests_every_supported_ansible_core() -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]["matrix"]
    cells = matrix["strategy"]["matrix"]["include"]
    assert tuple(cell["core"] for cell in cells) == environments.SUPPORTED_CORES


OUR_ACTION = f"ansible-reap/ansible-reap@{'0' * 40} # v{ansible_reap.__version__}"
CI_SCHEMAS = {
    ".github/workflows/": ("vendor.github-workflows",),
    ".gitlab-ci.yml": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    "azure-pipelines.yml": ("vendor.azure-pipelines", "--data-transform", "azure-pipelines"),
}


def test_the_pipelines_on_pages_have_the_form_that_their_services_read(tmp_path: Path) -> None:
    if environments.environment("tools") is None:
        pytest.skip("no environment tools: tools/envs.py make tools")
    arguments = []
    for prefix, schema in CI_SCHEMAS.items():
        files = []
        for page in CI_PAGES:
            for block in markdown.blocks(page):
                if block.title and block.title.startswith(prefix):
                    files.append(tmp_path / f"{page.stem}-{block.line}-{Path(block.title).name}")
                    files[-1].write_text(block.text)
        assert files, f"no page shows {prefix}"
        arguments.append(("--builtin-schema", *schema, *map(str, files)))
    check = check_workflows.validation(environments.program("tools", "python").parent, arguments)
    reply = subprocess.run(check, capture_output=True, text=True, check=False)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert reply.stdout.count("ok -- validation done") == len(CI_SCHEMAS)


def test_zizmor_has_nothing_to_say_about_the_pages_workflows(tmp_path: Path) -> None:
    """With one change that the page tells its readers to make: it is part of the commit that it would have to name."""
    if environments.environment("tools") is None:
        pytest.skip("no environment tools: tools/envs.py make tools")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for page in CI_PAGES:
        for block in markdown.blocks(page):
            if block.title and block.title.startswith(".github/workflows/"):
                text = block.text.replace(f"ansible-reap/ansible-reap@v{ansible_reap.__version__}", OUR_ACTION)
                (folder / f"{page.stem}-{block.line}.yml").write_text(text)
    assert len(list(folder.iterdir())) >= 4
    audit = [str(environments.program("tools", "zizmor")), "--offline", "--no-progress", str(tmp_path)]
    reply = subprocess.run(audit, capture_output=True, text=True, check=False)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert "No findings to report" in reply.stdout
