"""Settings of a megabyte cost little: many patterns, many ignored findings, words without end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.files import lay

SECONDS = 180
"""Far more than any of these takes, on a busy machine too; before they were minutes."""
LAUNCHES = "- hosts: all\n  tasks:\n" + "".join(
    f"    - {{name: n{number}, command: work, async: 60, poll: 0}}\n" for number in range(100)
)


def checked(root: Path) -> subprocess.CompletedProcess[str]:
    """What `check` says of a project, within SECONDS."""
    command = [sys.executable, "-m", "ansible_reap", "check", "--project-dir", str(root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".ansible-lint", "exclude_paths:\n" + "".join(f"  - x{n}/**/y*\n" for n in range(30_000)), "100 launches"),
        (".ansible-lint-ignore", "".join(f"f{n}.yml async-unreaped[never]\n" for n in range(20_000)), "100 launches"),
        (".ansible-reap.yml", f"select: ['{'async-unreaped[never]' * 20_000}']\n", "unknown"),
        (".ansible-reap.yml", f"{'select' * 160}: []\n", "unknown"),
    ],
    ids=["patterns", "ignored", "a word", "a key"],
)
def test_settings_of_a_megabyte_cost_little(name: str, text: str, said: str, tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": LAUNCHES, name: text})
    ended = checked(tmp_path)
    assert said in ended.stdout + ended.stderr
    assert max(map(len, (ended.stdout + ended.stderr).splitlines())) < 1000


@pytest.mark.parametrize("word", ["sudo", "sudo -u x", "nohup A=1", "A=1"])
def test_a_command_of_many_wrappers_costs_little(word: str, tmp_path: Path) -> None:
    command = f"{word} " * (200_000 // (len(word) + 1))
    lay(
        tmp_path, {"site.yml": f"- hosts: all\n  tasks:\n    - shell: {command} work\n      async: 60\n      poll: 0\n"}
    )
    ended = checked(tmp_path)
    assert "1 launch" in ended.stdout + ended.stderr


def test_a_file_in_very_many_folders_costs_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(700):  # one by one, as the whole path would be too long to be written at once
        Path("d").mkdir()
        monkeypatch.chdir("d")
    Path("site.yml").write_text(LAUNCHES)
    assert "100 launches" in limited(tmp_path).stdout


def limited(root: Path) -> subprocess.CompletedProcess[str]:
    """The same within seconds of processor time, several times what a slow machine takes, and kilobytes of memory."""
    command = f"ulimit -t 24 -v 350000; exec '{sys.executable}' -m ansible_reap check --project-dir '{root}'"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS, check=False)


FOLDERS = (".git", ".hg", ".svn", ".tox", ".nox", ".venv", ".cache", "node_modules", "__pycache__", ".vscode", ".idea")


@pytest.mark.parametrize(
    "files",
    [
        {"site.yml": "# " + " ".join(f"{name}/" for name in FOLDERS) + "\n# " + "a" * 900_000 + "\n"}
        | {f"{name}/x": "" for name in FOLDERS},
        {"d/" * 60 + "site.yml": "".join(f"#include {number}/a\n" for number in range(45_000)), "x/a": ""},
        {"site.yml": "- include_tasks: " + "{{" * 200_000 + "\n", "x.inc": ""},
        {"site.yml": "- include_tasks: a\n" + " " * 300_000 + "#" + "\n# x" * 100_000, "x.inc": "\n \t" * 80_000},
    ],
    ids=["folders that are named", "names of calls", "templates", "comments"],
)
def test_names_without_end_cost_little(files: dict[str, str], tmp_path: Path) -> None:
    lay(tmp_path, {"launch.yml": LAUNCHES, **files})
    ended = limited(tmp_path)
    assert "100 launches" in ended.stdout + ended.stderr


def test_many_variables_of_one_launch_cost_little(tmp_path: Path) -> None:
    variables = "".join(f'        v{number}: "{{{{ job }}}}"\n' for number in range(15_000))
    task = "    - command: work\n      async: 60\n      poll: 0\n      register: job\n      vars:\n"
    lay(tmp_path, {"site.yml": f"- hosts: all\n  tasks:\n{task}{variables}"})
    assert "1 launch (1 unreaped)" in limited(tmp_path).stdout


LAUNCH = "    - {name: Start, command: work, async: 60, poll: 0, register: job, when: CONDITION}\n"
WAIT = (
    "    - {name: Wait, async_status: {jid: '{{ job.ansible_job_id }}'}, register: done, until: done is finished,"
    " retries: 40, delay: 10, when: CONDITION}\n"
)
PLAY = f"- hosts: all\n  tasks:\n{LAUNCH}{WAIT}"
HANDLERS = "  handlers:\n" + "".join(
    f"    - {{name: h{n}, async_status: {{jid: '{{{{ x }}}}'}}}}\n" for n in range(4000)
)
NOTIFYING = "".join(f"    - {{command: x, notify: h{n % 2}}}\n" for n in range(4000))
DEPENDENT = {
    f"roles/r{n}/meta/main.yml": f"allow_duplicates: true\ndependencies: [r{n + 1}, {{role: r{n + 1}, x: 1}}]\n"
    for n in range(39)
}


@pytest.mark.parametrize(
    "files",
    [
        {"site.yml": PLAY.replace("CONDITION", f"'{' and '.join(f'(a{n} or b{n})' for n in range(900))}'")},
        {"site.yml": PLAY.replace("CONDITION", str([f"a{n} or b{n}" for n in range(30_000)]))},
        {"site.yml": PLAY.replace("CONDITION", str([f"a{n}" for n in range(60_000)]))},
        {"site.yml": PLAY.replace("CONDITION", "x") + NOTIFYING + HANDLERS},
        {"site.yml": (PLAY + PLAY).replace("all", f"'{'a:&b:!c:' * 30_000}d'", 1).replace("CONDITION", "x")},
        {
            "site.yml": "- {hosts: all, roles: [r0]}\n",
            "roles/r39/tasks/main.yml": "".join(PLAY.splitlines(True)[2:])
            .replace("    -", "-")
            .replace("CONDITION", "x"),
        }
        | DEPENDENT,
    ],
    ids=[
        "a long condition",
        "a list of conditions",
        "a list of names",
        "handlers",
        "a pattern of hosts",
        "dependencies",
    ],
)
def test_conditions_handlers_patterns_and_dependencies_without_end_cost_little(
    files: dict[str, str], tmp_path: Path
) -> None:
    lay(tmp_path, {"ansible.cfg": "", **files})
    ended = checked(tmp_path)
    assert " launch" in ended.stdout + ended.stderr
    assert ended.returncode in (0, 1, 2)


VALUES = {
    "mappings": "a: 1, ",
    "empty mappings": "{}, ",
    "texts": "a,",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_file_of_many_small_values_is_refused(value: str, tmp_path: Path) -> None:
    values = value * (880_000 // len(value))
    lay(tmp_path, {"ansible.cfg": "", "site.yml": PLAY.replace("tasks:", f"vars: {{x: [{values}]}}\n  tasks:", 1)})
    ended = limited(tmp_path)
    assert "more than 100,000 values" in ended.stdout + ended.stderr
    assert ended.returncode == 2


@pytest.mark.parametrize("value", ['{"a":1},', "[],"])
def test_json_of_many_small_values_is_refused(value: str, tmp_path: Path) -> None:
    tasks = json.dumps([{"command": "work", "async": 60, "poll": 0}])
    lay(tmp_path, {"ansible.cfg": "", "tasks/main.json": f"[[{value * (880_000 // len(value))} 1], {tasks[1:]}"})
    ended = limited(tmp_path)
    assert "more than 100,000 values" in ended.stdout + ended.stderr
    assert ended.returncode == 2


def test_many_files_of_small_values_are_read_one_after_the_other(tmp_path: Path) -> None:
    play = PLAY.replace("tasks:", f"vars: {{x: [{'a: 1,' * 16_000}]}}\n  tasks:", 1)
    lay(tmp_path, {"ansible.cfg": ""} | {f"site{n}.yml": play.replace("CONDITION", "x") for n in range(9)})
    assert "9 launches" in limited(tmp_path).stdout


def test_many_tag_directives_are_refused(tmp_path: Path) -> None:
    directives = "".join(f"%TAG !t{n}! tag:{n}\n" for n in range(30_000))
    lay(tmp_path, {"ansible.cfg": "", "site.yml": f"{directives}---\n{LAUNCHES}"})
    ended = limited(tmp_path)
    assert "site.yml:101: does not parse: more than 100 %TAG directives" in ended.stdout + ended.stderr
    assert ended.returncode == 2


def test_a_text_of_many_commands_is_not_understood(tmp_path: Path) -> None:
    command = "work; " * 130_000
    lay(
        tmp_path,
        {
            "ansible.cfg": "",
            "site.yml": f"- hosts: all\n  tasks:\n    - shell: {command}\n      async: 60\n      poll: 0\n",
        },
    )
    assert "1 launch (1 unreaped)" in limited(tmp_path).stdout


def test_many_texts_of_many_commands_cost_little(tmp_path: Path) -> None:
    tasks = f"    - shell: {'ls;' * 2900}\n      async: 60\n      poll: 0\n" * 80
    lay(tmp_path, {"ansible.cfg": "", "site.yml": f"- hosts: all\n  tasks:\n{tasks}"})
    ended = limited(tmp_path)
    assert "80 launches (80 unknown)" in ended.stdout
    assert "its share of the time for values, conditions and commands" in ended.stdout + ended.stderr


def test_many_handlers_of_one_topic_cost_little(tmp_path: Path) -> None:
    tasks = "".join(f"    - {{command: x, notify: all, when: c{n}}}\n" for n in range(1500))
    handlers = "".join(f"    - {{name: h{n}, command: x, async: 9, poll: 0, listen: all}}\n" for n in range(1500))
    lay(tmp_path, {"ansible.cfg": "", "site.yml": f"- hosts: all\n  tasks:\n{tasks}  handlers:\n{handlers}"})
    assert "1500 launches (1500 unknown)" in limited(tmp_path).stdout.replace(",", "")


@pytest.mark.parametrize(
    "play",
    [
        f"- hosts: all\n  tasks:\n{LAUNCH.replace('CONDITION', 'x')}",
        "- hosts: all\n  tasks: [{command: x, notify: h}]\n  handlers: [{name: h, command: y, async: 9, poll: 0}]\n",
        "- import_playbook: other.yml\n" * 10 + "- {hosts: all, tasks: [{ping: }]}\n",
    ],
    ids=["launches", "handlers", "imports"],
)
def test_many_plays_cost_little(play: str, tmp_path: Path) -> None:
    lay(tmp_path, {"ansible.cfg": "", "site.yml": play * (260_000 // len(play)), "other.yml": LAUNCHES})
    ended = limited(tmp_path)
    assert " launches" in ended.stdout + ended.stderr
    assert ended.returncode in (1, 2)


def test_many_roles_that_depend_on_each_other_cost_little(tmp_path: Path) -> None:
    roles = {f"roles/r{n}/meta/main.yml": f"dependencies: [r{n + 1}, r{n + 2}]\n" for n in range(598)} | {
        f"roles/r{n}/tasks/main.yml": "- {command: work, async: 60, poll: 0, register: job}\n" for n in range(600)
    }
    lay(tmp_path, {"ansible.cfg": "", "site.yml": "- {hosts: all, roles: [r0]}\n", **roles})
    ended = limited(tmp_path)
    assert "600 launches (600 unknown)" in ended.stdout
    assert ended.returncode == 2


def test_many_roles_of_one_play_cost_little(tmp_path: Path) -> None:
    task = "- {command: work, async: '{{ limit }}', poll: 0, register: job, when: wanted}\n"
    roles = {f"roles/r{n}/tasks/main.yml": task for n in range(1500)}
    names = ", ".join(f"r{n}" for n in range(1500))
    lay(tmp_path, {"ansible.cfg": "", "site.yml": f"- {{hosts: all, roles: [{names}]}}\n", **roles})
    ended = limited(tmp_path)
    assert "1500 launches" in ended.stdout.replace(",", "")
    assert ended.returncode == 1
