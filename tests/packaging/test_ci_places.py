"""The action, the GitLab component and the container, tried without the services: their own files are read and run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import container as containers
from support import environments
from support.container import Podman
from support.venv import Dist, Once, clean_environment

ROOT = environments.ROOT
EXAMPLE = ROOT / "src" / "ansible_reap" / "example"
NEW = "- name: New\n  ansible.builtin.command: /opt/backup\n  async: 300\n  poll: 0\n"
UNREADABLE = "- hosts: [\n  async: 3\n"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The broken example as a repository, with a branch that a pull request is to be merged into."""
    folder = Path(shutil.copytree(EXAMPLE / "broken", tmp_path / "project"))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it was")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def _python() -> Path:
    cores = environments.chosen_cores()
    if not cores:
        pytest.skip("no environment with ansible-core: tools/envs.py make newest")
    return environments.program(f"core-{cores[-1]}", "python")


def runner_variables(home: Path, dist: Dist) -> dict[str, str]:
    """A runner's environment. pip is given the wheel that these tests built, and the index for the rest."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python3").symlink_to(_python())
    return {
        **clean_environment(home),
        "PATH": f"{home / 'bin'}:/usr/bin:/bin",
        "PIP_FIND_LINKS": str(dist.wheel.parent),
    }


@pytest.fixture
def variables(tmp_path: Path, dist: Dist) -> dict[str, str]:
    return runner_variables(tmp_path / "home", dist)


# ---- the action


@dataclass
class Runner:
    """Runs the steps of action.yml as the service would: inputs into expressions, one shell for each step."""

    workspace: Path
    temp: Path
    variables: dict[str, str]
    package: Path

    def install(self, **inputs: str) -> None:
        """The step "Install"."""
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        install, _, _ = action["runs"]["steps"]
        given = {name: entry.get("default", "") for name, entry in action["inputs"].items()}
        installed = self._step(install, given | inputs)
        assert installed.returncode == 0, installed.stderr

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        """The step "Check"."""
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        given = {name: entry.get("default", "") for name, entry in action["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        _, check, upload = action["runs"]["steps"]
        assert "inputs.sarif == 'true'" in upload["if"]
        return self._step(check, given)

    def _step(self, step: dict[str, Any], given: dict[str, str]) -> subprocess.CompletedProcess[str]:
        def value(expression: str) -> str:
            match = re.fullmatch(r"\${{ inputs\.([\w-]+) }}", expression)
            assert match, expression
            return given[match[1]]

        assert "${{" not in step["run"], "text of others in a script is code"
        variables = {
            **self.variables,
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_ACTION_PATH": str(self.package),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            **{name: value(text) for name, text in step.get("env", {}).items()},
        }
        # As the service starts "shell: bash".
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def runner(project: Path, variables: dict[str, str], tmp_path: Path, dist: Dist, once: Once) -> Runner:
    """The wheel stands for the checkout of the action, which pip would build into the same. Installed once for all."""

    def fill(folder: Path) -> None:
        folder.mkdir()
        Runner(folder, folder, runner_variables(folder / "home", dist), dist.wheel).install()

    temp = tmp_path / "runner"
    temp.mkdir()
    (temp / "ansible-reap").symlink_to(once("action", fill) / "ansible-reap")
    return Runner(project, temp, {**variables, "GITHUB_BASE_REF": ""}, dist.wheel)


def test_the_action_shows_findings_fails_and_writes_summary_and_sarif(runner: Runner) -> None:
    reply = runner.run()
    assert reply.returncode == 1
    (line,) = reply.stdout.splitlines()
    assert line.startswith("::error file=site.yml,line=6,")
    assert "async-unreaped[unregistered]" in (runner.temp / "summary").read_text()
    sarif = (runner.temp / "output").read_text().strip().removeprefix("sarif-file=")
    assert json.loads(Path(sarif).read_text())["runs"][0]["results"][0]["ruleId"] == "async-unreaped"


def test_the_action_s_inputs_do_what_they_say(runner: Runner) -> None:
    assert runner.run(fail_on_findings="false").returncode == 0
    assert runner.run(args="--ignore\nasync-unreaped").returncode == 0
    (runner.workspace / "clean.yml").write_text("- hosts: all\n  tasks: []\n")
    narrowed = runner.run(path="clean.yml")
    assert (narrowed.returncode, narrowed.stdout) == (0, "")
    (runner.temp / "summary").unlink()
    assert runner.run(summary="false").returncode == 1
    assert not (runner.temp / "summary").exists()
    assert runner.run(args="--min-severity\nhihg").returncode == 2
    assert runner.run(args="--min-severity=low").returncode == 1
    told = runner.run(args="--min-severity low")
    assert told.returncode == 2
    assert told.stderr.startswith("ansible-reap check: '--min-severity low' is one argument with a space in it: write ")
    assert runner.run(path="$(touch injected)\n; touch injected").returncode == 2
    assert not (runner.workspace / "injected").exists()


def test_the_action_reports_what_a_pull_request_brings(runner: Runner) -> None:
    runner.variables["GITHUB_BASE_REF"] = "main"
    assert runner.run(changed_lines="true").returncode == 0
    (runner.workspace / "new.yml").write_text(NEW)
    reply = runner.run(changed_lines="true")
    assert reply.returncode == 1
    assert [line.split(",")[0] for line in reply.stdout.splitlines()] == ["::error file=new.yml"]
    assert "site.yml" not in (runner.temp / "summary").read_text()


def test_the_action_uploads_old_findings_too_as_code_scanning_compares_by_itself(runner: Runner) -> None:
    runner.variables["GITHUB_BASE_REF"] = "main"
    assert runner.run(changed_lines="true").returncode == 0
    sarif = (runner.temp / "output").read_text().strip().removeprefix("sarif-file=")
    assert len(json.loads(Path(sarif).read_text())["runs"][0]["results"]) == 1


def test_the_action_shows_findings_beside_a_file_that_cannot_be_read(runner: Runner) -> None:
    (runner.workspace / "broken.yml").write_text(UNREADABLE)
    reply = runner.run(fail_on_findings="false")
    assert reply.returncode == 2
    shown = [line.split(",")[0] for line in reply.stdout.splitlines()]
    assert shown == ["::error file=site.yml", "::error file=broken.yml"]
    summary = (runner.temp / "summary").read_text()
    assert "async-unreaped[unregistered]" in summary
    assert "1 file could not be checked" in summary
    sarif = (runner.temp / "output").read_text().strip().removeprefix("sarif-file=")
    assert len(json.loads(Path(sarif).read_text())["runs"][0]["results"]) == 1


def test_the_action_tells_of_a_wrong_command_line_once_and_has_no_report_then(runner: Runner) -> None:
    assert runner.run().returncode == 1
    for name in ("output", "summary"):
        (runner.temp / name).unlink()
    reply = runner.run(args="--min-severity=hihg")
    assert (reply.returncode, reply.stdout, len(reply.stderr.splitlines())) == (2, "", 1)
    assert not (runner.temp / "output").exists()
    assert not (runner.temp / "summary").exists()


PLANTED = (
    "venv.py",
    "pip/__main__.py",
    "ensurepip/__main__.py",
    "argparse.py",
    "logging/__init__.py",
    "sitecustomize.py",
)
"""What Python would run or import instead of its own, were it started in the checkout."""


@pytest.fixture
def planted(project: Path, tmp_path: Path) -> Path:
    """What a file of the pull request leaves where it is run: modules of these names stand at the repository's root."""
    trace = tmp_path / "was run"
    for name in PLANTED:
        file = project / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"open({str(trace)!r}, 'a').write({name!r})\n")
    (project / "pip" / "__init__.py").touch()
    return trace


