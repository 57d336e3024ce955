"""What `check` costs against merely composing the same YAML files with libyaml, and how the cost grows with a project.

    PYTHONPATH=src .envs/dev/bin/python benchmarks/check_speed.py [--rounds N] [PROJECT ...]

Whole processes, side by side, in turns. For each PROJECT (default: none): the ratio of the two processor times, bound
0.6, and the peak memory, bound 100 MB. Then generated projects of 100, 1,000 and 10,000 files: the cost of a file must
not grow. Ends with status 1 where a figure is out of bounds. Projects for which composing takes under 0.5 s say little.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ansible_reap.content.project import Project

ROOT = Path(__file__).resolve().parents[1]
RATIO = 0.6
MEGABYTES = 100
GROWTH = 1.25
"""How much dearer a file of the largest generated project may be than one of the middle one."""

COMPOSE = """\
import sys, yaml
for name in open(sys.argv[1], encoding="utf-8").read().splitlines():
    with open(name, "rb") as file:
        try:
            for _ in yaml.compose_all(file, Loader=yaml.CSafeLoader):
                pass
        except (yaml.YAMLError, UnicodeError):
            pass
"""

ROLE = """\
- name: Packages of role {n}
  ansible.builtin.package:
    name: "{{{{ item }}}}"
    state: present
  loop: [alpha, beta, gamma]
  when: role{n}_enabled | default(true) | bool
- name: Configure role {n}
  ansible.builtin.template:
    src: role{n}.conf.j2
    dest: /etc/role{n}.conf
    mode: "0644"
  notify: Restart role {n}
- name: Include the rest
  ansible.builtin.include_tasks: "part_{{{{ role{n}_part | default('a') }}}}.yml"
"""
LAUNCH = """\
- name: Start work {n}
  ansible.builtin.command: /usr/local/bin/work {n}
  async: 600
  poll: 0
  register: work_{n}
- name: Wait for work {n}
  ansible.builtin.async_status:
    jid: "{{{{ work_{n}.ansible_job_id }}}}"
  register: work_{n}_done
  until: work_{n}_done is finished
  retries: 61
  delay: 10
"""


@dataclass(frozen=True)
class Cost:
    seconds: float
    """Processor time, user and system."""
    megabytes: float


def run(*command: object) -> Cost:
    """One whole process."""
    child = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 2):  # 2: some file of the project does not parse
        raise SystemExit(f"{command} ended with status {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def check(root: Path) -> Cost:
    return run(
        sys.executable, "-m", "ansible_reap", "check", "--exit-zero", "--format", "json", "--project-dir", root, root
    )


def compare(name: str, root: Path, rounds: int) -> tuple[bool, float, int]:
    """Whether the project is within bounds, the processor seconds of a check, and the number of files."""
    files = [str(root / path) for path in Project(root).yaml]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write("\n".join(files))
        listing.flush()
        pairs = [(check(root), run(sys.executable, "-c", COMPOSE, listing.name)) for _ in range(rounds)]
    ours, theirs = (statistics.median(pair[side].seconds for pair in pairs) for side in (0, 1))
    ratio = statistics.median(mine.seconds / other.seconds for mine, other in pairs)
    memory = max(mine.megabytes for mine, _ in pairs)
    print(
        f"{name:32} {len(files):6} files  check {ours:6.2f} s  compose {theirs:6.2f} s"
        f"  ratio {ratio:5.2f}  {memory:4.0f} MB",
        flush=True,
    )
    return ratio <= RATIO and memory <= MEGABYTES, ours, len(files)


def generate(root: Path, files: int) -> None:
    """A project of roles, every tenth of which launches something; five files a role."""
    (root / "ansible.cfg").touch()
    names = [f"role{n}" for n in range(files // 5)]
    for n, name in enumerate(names):
        role = root / "roles" / name
        for part in ("tasks", "handlers", "defaults"):
            (role / part).mkdir(parents=True)
        (role / "tasks" / "main.yml").write_text(ROLE.format(n=n) * 3)
        (role / "tasks" / "part_a.yml").write_text(LAUNCH.format(n=n) if n % 10 == 0 else ROLE.format(n=n))
        (role / "tasks" / "part_b.yml").write_text(ROLE.format(n=n).rpartition("- name")[0])
        (role / "handlers" / "main.yml").write_text(
            f"- name: Restart role {n}\n  ansible.builtin.service: {{name: role{n}, state: restarted}}\n"
        )
        (role / "defaults" / "main.yml").write_text(f"role{n}_enabled: true\nrole{n}_part: a\n")
    (root / "site.yml").write_text(
        "".join(f"- hosts: group{at}\n  roles: [{', '.join(names[at : at + 20])}]\n" for at in range(0, len(names), 20))
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", type=Path, metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    good = True
    for root in args.projects:
        good &= compare(root.resolve().name, root.resolve(), args.rounds)[0]
    per_file: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for files in (100, 1_000, 10_000):
            root = Path(folder, str(files))
            root.mkdir()
            generate(root, files)
            _, seconds, found = compare(f"generated {files}", root, min(args.rounds, 3))
            per_file.append(seconds / found)
    growth = per_file[2] / per_file[1]
    print(f"a file of 10,000 costs {growth:.2f} times one of 1,000  (bound {GROWTH})")
    return int(not (good and growth <= GROWTH))


if __name__ == "__main__":
    sys.exit(main())
