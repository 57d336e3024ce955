"""The collection as Galaxy would serve it: built from the repository, installed from the built file."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

import ansible_reap
from support import environments
from support.venv import Venv

COLLECTION = environments.ROOT / "collection"
EXAMPLE = environments.ROOT / "src" / "ansible_reap" / "example"


@pytest.fixture
def project(with_core: Venv, tmp_path: Path) -> Path:
    """The broken example with the collection installed into its own folder by ansible-galaxy."""
    built = with_core.run("ansible-galaxy", "collection", "build", COLLECTION, "--output-path", tmp_path, cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    project = Path(shutil.copytree(EXAMPLE / "broken", tmp_path / "broken"))
    archive = tmp_path / f"reap-jobs-{ansible_reap.__version__}.tar.gz"
    config = project / "ansible.cfg"
    lines = [config.read_text(), "callbacks_enabled = reap.jobs.async_reaper", "collections_path = collections", ""]
    config.write_text("\n".join(lines))
    # Without --force it would do nothing: the wheel beside it holds the same version.
    install = ("collection", "install", archive, "-p", "collections", "--offline", "--force")
    installed = with_core.run("ansible-galaxy", *install, cwd=project)
    assert installed.returncode == 0, installed.stderr
    return project


def test_the_built_collection_installs_and_works(with_core: Venv, project: Path) -> None:
    installed = project / "collections" / "ansible_collections" / "reap" / "jobs"
    callback = installed / "plugins" / "callback" / "async_reaper.py"
    assert callback.is_file()
    assert not callback.is_symlink()
    shown = with_core.run("ansible-doc", "-t", "callback", "--json", "reap.jobs.async_reaper", cwd=project)
    assert json.loads(shown.stdout)["reap.jobs.async_reaper"]["doc"]["filename"].startswith(str(installed))
    reply = with_core.run("ansible-playbook", "site.yml", cwd=project)
    assert reply.returncode == 2
    assert re.search(r"^db1 .*failed=1", reply.stdout, re.MULTILINE)
    assert "ASYNC RECAP" in reply.stdout
    assert reply.stderr == ""


def test_the_built_collection_verifies(with_core: Venv, project: Path) -> None:
    reply = with_core.run("ansible-galaxy", "collection", "verify", "--offline", "reap.jobs", cwd=project)
    assert reply.returncode == 0, reply.stdout + reply.stderr


def test_ansible_builder_finds_the_python_requirement() -> None:
    """ansible-builder reads meta/execution-environment.yml, and from there the file that it names."""
    meta = yaml.safe_load((COLLECTION / "meta" / "execution-environment.yml").read_text())
    requirements = (COLLECTION / meta["dependencies"]["python"]).read_text().splitlines()
    assert [line for line in requirements if not line.startswith("#")] == [f"ansible-reap=={ansible_reap.__version__}"]


def test_the_execution_environment_in_the_docs_is_the_file_beside_them() -> None:
    page = (environments.ROOT / "docs" / "awx.md").read_text()
    file = (environments.ROOT / "docs" / "execution-environment.yml").read_text()
    block = page.partition('```yaml title="execution-environment.yml"\n')[2].partition("```")[0]
    definition = yaml.safe_load(file)
    assert yaml.safe_load(block) == definition
    assert definition["dependencies"]["galaxy"]["collections"] == [
        {"name": "reap.jobs", "version": ansible_reap.__version__}
    ]


def test_the_collection_admits_the_supported_versions_of_ansible_core() -> None:
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())
    assert runtime["requires_ansible"] == f">={environments.SUPPORTED_CORES[0]}.0"


@pytest.mark.parametrize("plugin", ["callback/async_reaper.py", "modules/wait.py", "modules/collect.py"])
def test_plugins_are_documented_as_ansible_test_demands(plugin: str) -> None:
    """What `ansible-test sanity --test validate-modules` refuses: an author without a handle, an import further up."""
    text = (COLLECTION / "plugins" / plugin).read_text()
    head, _, rest = text.partition("DOCUMENTATION = ")
    assert re.findall(r"^(?:import|from) (?!__future__)", head, re.MULTILINE) == []
    documentation = yaml.safe_load(rest.partition('"""')[2].partition('"""')[0])
    assert all(re.fullmatch(r".+ \(@[\w-]+\)", author) for author in documentation["author"])


WITH_DOWNLOADS = {
    "action-plugin-docs",
    "ansible-doc",
    "changelog",
    "import",
    "pep8",
    "pslint",
    "pylint",
    "runtime-metadata",
}
WITH_DOWNLOADS |= {"shellcheck", "validate-modules", "yamllint"}
"""Sanity tests that run in environments of their own, for which ansible-test fetches pip from a site of Ansible's."""


@pytest.mark.slow
def test_ansible_test_finds_the_built_collection_sane(with_core: Venv, project: Path, tmp_path: Path) -> None:
    installed = project / "collections" / "ansible_collections" / "reap" / "jobs"
    variables = {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    command = ("ansible-test", "sanity", "--color", "no")
    listed = with_core.run(*command, "--list-tests", cwd=installed, variables=variables).stdout.split("WARNING")[0]
    wanted = sorted(set(listed.split()) - WITH_DOWNLOADS)
    assert {"compile", "no-get-exception", "use-compat-six"} <= set(wanted)
    chosen = [argument for name in wanted for argument in ("--test", name)]
    reply = with_core.run(*command, *chosen, cwd=installed, variables=variables)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert [name for name in wanted if f'"{name}"' not in reply.stdout + reply.stderr] == []