def test_the_action_installs_without_running_what_the_checkout_holds(
    project: Path, planted: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    action = Runner(project, tmp_path / "runner's", variables, tmp_path / "missing")
    action.temp.mkdir()
    with pytest.raises(AssertionError, match="missing"):  # pip itself: there is nothing to install
        action.install()
    assert (action.temp / "ansible-reap" / "bin" / "pip").exists()
    assert not planted.exists()


def test_the_action_takes_an_interpreter_by_a_path_from_the_checkout(
    project: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    (project / "bin").symlink_to(Path(variables["PATH"].partition(":")[0]))
    action = Runner(project, tmp_path, variables, tmp_path / "missing")
    with pytest.raises(AssertionError, match="missing"):
        action.install(python="bin/python3")


# ---- the GitLab component


def component(**inputs: object) -> dict[str, Any]:
    """The job that GitLab makes of the component with these inputs."""
    spec, _, template = (ROOT / "templates" / "check.yml").read_text().partition("\n---\n")
    given = {name: entry["default"] for name, entry in yaml.safe_load(spec)["spec"]["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}

    def value(match: re.Match[str]) -> str:
        found = given[match[1]]
        return str(found).lower() if isinstance(found, bool) else str(found)

    document: dict[str, Any] = yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", value, template))
    return document


@dataclass
class Component:
    """Runs the job's script: what installs once for all, the rest as often as asked. ``venv`` is where it installs."""

    venv: Path
    project: Path
    variables: dict[str, str]

    def install(self, job: dict[str, Any]) -> None:
        *lines, _ = job["script"]
        reply = self._shell(lines, job)
        assert reply.returncode == 0, reply.stderr

    def run(self, job: dict[str, Any], **told: str) -> subprocess.CompletedProcess[str]:
        return self._shell(job["script"][-1:], job, **told)

    def _shell(self, lines: list[str], job: dict[str, Any], **told: str) -> subprocess.CompletedProcess[str]:
        script = "\n".join(lines).replace("/tmp/ansible-reap", str(self.venv))
        environment = {**self.variables, **job["variables"], "CI_PROJECT_DIR": str(self.project), **told}
        command = ["sh", "-e", "-c", script]
        return subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def job_runner(project: Path, variables: dict[str, str], dist: Dist, once: Once) -> Component:
    def fill(folder: Path) -> None:
        folder.mkdir()
        (job,) = component().values()
        Component(folder / "venv", folder, runner_variables(folder / "home", dist)).install(job)

    return Component(once("component", fill) / "venv", project, variables)


def test_the_component_writes_a_code_quality_report_and_fails(project: Path, job_runner: Component) -> None:
    (job,) = component().values()
    reply = job_runner.run(job)
    assert reply.returncode == 1, reply.stderr
    assert "site.yml:6:7: async-unreaped[unregistered]" in reply.stdout
    (issue,) = json.loads((project / job["artifacts"]["reports"]["codequality"]).read_text())
    assert issue["location"]["path"] == "site.yml"


def test_the_component_shows_findings_beside_a_file_that_cannot_be_read(project: Path, job_runner: Component) -> None:
    (project / "broken.yml").write_text(UNREADABLE)
    (job,) = component().values()
    reply = job_runner.run(job)
    assert reply.returncode == 2
    assert "site.yml:6:7: async-unreaped[unregistered]" in reply.stdout
    assert "broken.yml:3: does not parse" in reply.stderr
    report = project / job["artifacts"]["reports"]["codequality"]
    told = [issue["location"]["path"] for issue in json.loads(report.read_text())]
    assert told == ["site.yml", "broken.yml"]
    (job,) = component(args="--min-severity hihg").values()
    reply = job_runner.run(job)
    assert (reply.returncode, reply.stdout, len(reply.stderr.splitlines())) == (2, "", 1)
    assert not report.exists()


def test_the_component_reports_what_a_merge_request_brings(project: Path, job_runner: Component) -> None:
    (job,) = component(changed_lines=True).values()
    assert not job["image"].endswith("-slim")  # those have no git
    base = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
    told = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base.stdout.strip()}
    assert job_runner.run(job, **told).returncode == 0
    (project / "new.yml").write_text(NEW)
    reply = job_runner.run(job, **told)
    assert reply.returncode == 1
    assert "new.yml:1:3: async-unreaped" in reply.stdout
    assert "site.yml" not in reply.stdout
    report = json.loads((project / job["artifacts"]["reports"]["codequality"]).read_text())
    assert [issue["location"]["path"] for issue in report] == ["new.yml", "site.yml"]  # GitLab compares by itself


def test_the_component_installs_without_running_what_the_checkout_holds(
    project: Path, planted: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    (job,) = component(package=str(tmp_path / "missing")).values()
    with pytest.raises(AssertionError, match="missing"):  # pip itself: there is nothing to install
        Component(tmp_path / "venv", project, variables).install(job)
    assert (tmp_path / "venv" / "bin" / "pip").exists()
    assert not planted.exists()


def test_the_component_has_the_form_that_gitlab_reads(tmp_path: Path) -> None:
    if environments.environment("tools") is None:
        pytest.skip("no environment tools: tools/envs.py make tools")
    file = tmp_path / "pipeline.yml"
    file.write_text(yaml.safe_dump(component(changed_lines=True, allow_failure=True)))
    options = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    check = [str(environments.program("tools", "check-jsonschema")), *options, str(file)]
    reply = subprocess.run(check, capture_output=True, text=True, check=False)
    assert reply.returncode == 0, reply.stdout


# ---- the container


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """podman, after it has built the image as Containerfile says."""
    try:
        podman, base = containers.podman(_python(), tmp_path_factory.mktemp("container"))
    except containers.NotHereError as error:
        pytest.skip(str(error))
    build = ("build", "--quiet", "--layers=false", "--build-arg", f"BASE={base}", "-t", containers.IMAGE, str(ROOT))
    built = podman(*build)
    assert built.returncode == 0, built.stdout + built.stderr
    yield podman
    podman("rmi", "--force", containers.IMAGE, containers.LOCAL)


@pytest.mark.slow
def test_the_container_checks_a_read_only_project_without_a_network_and_not_as_root(
    container: Podman, project: Path
) -> None:
    """The project is another user's than that of the container, as it is for whoever runs it."""
    run = ("run", "--rm", "--network", "none", "--read-only", "-v", f"{project}:/project:ro")
    reply = container(*run, containers.IMAGE)
    assert reply.returncode == 1, reply.stderr
    assert "site.yml:6:7: async-unreaped[unregistered]" in reply.stdout
    user = container(*run, "--entrypoint", "python3", containers.IMAGE, "-c", "import os; print(os.getuid())")
    assert user.stdout.strip() == "65532"
    sarif = container(*run, containers.IMAGE, "check", "--format", "sarif")
    assert sarif.returncode == 1, sarif.stderr
    assert [result["ruleId"] for result in json.loads(sarif.stdout)["runs"][0]["results"]] == ["async-unreaped"]
    changed = (containers.IMAGE, "check", "--format", "concise", "--diff-base", "origin/main")
    reply = container(*run, *changed)
    assert (reply.returncode, reply.stdout, reply.stderr) == (0, "", "")
    (project / "new.yml").write_text(NEW)
    reply = container(*run, *changed)
    assert reply.returncode == 1, reply.stderr
    assert [line.split(" ")[0] for line in reply.stdout.splitlines()] == ["new.yml:1:3:"]


def test_the_container_file_names_no_root_and_opens_no_port() -> None:
    lines = (ROOT / "Containerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER 65532:65532"]
    assert not any(line.startswith(("EXPOSE", "ADD ", "VOLUME")) for line in lines)
