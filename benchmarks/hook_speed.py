"""What the warm pre-commit hook costs on a repository of 500 YAML files, against importing PyYAML and Jinja2.

    .envs/dev/bin/python benchmarks/hook_speed.py [--rounds N] [--launches N] [PROJECT]

PROJECT is a folder whose YAML files (the first 500) make the repository. By default one is generated: files of some
2 kB, which is what real ones have on average, some of which (--launches) launch something. Four whole processes take
turns; their wall and processor times are told as medians:

- floor: `python -c 'import yaml, jinja2'`, in the hook's environment;
- hook: what pre-commit starts, `ansible-reap check`;
- empty: `pre-commit run --all-files` of a hook that does nothing, which is what pre-commit itself takes;
- pre-commit: `pre-commit run --all-files` of ours, its environment built before.

What is asked is that the hook, less an empty one, takes at most 0.6 times the floor where nothing is launched and 1.3
times where something is, in processor time: wall times say little on a machine with other work. The exit status is 1
above it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from check_speed import FLOOR, LAUNCH, ROOT, TEN_LAUNCHES, WITHOUT_LAUNCH
from measure import result

FILES = 500

CONFIG = """\
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: ansible-reap
  - repo: local
    hooks:
      - id: empty
        name: does nothing
        entry: "true"
        language: system
        types: [yaml]
        require_serial: true
"""


@dataclass(frozen=True)
class Cost:
    """Seconds."""

    wall: float
    processor: float


class Repository:
    """A git repository with the YAML files and pre-commit's configuration, and pre-commit's cache beside it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repository"
        self.cache = folder / "cache"
        foreign = ("PYTHON", "GIT_", "PRE_COMMIT")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "PRE_COMMIT_HOME": str(self.cache),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def run(self, *command: str | Path, cwd: Path | None = None) -> str:
        reply = subprocess.run(
            command, cwd=cwd or self.root, env=self.environment, capture_output=True, text=True, check=False
        )
        if reply.returncode not in (0, 1):
            raise SystemExit(f"{command}: status {reply.returncode}\n{reply.stdout}{reply.stderr}")
        return reply.stdout

    def commit(self, folder: Path) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "All"]):
            self.run("git", *words, cwd=folder)
        return self.run("git", "rev-parse", "HEAD", cwd=folder).strip()

    def cost(self, *command: str | Path) -> Cost:
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        self.run(*command)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def published(repository: Repository, folder: Path) -> tuple[Path, str]:
    """A clone of this source tree as it is, for pre-commit to install from."""
    clone = folder / "ansible-reap"
    for name in repository.run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines():
        if (ROOT / name).exists() and not name.startswith("tests/"):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    return clone, repository.commit(clone)


TASKS = """\
- name: Packages of role {n}, part {part}
  ansible.builtin.package:
    name: "{{{{ item }}}}"
    state: present
  loop: [alpha, beta, gamma]
  when: role{n}_enabled | default(true) | bool
  register: role{n}_packages
- name: Settings of role {n}, part {part}
  ansible.builtin.template:
    src: role{n}.conf.j2
    dest: /etc/role{n}/{part}.conf
    owner: root
    group: root
    mode: "0644"
    validate: /usr/sbin/role{n} --check %s
  notify: Restart role {n}
- name: Users of role {n}, part {part}
  ansible.builtin.user:
    name: "role{n}-{{{{ item.name }}}}"
    shell: "{{{{ item.shell | default('/bin/false') }}}}"
    groups: "{{{{ role{n}_groups }}}}"
  loop: "{{{{ role{n}_users }}}}"
  loop_control:
    label: "{{{{ item.name }}}}"
"""


def generate(root: Path, launches: int) -> None:
    """Roles of five files each: three with tasks, defaults and handlers; a playbook that has them all."""
    names = [f"role{n}" for n in range(FILES // 5)]
    for n, name in enumerate(names):
        parts = {start: [TASKS.format(n=n, part=part) for part in range(start, start + 3)] for start in (0, 3, 6)}
        calls = [f"- name: {part}\n  ansible.builtin.include_tasks: {part}.yml\n" for part in ("first", "second")]
        service = f"{{name: role{n}, state: restarted}}"
        texts = {
            "tasks/main.yml": parts[0] + calls,
            "tasks/first.yml": parts[3],
            "tasks/second.yml": parts[6],
            "handlers/main.yml": [f"- name: Restart role {n}\n  ansible.builtin.service: {service}\n"],
            "defaults/main.yml": [f"role{n}_setting_{each}: value {each}\n" for each in range(60)],
        }
        if n < launches:
            texts["tasks/second.yml"].append(LAUNCH.format(n=n))
        for path, pieces in texts.items():
            (root / "roles" / name / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "roles" / name / path).write_text("".join(pieces))
    (root / "site.yml").write_text(
        "".join(f"- hosts: group{at}\n  roles: [{', '.join(names[at : at + 20])}]\n" for at in range(0, len(names), 20))
    )


def copy_yaml(project: Path, root: Path) -> None:
    """The first 500 YAML files of the project, at their places."""
    found = sorted(path for path in project.rglob("*.y*ml") if path.is_file() and ".git" not in path.parts)
    for path in found[:FILES]:
        target = root / path.relative_to(project)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", nargs="?", type=Path, metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--launches", type=int, default=0, help="of the generated repository")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        repository = Repository(folder)
        clone, revision = published(repository, folder)
        repository.root.mkdir()
        if args.project:
            copy_yaml(args.project, repository.root)
        else:
            generate(repository.root, args.launches)
        (repository.root / ".pre-commit-config.yaml").write_text(CONFIG.format(repository=clone, revision=revision))
        repository.commit(repository.root)
        return compare(repository, args.rounds, args.launches)


def compare(repository: Repository, rounds: int, launches: int) -> int:
    names = [name for name in repository.run("git", "ls-files").splitlines() if name.endswith((".yml", ".yaml"))]
    pre_commit = Path(sys.executable).with_name("pre-commit")
    run = (pre_commit, "run", "--all-files")
    repository.run(*run, "ansible-reap")
    ours = next(repository.cache.glob("repo*/py_env-*/bin/ansible-reap"))
    commands: dict[str, tuple[str | Path, ...]] = {
        "floor": (ours.with_name("python"), "-c", FLOOR),
        "hook": (ours, "check"),
        "empty": (*run, "empty"),
        "pre-commit": (*run, "ansible-reap"),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(repository.cost(*command))
    size = sum((repository.root / name).stat().st_size for name in names)
    print(f"{len(names)} YAML files, {size / 1e6:.2f} MB; medians of {rounds} rounds")
    for name, found in costs.items():
        wall = statistics.median(cost.wall for cost in found)
        processor = statistics.median(cost.processor for cost in found)
        print(f"{name:11} wall {wall:6.3f} s  processor {processor:6.3f} s")
    floor, hook, empty, whole = costs.values()
    title = f"{len(names)} files, {launches} launches"
    ratio = statistics.median(mine.processor / least.processor for mine, least in zip(hook, floor, strict=True))
    result(f"{title}: `ansible-reap check` in the hook's environment to `{FLOOR}`", ratio, None)
    beyond = statistics.median(
        (all_of_it.processor - none.processor) / least.processor
        for all_of_it, none, least in zip(whole, empty, floor, strict=True)
    )
    bound = TEN_LAUNCHES if launches else WITHOUT_LAUNCH
    return int(not result(f"{title}: the warm hook, less an empty one, to `{FLOOR}`", beyond, bound))


if __name__ == "__main__":
    sys.exit(main())
