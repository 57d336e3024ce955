"""``ansible-reap doctor`` names each trap when it is set, and nothing on a right set-up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_reap.checks.registry import RULES
from ansible_reap.doctor import callback
from ansible_reap.doctor.programs import Program
from support import environments
from support.venv import Venv

RIGHT_CONFIG = "[defaults]\ncallbacks_enabled = reap.jobs.async_reaper\n"
RIGHT_HOOKS = "repos:\n  - repo: local\n    hooks:\n      - id: ansible-reap\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which everything is set up right."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "ansible.cfg").write_text(RIGHT_CONFIG)
    (folder / ".pre-commit-config.yaml").write_text(RIGHT_HOOKS)
    return folder


def _doctor(venv: Venv, project: Path, *skip: str, variables: Mapping[str, str] | None = None) -> list[str]:
    """What is off, a line each; the exit status must say so too."""
    options = [f"--skip={part}" for part in skip]
    reply = venv.run("ansible-reap", "doctor", "--quiet", *options, cwd=project, variables=variables)
    assert reply.stderr == ""
    lines = reply.stdout.splitlines()
    assert reply.returncode == (1 if lines else 0)
    assert all(line.strip().startswith("-> ") for line in lines[1::2]), "each trap has its remedy"
    return lines[::2]


def test_a_right_set_up_is_proven(complete: Venv, project: Path) -> None:
    reply = complete.run("ansible-reap", "doctor", cwd=project)
    assert "\n  -> " not in reply.stdout, "that would be a remedy"
    assert "reports async-unreaped on a bad example" in reply.stdout
    assert "saw the unreaped job of a bad example: exit status 2" in reply.stdout
    assert "runs ansible-reap" in reply.stdout
    assert reply.returncode == 0


def test_without_the_tools_nothing_is_off(bare: Venv, tmp_path: Path) -> None:
    reply = bare.run("ansible-reap", "doctor", cwd=tmp_path)
    assert (reply.returncode, reply.stderr) == (0, "")
    assert "no ansible-lint on PATH" in reply.stdout
    assert "no ansible-playbook on PATH" in reply.stdout


# ---- the rules


def test_a_custom_rules_folder_in_the_environment(complete: Venv, project: Path, tmp_path: Path) -> None:
    variables = {"ANSIBLE_LINT_CUSTOM_RULESDIR": str(tmp_path)}
    (line,) = _doctor(complete, project, "callback", variables=variables)
    assert "ANSIBLE_LINT_CUSTOM_RULESDIR is set" in line


def test_a_rules_folder_without_the_default_rules(complete: Venv, project: Path) -> None:
    (project / "rules").mkdir()
    (project / ".ansible-lint").write_text("rulesdir: [rules]\n")
    (line,) = _doctor(complete, project, "callback")
    assert "rulesdir without use_default_rules" in line


def test_a_profile_that_unloads_our_rules(complete: Venv, project: Path) -> None:
    (project / ".ansible-lint").write_text("profile: production\n")
    (line,) = _doctor(complete, project, "callback")
    assert "profile 'production' unloads" in line


@pytest.mark.slow
def test_fix_enables_the_rules_that_a_profile_unloads(complete: Venv, project: Path) -> None:
    (project / ".ansible-lint").write_text("profile: production\n")
    reply = complete.run("ansible-reap", "doctor", "--fix", "--skip", "callback", "--skip", "pre-commit", cwd=project)
    assert reply.returncode == 0, reply.stdout
    assert "rules added to enable_list" in reply.stdout
    assert "reports async-unreaped on a bad example" in reply.stdout


@pytest.mark.slow
def test_a_profile_with_our_rules_enabled_is_right(complete: Venv, project: Path) -> None:
    names = ", ".join(rule.id for rule in RULES)
    (project / ".ansible-lint").write_text(f"profile: production\nenable_list: [{names}]\n")
    assert _doctor(complete, project, "callback") == []


def test_a_rule_that_is_skipped(complete: Venv, project: Path) -> None:
    (project / ".ansible-lint").write_text("skip_list: [async-unreaped]\n")
    (line,) = _doctor(complete, project, "callback")
    assert "does not report async-unreaped on a bad example" in line


def test_an_ansible_lint_of_another_environment(complete: Venv, project: Path) -> None:
    if environments.environment("lint") is None:
        pytest.skip("no environment lint: tools/envs.py make lint")
    other = environments.program("lint", "ansible-lint").parent
    variables = {"PATH": f"{other}:{complete.folder / 'bin'}:/usr/bin:/bin"}
    (line,) = _doctor(complete, project, "callback", variables=variables)
    assert f"{other}/ansible-lint runs in an environment without ansible-reap" in line


@pytest.mark.slow
def test_an_editable_install(project: Path, tmp_path: Path) -> None:
    editable = _editable_install(tmp_path / "editable")
    lines = _doctor(editable, project)
    assert any("editable install there, which puts no rules where ansible-lint looks" in line for line in lines)
    assert any("does not find it (an editable install holds no collection)" in line for line in lines)


def _editable_install(folder: Path) -> Venv:
    """``pip install -e`` of this source tree, beside the ansible-lint of the environment ``lint``."""
    if environments.environment("lint") is None:
        pytest.skip("no environment lint: tools/envs.py make lint")
    python = environments.program("lint", "python")
    subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    ours = subprocess.run([folder / "bin/python", "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    Path(ours, "lint.pth").write_text(f"{theirs}\n")
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", "-e", str(environments.ROOT)]
    subprocess.run(install, check=True, capture_output=True)
    for name, module, function in (
        ("ansible-lint", "ansiblelint.__main__", "_run_cli_entrypoint"),
        ("ansible-playbook", "ansible.cli.playbook", "main"),
    ):
        script = folder / "bin" / name
        script.write_text(f"#!{folder / 'bin' / 'python'}\nfrom {module} import {function}\n{function}()\n")
        script.chmod(0o755)
    return Venv(folder)


# ---- the callback


def test_an_ansible_cfg_that_does_not_enable_it(complete: Venv, project: Path) -> None:
    (project / "ansible.cfg").write_text("[defaults]\n")
    (line,) = _doctor(complete, project, "rules")
    assert f"{project}/ansible.cfg does not enable the callback" in line


def test_an_environment_that_names_other_callbacks(complete: Venv, project: Path) -> None:
    (line,) = _doctor(complete, project, "rules", variables={"ANSIBLE_CALLBACKS_ENABLED": "default"})
    assert "ANSIBLE_CALLBACKS_ENABLED in the environment names other callbacks, whatever ansible.cfg says" in line


def test_an_ansible_cfg_that_ansible_ignores(complete: Venv, project: Path) -> None:
    project.chmod(0o777)
    (line,) = _doctor(complete, project, "rules")
    assert "Ansible ignores it, because everybody may write to this folder" in line


def test_a_callback_that_is_not_found(complete: Venv, project: Path) -> None:
    (project / "ansible.cfg").write_text("[defaults]\ncallbacks_enabled = async_reaper\n")
    (line,) = _doctor(complete, project, "rules")
    assert "enabled by its short name, but no folder of callback_plugins has it" in line


def test_a_callback_that_does_not_load(complete: Venv, project: Path) -> None:
    (project / "plugins").mkdir()
    (project / "plugins" / "async_reaper.py").write_text("this is not Python\n")
    (project / "ansible.cfg").write_text("[defaults]\ncallback_plugins = plugins\ncallbacks_enabled = async_reaper\n")
    (line,) = _doctor(complete, project, "rules")
    assert "does not load" in line


def test_a_callback_that_is_enabled_twice(complete: Venv, project: Path) -> None:
    folder = environments.ROOT / "callback_plugins"
    enabled = "async_reaper, reap.jobs.async_reaper"
    (project / "ansible.cfg").write_text(f"[defaults]\ncallback_plugins = {folder}\ncallbacks_enabled = {enabled}\n")
    (line,) = _doctor(complete, project, "rules")
    assert "enabled 2 times" in line


def test_a_bad_option_value(complete: Venv, project: Path) -> None:
    (project / "ansible.cfg").write_text(f"{RIGHT_CONFIG}[callback_async_reaper]\non_unreaped = explode\n")
    (line,) = _doctor(complete, project, "rules")
    assert "on_unreaped is 'explode'" in line


def test_a_file_of_known_jobs_that_is_not_there(complete: Venv, project: Path) -> None:
    (project / "ansible.cfg").write_text(f"{RIGHT_CONFIG}[callback_async_reaper]\nignore = file:known.txt\n")
    (line,) = _doctor(complete, project, "rules")
    assert "ignore: no file 'known.txt'" in line


def test_an_option_that_does_not_exist(complete: Venv, project: Path) -> None:
    (project / "ansible.cfg").write_text(f"{RIGHT_CONFIG}[callback_async_reaper]\non_unreapd = report\n")
    (line,) = _doctor(complete, project, "rules", variables={"ASYNC_REAPER_RECAP": "always"})
    assert "has no option 'on_unreapd'" in line
    assert "on_unreaped" in line.partition("'on_unreapd'")[2]


def test_a_variable_that_does_not_exist(complete: Venv, project: Path) -> None:
    (line,) = _doctor(complete, project, "rules", variables={"ASYNC_REAPER_ONUNREAPED": "report"})
    assert "ASYNC_REAPER_ONUNREAPED: there is no such option" in line


def test_report_mode_is_right_too(complete: Venv, project: Path) -> None:
    (project / "ansible.cfg").write_text(f"{RIGHT_CONFIG}[callback_async_reaper]\non_unreaped = report\n")
    assert _doctor(complete, project, "rules") == []


def test_no_python_that_ansible_would_find_is_needed(complete: Venv, project: Path, tmp_path: Path) -> None:
    """Such as the stubs of pyenv on PATH: there is one for each version installed, and only the chosen one runs."""
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for minor in range(7, 16):
        (stubs / f"python3.{minor}").write_text("#!/bin/sh\nexit 127\n")
        (stubs / f"python3.{minor}").chmod(0o755)
    path = f"{complete.folder / 'bin'}:{stubs}:{os.environ['PATH']}"
    assert _doctor(complete, project, "rules", variables={"PATH": path}) == []


def test_a_collection_of_another_version(complete: Venv, project: Path) -> None:
    (installed,) = complete.folder.glob("lib/python3*/site-packages/ansible_collections/reap/jobs")
    copy = project / "collections" / "ansible_collections" / "reap" / "jobs"
    shutil.copytree(installed, copy)
    manifest = json.loads((copy / "MANIFEST.json").read_text())
    manifest["collection_info"]["version"] = "0.0.9"
    (copy / "MANIFEST.json").write_text(json.dumps(manifest))
    (project / "ansible.cfg").write_text(f"{RIGHT_CONFIG}collections_path = collections\n")
    (line,) = _doctor(complete, project, "rules")
    assert f"the collection at {copy} is 0.0.9" in line


def test_an_ansible_of_another_environment(complete: Venv, project: Path) -> None:
    name = f"core-{environments.chosen_cores()[0]}"
    other = environments.program(name, "ansible-playbook").parent
    variables = {"PATH": f"{other}:{complete.folder / 'bin'}:/usr/bin:/bin"}
    (line,) = _doctor(complete, project, "rules", variables=variables)
    assert f"{other}/ansible-playbook runs in an environment without ansible-reap" in line


def test_an_ansible_core_that_is_too_old() -> None:
    program = Program(Path("/usr/bin/ansible-playbook"), "/usr/bin/python3")
    (observation,) = callback._core(program, {"core": "2.15.13"})
    assert "older than 2.16" in observation.text


# ---- pre-commit


def test_a_pre_commit_without_us(complete: Venv, project: Path) -> None:
    (project / ".pre-commit-config.yaml").write_text(
        "repos:\n  - repo: https://example.com/x\n    hooks: [{id: other}]\n"
    )
    (line,) = _doctor(complete, project, "rules", "callback")
    assert "runs neither ansible-reap nor ansible-lint" in line


@pytest.mark.parametrize(
    ("hook", "trouble"),
    [
        ("{id: ansible-lint}", "without our rules"),
        ("{id: ansible-lint, additional_dependencies: [ansible-reap], args: [-r, rules]}", "-r without -R"),
        ("{id: ansible-lint, additional_dependencies: [ansible-reap]}", None),
    ],
)
def test_the_hook_of_ansible_lint(complete: Venv, project: Path, hook: str, trouble: str | None) -> None:
    text = f"repos:\n  - repo: https://github.com/ansible/ansible-lint\n    rev: v26.10.1\n    hooks:\n      - {hook}\n"
    (project / ".pre-commit-config.yaml").write_text(text)
    lines = _doctor(complete, project, "rules", "callback")
    assert len(lines) == (1 if trouble else 0)
    assert all(str(trouble) in line for line in lines)


def test_a_command_that_is_no_python_script(complete: Venv, project: Path, tmp_path: Path) -> None:
    wrapper = tmp_path / "wrappers" / "ansible-lint"
    wrapper.parent.mkdir()
    wrapper.write_text("#!/bin/bash\nexec docker run lint\n")
    wrapper.chmod(0o755)
    variables = {"PATH": os.pathsep.join((str(wrapper.parent), f"{complete.folder / 'bin'}", "/usr/bin", "/bin"))}
    (line,) = _doctor(complete, project, "callback", variables=variables)
    assert "not a Python script" in line
