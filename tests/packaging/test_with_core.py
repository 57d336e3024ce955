"""``pip install ansible-reap`` beside ansible-core: Ansible finds the callback with nothing more."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import ansible_reap
from support import environments
from support.venv import Venv

EXAMPLE = environments.ROOT / "src" / "ansible_reap" / "example"
OPTIONS = {
    *("enabled", "on_error", "on_unreaped", "gate", "on_failed", "on_swallowed", "look", "ignore", "recap"),
    *("on_running_twin", "clean_secrets", "report_path", "junit_path", "metrics_path", "webhook"),
    *("history", "ledger_dir"),
}


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE / "broken", tmp_path / "broken"))


def _enable(project: Path, *lines: str) -> None:
    config = project / "ansible.cfg"
    config.write_text(config.read_text() + "\n".join(lines) + "\n")


def _assert_failed_by_us(output: str, returncode: int) -> None:
    assert returncode == 2
    assert re.search(r"^db1 .*failed=1", output, re.MULTILINE)
    assert re.search(r"^web1 .*failed=0", output, re.MULTILINE)
    recap = output[output.index("ASYNC RECAP") :]
    assert "Back up the database" in recap
    assert "site.yml:6" in recap


def test_the_callback_is_found_by_its_full_name(with_core: Venv, broken: Path) -> None:
    _enable(broken, "callbacks_enabled = reap.jobs.async_reaper")
    reply = with_core.run("ansible-playbook", "site.yml", cwd=broken)
    _assert_failed_by_us(reply.stdout, reply.returncode)
    assert reply.stderr == ""


def test_the_callback_is_found_by_its_short_name_in_a_clone(with_core: Venv, broken: Path) -> None:
    folder = environments.ROOT / "callback_plugins"
    _enable(broken, f"callback_plugins = {folder}", "callbacks_enabled = async_reaper")
    reply = with_core.run("ansible-playbook", "site.yml", cwd=broken)
    _assert_failed_by_us(reply.stdout, reply.returncode)


def test_loaded_twice_only_one_acts(with_core: Venv, broken: Path) -> None:
    folder = environments.ROOT / "callback_plugins"
    _enable(broken, f"callback_plugins = {folder}", "callbacks_enabled = async_reaper, reap.jobs.async_reaper")
    reply = with_core.run("ansible-playbook", "site.yml", cwd=broken)
    _assert_failed_by_us(reply.stdout, reply.returncode)
    assert reply.stdout.count("ASYNC RECAP") == 1


def test_ansible_doc_documents_every_option(with_core: Venv, tmp_path: Path) -> None:
    reply = with_core.run("ansible-doc", "-t", "callback", "--json", "reap.jobs.async_reaper", cwd=tmp_path)
    assert reply.returncode == 0, reply.stderr
    options = json.loads(reply.stdout)["reap.jobs.async_reaper"]["doc"]["options"]
    assert set(options) == OPTIONS
    for name, option in options.items():
        assert option["description"]
        assert [entry["section"] for entry in option["ini"]] == ["callback_async_reaper"]
        assert option["env"] == [{"name": f"ASYNC_REAPER_{name.upper()}"}]


def test_ansible_doc_prints_the_callback_s_page(with_core: Venv, tmp_path: Path) -> None:
    reply = with_core.run("ansible-doc", "-t", "callback", "reap.jobs.async_reaper", cwd=tmp_path)
    assert reply.returncode == 0, reply.stderr
    assert "on_unreaped" in reply.stdout


def test_ansible_galaxy_lists_the_collection_with_its_version(with_core: Venv, tmp_path: Path) -> None:
    reply = with_core.run("ansible-galaxy", "collection", "list", "reap.jobs", cwd=tmp_path)
    assert reply.returncode == 0, reply.stderr
    assert re.search(rf"^reap\.jobs +{re.escape(ansible_reap.__version__)}\b", reply.stdout, re.MULTILINE)


def test_the_demo_tells_its_story(with_core: Venv, tmp_path: Path) -> None:
    reply = with_core.run("ansible-reap", "demo", cwd=tmp_path)
    assert (reply.returncode, reply.stderr) == (0, "")
    assert re.findall(r"exit status (\d)", reply.stdout) == ["1", "0", "2", "0"]
    assert len(reply.stdout.splitlines()) <= 50, "it fits a screen"
    assert "async: 120" in reply.stdout
    assert "write:" not in reply.stdout
    assert not list(tmp_path.glob("**/*.json")), "the demo leaves nothing behind"


@pytest.mark.parametrize("module", ["wait", "collect"])
def test_ansible_doc_documents_the_modules(with_core: Venv, tmp_path: Path, module: str) -> None:
    reply = with_core.run("ansible-doc", "--json", f"reap.jobs.{module}", cwd=tmp_path)
    assert reply.returncode == 0, reply.stderr
    assert json.loads(reply.stdout)[f"reap.jobs.{module}"]["doc"]["options"]


def test_the_collecting_playbook_is_found_by_its_full_name(with_core: Venv, tmp_path: Path) -> None:
    variables = {"ASYNC_REAPER_LEDGER_DIR": str(tmp_path / "ledger")}
    run = ("reap.jobs.collect", "-i", "localhost,", "-c", "local")
    reply = with_core.run("ansible-playbook", *run, cwd=tmp_path, variables=variables)
    assert reply.returncode == 0, reply.stdout + reply.stderr
