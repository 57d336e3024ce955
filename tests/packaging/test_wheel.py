"""What the wheel holds, and that the sdist makes the same one."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import ansible_reap
from support import environments
from support.venv import Dist

COLLECTION = "ansible_collections/reap/jobs/"
RULES = "ansiblelint/rules/custom/ansible_reap/"


@pytest.fixture(scope="module")
def contents(dist: Dist) -> dict[str, bytes]:
    return _contents(dist.wheel)


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_callback_is_at_its_collection_path(contents: dict[str, bytes]) -> None:
    source = environments.ROOT / "callback_plugins" / "async_reaper.py"
    assert contents[f"{COLLECTION}plugins/callback/async_reaper.py"] == source.read_bytes()


def test_every_rule_has_its_module_and_page_where_ansible_lint_looks(contents: dict[str, bytes]) -> None:
    sources = {path.name for path in (environments.ROOT / "lint_rules").iterdir() if path.suffix in {".py", ".md"}}
    shipped = {name.removeprefix(RULES) for name in contents if name.startswith(RULES)}
    assert shipped == sources
    assert "__init__.py" in shipped


def test_the_pages_are_in_the_package_too(contents: dict[str, bytes]) -> None:
    pages = {page.name: page.read_bytes() for page in (environments.ROOT / "lint_rules").glob("*.md")}
    assert {name: contents[f"ansible_reap/pages/{name}"] for name in pages} == pages


def test_nothing_is_put_into_packages_that_belong_to_others(contents: dict[str, bytes]) -> None:
    assert not [
        name
        for name in contents
        if name.startswith(("ansiblelint/", "ansible_collections/")) and not name.startswith((RULES, COLLECTION))
    ]


def test_the_collection_s_manifests_name_every_file_with_its_digest(contents: dict[str, bytes]) -> None:
    manifest = json.loads(contents[f"{COLLECTION}MANIFEST.json"])
    assert manifest["collection_info"]["version"] == ansible_reap.__version__
    assert manifest["file_manifest_file"]["chksum_sha256"] == _digest(contents[f"{COLLECTION}FILES.json"])
    listed = {
        entry["name"]: entry["chksum_sha256"]
        for entry in json.loads(contents[f"{COLLECTION}FILES.json"])["files"]
        if entry["ftype"] == "file"
    }
    shipped = {
        name.removeprefix(COLLECTION): _digest(content)
        for name, content in contents.items()
        if name.startswith(COLLECTION)
    }
    assert listed == {name: digest for name, digest in shipped.items() if name not in {"MANIFEST.json", "FILES.json"}}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_sdist_makes_the_same_wheel(dist: Dist, contents: dict[str, bytes], tmp_path: Path) -> None:
    with tarfile.open(dist.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(tmp_path.glob("ansible_reap-*"))
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path / "out"), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert _contents(next((tmp_path / "out").glob("*.whl"))) == contents


def test_package_collection_and_requirement_have_one_version() -> None:
    collection = environments.ROOT / "collection"
    galaxy = yaml.safe_load((collection / "galaxy.yml").read_text())
    requirements = (collection / "requirements.txt").read_text().splitlines()
    callback = (environments.ROOT / "callback_plugins" / "async_reaper.py").read_text()
    changelog = yaml.safe_load((collection / "changelogs" / "changelog.yaml").read_text())
    assert galaxy["version"] == ansible_reap.__version__
    assert f'VERSION = "{ansible_reap.__version__}"' in callback.splitlines()
    assert f"ansible-reap=={ansible_reap.__version__}" in requirements
    assert ansible_reap.__version__ in changelog["releases"]
