"""What `check` costs: against composing the same YAML with libyaml, against importing PyYAML and Jinja2, and by size.

    .envs/dev/bin/python benchmarks/check_speed.py [--rounds N] [--files N] [PROJECT ...]

For each PROJECT: the ratio to composing its files (those that take under 0.5 s say little), where under 1 % of its
files hold the word async the ratio to ``grep -rl async`` and a start of the interpreter, and the peak memory. Then a
generated repository of 500 files without a launch and one with ten, against importing PyYAML and Jinja2. Then generated
projects of 100 files up to --files: neither the time nor the memory for a file may grow. Ends with status 1 where a
figure is out of bounds.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import ROOT, check, in_turns, prepare, ratio, result, run, seconds

from ansible_reap.content.project import Project

__all__ = ["COMPOSE", "LAUNCH", "ROOT"]

RATIO = 0.35
WORST = 0.6
MEGABYTES = 80
LONG_ENOUGH = 0.5
"""Seconds of composing from which on a project counts."""
GREP_RATIO = 4.0
FEW = 0.01
"""The part of the files that hold the word async, below which a project is held against grep."""
WITHOUT_LAUNCH = 0.6
TEN_LAUNCHES = 1.3
GROWTH = 1.25
"""How much dearer a file of a project may be than one of a project of a tenth of its size, beyond start-up."""
CHECKED = (0, 2)  # 2: some file of the project does not parse
FLOOR = "import yaml, jinja2"

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


def compare(name: str, root: Path, rounds: int) -> tuple[float, float]:
    """The ratio of a check to composing, 0 where composing is too short to count, and the peak memory in MB."""
    files = [str(root / path) for path in Project(root).yaml]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write("\n".join(files))
        listing.flush()
        commands = {
            "check": check(root),
            "compose": (sys.executable, "-c", COMPOSE, listing.name),
            "grep": ("grep", "-rl", "async", root),
            "start": (sys.executable, "-c", "pass"),
        }
        costs = in_turns(rounds, commands, (*CHECKED, 1))
    found = ratio(costs["check"], costs["compose"])
    memory = max(cost.megabytes for cost in costs["check"])
    counts = seconds(costs["compose"]) >= LONG_ENOUGH
    result(f"{name}, {len(files)} files: check to composing", found, WORST if counts else None)
    result(f"{name}: memory", memory, MEGABYTES, " MB")
    if sum(b"async" in Path(path).read_bytes() for path in files) < FEW * len(files):
        least = [grep.seconds + start.seconds for grep, start in zip(costs["grep"], costs["start"], strict=True)]
        against = [mine.seconds / other for mine, other in zip(costs["check"], least, strict=True)]
        result(f"{name}: check to grep and a start of Python", statistics.median(against), GREP_RATIO)
    return (found if counts else 0), memory


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


def compare_start(folder: Path, rounds: int) -> bool:
    """Repositories of 500 files, without a launch and with ten, against importing PyYAML and Jinja2."""
    good = True
    for launches, bound in ((0, WITHOUT_LAUNCH), (10, TEN_LAUNCHES)):
        root = folder / f"start{launches}"
        root.mkdir()
        generate(root, 500)
        for n in range(launches, 100):  # the generated one has a launch in every tenth role
            part = root / "roles" / f"role{n}" / "tasks" / "part_a.yml"
            part.write_text(ROLE.format(n=n).rpartition("- name")[0])
        for n in range(launches):
            (root / "roles" / f"role{n}" / "tasks" / "part_a.yml").write_text(LAUNCH.format(n=n))
        costs = in_turns(rounds, {"check": check(root), "floor": (sys.executable, "-c", FLOOR)}, CHECKED)
        name = f"500 files, {launches} launches: check to `{FLOOR}`"
        good &= result(name, ratio(costs["check"], costs["floor"]), bound)
    return good


def compare_growth(folder: Path, most: int, rounds: int) -> bool:
    """Whether a file costs the same time and memory in a project of ten times the size."""
    good = True
    (folder / "nothing").mkdir()
    (folder / "nothing" / "site.yml").write_text(LAUNCH.format(n=0))
    start = [run(*check(folder / "nothing"), statuses=CHECKED) for _ in range(rounds)]
    least = seconds(start), max(cost.megabytes for cost in start)
    before: tuple[float, float] | None = None
    files = 100
    while files <= most:
        root = folder / str(files)
        root.mkdir()
        generate(root, files)
        costs = [run(*check(root), statuses=CHECKED) for _ in range(rounds if files < 100_000 else 1)]
        shutil.rmtree(root)
        each = (seconds(costs) - least[0]) / files, (max(cost.megabytes for cost in costs) - least[1]) / files
        if before is not None and files >= 10_000:
            good &= result(f"time for a file of {files:,} to one of {files // 10:,}", each[0] / before[0], GROWTH)
            good &= result(f"memory for a file of {files:,} to one of {files // 10:,}", each[1] / before[1], GROWTH)
        before = each
        files *= 10
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", type=Path, metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=100_000, help="of the largest generated project; 0: none")
    args = parser.parse_args()
    prepare()
    good = True
    found = [compare(root.resolve().name, root.resolve(), args.rounds) for root in args.projects]
    ratios = [each for each, _ in found if each]
    if ratios:
        good &= result("median of the projects: check to composing", statistics.median(ratios), RATIO)
        good &= max(ratios) <= WORST
    good &= all(memory <= MEGABYTES for _, memory in found)
    with tempfile.TemporaryDirectory() as folder:
        good &= compare_start(Path(folder), args.rounds)
        good &= compare_growth(Path(folder), args.files, min(args.rounds, 3))
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
