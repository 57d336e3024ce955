"""ansible-lint's own pre-commit hook, with our wheel among its dependencies, as the page on CI shows it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from support import environments, markdown
from support.venv import Dist, clean_environment, shell

EXAMPLE = environments.ROOT / "src" / "ansible_reap" / "example"
PRE_COMMIT = environments.program("dev", "pre-commit")
PYTHON = environments.program("lint", "python")
_COLOUR = re.compile(r"\x1b(\[[0-9;]*m|\]8;[^\x1b]*\x1b\\)")
"""ansible-lint's hook forces colours and links on."""


@pytest.fixture
def their_repository(tmp_path: Path) -> Path:
    """A git repository with a release of ansible-lint, its `.pre-commit-hooks.yaml` as it ships."""
    ask = "from importlib.metadata import version; print(version('ansible-lint'))"
    version = subprocess.run([PYTHON, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    download = [
        str(PYTHON),
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        "ansible-lint",
        "-d",
        str(tmp_path),
    ]
    subprocess.run([*download, f"ansible-lint=={version}"], check=True, capture_output=True, text=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    folder = tmp_path / archive.name.removesuffix(".tar.gz")
    commit(folder)
    subprocess.run(["git", "tag", f"v{version}"], cwd=folder, check=True, env=clean_environment(tmp_path))
    return folder


def commit(folder: Path) -> None:
    identity = "-c user.name=Somebody -c user.email=somebody@example.org"
    script = f"git init -q && git add -A && git {identity} commit -qm Everything"
    subprocess.run(["bash", "-c", script], cwd=folder, check=True, env=clean_environment(folder.parent))


@pytest.mark.slow
@pytest.mark.skipif(not PRE_COMMIT.exists(), reason="the environment dev has no pre-commit")
@pytest.mark.skipif(not PYTHON.exists(), reason="no environment lint: tools/envs.py make lint")
def test_their_hook_reports_the_bad_example_and_passes_the_good_one(
    their_repository: Path, dist: Dist, tmp_path: Path
) -> None:
    page = environments.ROOT / "docs" / "ci.md"
    (shown,) = (block.text for block in markdown.blocks(page) if "additional_dependencies" in block.text)
    config = yaml.safe_load(shown)
    (theirs,) = config["repos"]
    (hook,) = theirs["hooks"]
    assert (theirs["repo"], hook["id"]) == ("https://github.com/ansible/ansible-lint", "ansible-lint")
    assert hook["additional_dependencies"] == ["ansible-reap"]
    tag = subprocess.run(["git", "tag"], cwd=their_repository, check=True, capture_output=True, text=True).stdout
    theirs |= {"repo": str(their_repository), "rev": tag.strip()}
    # Their manifest names the newest Python, which need not be here.
    hook |= {"additional_dependencies": [str(dist.wheel)], "language_version": str(PYTHON)}
    # Beside the project, where ansible-lint does not lint it: its lines are as long as the paths here.
    (tmp_path / "hooks.yaml").write_text(yaml.safe_dump(config))

    project = Path(shutil.copytree(EXAMPLE / "broken", tmp_path / "project"))
    commit(project)
    variables = {**clean_environment(tmp_path), "PRE_COMMIT_HOME": str(tmp_path / "cache")}
    pre_commit = f"{PRE_COMMIT} run --config ../hooks.yaml --all-files"
    bad = shell(pre_commit, project, variables)
    said = _COLOUR.sub("", bad.stdout)
    assert bad.returncode == 1, said
    assert "async-unreaped[unregistered]" in said
    assert "Failed: 1 failure(s)" in said

    shutil.copy(EXAMPLE / "repaired" / "site.yml", project / "site.yml")
    good = shell(f"git add -A && {pre_commit}", project, variables)
    assert good.returncode == 0, good.stdout
