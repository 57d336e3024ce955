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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    timeout-minutes: 15\n", "", "timeout-minutes"),
        ("    permissions:\n      contents: read # to check out\n    steps", "    steps: 3\n    nonsense", "nonsense"),
        ("          persist-credentials: false\n", "          fetch-depth: 1\n", "artipacked"),
    ],
)
def test_what_a_workflow_lacks_is_found(copy: Path, old: str, new: str, said: str) -> None:
    workflow = copy / ".github" / "workflows" / "docs.yml"
    text = workflow.read_text()
    assert old in text
    workflow.write_text(text.replace(old, new))
    reply = _check(copy)
    assert reply.returncode == 1
    assert said in reply.stdout + reply.stderr


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
    ".github/workflows/": ("vendor.github-workflows", ()),
    ".gitlab-ci.yml": ("vendor.gitlab-ci", ("--data-transform", "gitlab-ci")),
    "azure-pipelines.yml": ("vendor.azure-pipelines", ("--data-transform", "azure-pipelines")),
}
SNIPPETS = [
    pytest.param(block, schema, options, id=f"{page.stem}-{block.line}-{block.title}")
    for page in CI_PAGES
    for block in markdown.blocks(page)
    for prefix, (schema, options) in CI_SCHEMAS.items()
    if block.title and block.title.startswith(prefix)
]


@pytest.mark.parametrize(("block", "schema", "options"), SNIPPETS)
def test_a_pipeline_on_a_page_has_the_form_that_its_service_reads(
    block: markdown.Block, schema: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    if environments.environment("tools") is None:
        pytest.skip("no environment tools: tools/envs.py make tools")
    file = tmp_path / "pipeline.yml"
    file.write_text(block.text)
    check = [str(environments.program("tools", "check-jsonschema")), "--builtin-schema", schema, *options, str(file)]
    reply = subprocess.run(check, capture_output=True, text=True, check=False)
    assert reply.returncode == 0, reply.stdout + reply.stderr


def test_snippets_of_all_three_services_are_held_against_their_schemas() -> None:
    assert {parameters.values[1] for parameters in SNIPPETS} == {schema for schema, _ in CI_SCHEMAS.values()}


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
