"""Projects, settings, histories and reports made to hang, crash or mislead whoever reads them; each by its name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

PLAY = """\
- hosts: all
  tasks:
    - name: Start
      ansible.builtin.command: /bin/work
      async: 120
      poll: 0
"""
"What stands in every project besides, and must be found whatever lies next to it."
LONG = "9" * 5000
Maker = Callable[[Path], None]
"Lays the hostile files out in a project."


def _files(texts: Mapping[str, str | bytes]) -> Maker:
    """Files by their path."""

    def make(root: Path) -> None:
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)

    return make


def _laughs(levels: int = 12, width: int = 10, first: str = "[x]", indent: str = "", mapping: bool = False) -> str:
    """An alias bomb: each line stands for ``width`` times the line before."""
    lines = [f"{indent}a0: &a0 {first}"]
    for level in range(1, levels):
        inner = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"{indent}a{level}: &a{level} " + (f"{{<<: [{inner}]}}" if mapping else f"[{inner}]"))
    return "\n".join(lines) + "\n"


def _play(variables: str = "", task: str = "command: x", launch: str = "async: 10, poll: 0", extra: str = "") -> str:
    """A play with one task; ``launch`` holds its keywords, separated by commas."""
    head = f"  vars:\n{variables}" if variables else ""
    keywords = "".join(f"      {keyword}\n" for keyword in launch.split(", "))
    return f"- hosts: all\n{head}  tasks:\n    - {task}\n{keywords}{extra}"


def _history(entry: dict[str, object] | str) -> Maker:
    whole = {
        "where": "good.yml",
        "task": "Start",
        "position": 0,
        "limit_s": 120,
        "runs": 9,
        "uncertainty_s": 0,
        "times_s": {f"2026-01-0{day}T00:00:00Z-1": 100 for day in range(1, 10)},
    }
    text = entry if isinstance(entry, str) else json.dumps({"version": 1, "launches": [{**whole, **entry}]})
    return _files({".ansible-reap/history.json": text})


def _links(target: str | Path, *names: str) -> Maker:

    def make(root: Path) -> None:
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(target)

    return make


def _pipe(name: str) -> Maker:

    def make(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / name)

    return make


def _named(name: bytes, text: str = PLAY) -> Maker:
    def make(root: Path) -> None:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return make


def _all(*makers: Maker) -> Maker:

    def make(root: Path) -> None:
        for each in makers:
            each(root)

    return make


_LAUNCH = "- command: x\n  async: 3\n  poll: 0\n"
_INDENTS = "".join(f"{' ' * depth}a:\n" for depth in range(3000))
_FACTS = "".join("    - set_fact: {x: '{{ x + x }}', y: '{{ y ~ y }}', z: ['{{ z }}', '{{ z }}']}\n" for _ in range(60))
PROJECTS: dict[str, Maker] = {
    "aliases in play vars": _files({"bad.yml": _play(_laughs(indent="    "))}),
    "aliases in arguments": _files({"bad.yml": _play(_laughs(indent="    "), "command: x\n      vars: {big: *a11}")}),
    "aliases of long text": _files(
        {"bad.yml": "a: &a " + "x" * 90000 + "\nb: &b [" + "*a, " * 90 + "]\nasync: [" + "*b, " * 90 + "]\n"}
    ),
    "aliases in role defaults": _files(
        {
            "roles/r/defaults/main.yml": _laughs(),
            "roles/r/tasks/main.yml": "- command: '{{ a11 }}'\n  async: 9\n  poll: 0\n",
            "play.yml": "- hosts: all\n  roles: [r]\n",
        }
    ),
    "aliases in group_vars": _files({"group_vars/all.yml": _laughs(), "play.yml": _play(task="command: '{{ a11 }}'")}),
    "merge keys": _files({"bad.yml": _play(_laughs(40, 2, "{k: 1}", "    ", mapping=True))}),
    "merge keys in a task": _files(
        {
            "bad.yml": "- hosts: all\n  vars:\n"
            + _laughs(20, 4, "{async: 10, poll: 0}", "    ", mapping=True)
            + "  tasks:\n    - command: x\n      <<: *a19\n"
        }
    ),
    "an alias within itself": _files({"bad.yml": "- &x\n  hosts: all\n  async: 3\n  tasks: [*x, *x]\n"}),
    "blocks of themselves": _files(
        {"bad.yml": "- hosts: all\n  tasks:\n    - &b\n      async: 1\n      block: [*b, *b, *b]\n"}
    ),
    "aliases in our settings": _files(
        {".ansible-reap.yml": "rules:\n  async-timeout:\n    headroom:\n" + _laughs(indent="      ")}
    ),
    "aliases in ansible-lint's settings": _files({".ansible-lint": _laughs() + "skip_list: *a11\n"}),
    "aliases in galaxy.yml": _all(_files({"galaxy.yml": "namespace: a\nname: b\n" + _laughs()}), _history({})),
    "aliases in runtime.yml": _files(
        {
            "meta/runtime.yml": "requires_ansible: '>=2.15'\n" + _laughs(),
            "playbooks/site.yml": "- hosts: all\n  check_mode: true\n" + PLAY.partition("\n")[2],
        }
    ),
    "deep flow lists": _files({"bad.yml": "async: " + "[" * 200000}),
    "deep flow lists, closed": _files({"bad.yml": "async: " + "[" * 3000 + "]" * 3000}),
    "deep flow maps": _files({"bad.yml": "async: " + "{a: " * 100000}),
    "deep compact lists": _files({"bad.yml": "- " * 200000 + "async: 1"}),
    "deep compact lists with wide gaps": _files({"bad.yml": "-     " * 100000 + "async: 1"}),
    "deep compact keys": _files({"bad.yml": "? " * 200000 + "async: 1"}),
    "deep compact lists with anchors and tags": _files({"bad.yml": "- !x\n" + "- &a !b\t" * 50000}),
    "deep indents": _files({"bad.yml": _INDENTS + "# async:\n"}),
    "deep indents in our settings": _files({".ansible-reap.yml": "a:\n" + _INDENTS[:400000]}),
    "deep lists in ansible-lint's settings": _files({".ansible-lint": "- " * 200000}),
    "deep lists in galaxy.yml": _all(_files({"galaxy.yml": "- " * 200000}), _history({})),
    "deep lists in runtime.yml": _files(
        {
            "meta/runtime.yml": "- " * 200000,
            "playbooks/site.yml": "- hosts: all\n  check_mode: true\n" + PLAY.partition("\n")[2],
        }
    ),
    "deep blocks": _files(
        {
            "bad.yml": "- hosts: all\n  tasks:\n"
            + "".join(f"{'  ' * d}  - block:\n" for d in range(1, 90))
            + "  " * 91
            + "- {command: x, async: 3, poll: 0}\n"
        }
    ),
    "deep templates": _files({"bad.yml": _play(task='command: "{{ ' + "(" * 5000 + "1" + ")" * 5000 + ' }}"')}),
    "a long chain of filters": _files({"bad.yml": _play(task='command: "{{ x' + " | default(x)" * 1500 + ' }}"')}),
    "digits": _files({"bad.yml": _play(launch=f"async: {LONG}, poll: {LONG}")}),
    "hexadecimal": _files({"bad.yml": _play(launch=f"async: 0x{'f' * 5000}, poll: 0")}),
    "sexagesimal": _files({"bad.yml": _play(launch=f"async: 1:{':'.join(['59'] * 5000)}, poll: 0")}),
    "infinities": _files(
        {"bad.yml": _play(launch="async: .inf, poll: .nan") + "      retries: 1e999\n      delay: -.inf\n"}
    ),
    "exponents": _files(
        {
            "bad.yml": _play(
                launch="async: 1e308, poll: 0", extra="      retries: 1e308\n      until: x\n      delay: 1e308\n"
            )
        }
    ),
    "sums": _files({"bad.yml": _play(launch='async: "{{ 10 ** 10 ** 10 }}", poll: "{{ 9 * 1e308 * 9 // 7 % 3 }}"')}),
    "a range": _files(
        {
            "bad.yml": _play(
                launch='loop: "{{ range(10 ** 12) | list }}", async: 10, poll: 0',
                extra=f"    - command: x\n      loop: '{{{{ range({LONG[:40]}) }}}}'\n      async: 1\n      poll: 0\n",
            )
        }
    ),
    "replaced text": _files(
        {"bad.yml": _play("    a: " + "a" * 900 + "\n", 'command: "{{ a' + " | replace('a', a)" * 8 + ' }}"')}
    ),
    "repeated text": _files({"bad.yml": _play("    a: " + "a" * 90000 + "\n", 'command: "' + "{{ a }}" * 2500 + '"')}),
    "doubled facts": _files(
        {
            "bad.yml": "- hosts: all\n  vars: {x: [1, 2], y: ab, z: c}\n  tasks:\n"
            + _FACTS
            + "    - command: '{{ x }} {{ y }} {{ z }}'\n      loop: '{{ x }}'\n      async: 10\n      poll: 0\n"
        }
    ),
    "a version of many digits": _files(
        {
            "meta/runtime.yml": f"requires_ansible: '>={LONG}.{LONG}'\n",
            "playbooks/site.yml": "- hosts: all\n  check_mode: true\n" + PLAY.partition("\n")[2],
        }
    ),
    "a poll interval of many digits": _files({"ansible.cfg": f"[defaults]\npoll_interval = {LONG}\n"}),
    "a poll interval that is a superscript": _files({"ansible.cfg": "[defaults]\npoll_interval = ²\n"}),
    "an option of many digits": _files({".ansible-reap.yml": f"rules: {{async-timeout: {{headroom: {LONG}}}}}\n"}),
    "an option that is no number": _files({".ansible-reap.yml": "rules: {async-timeout: {headroom: .inf}}\n"}),
    "a NUL in an include": _files({"bad.yml": _play(extra='    - include_tasks: "a\\0b/x.yml"\n')}),
    "a surrogate in an include": _files({"bad.yml": _play(extra="    - include_tasks: \"{{ '\\\\ud800' }}/x.yml\"\n")}),
    "a surrogate as a variable": _files(
        {
            "bad.yml": _play(launch="async: \"{{ vars['\\\\ud800'] }}\", poll: 0", extra="  roles: [r]\n"),
            "roles/r/defaults/main.yml": "a: 1\n",
            "roles/r/tasks/main.yml": "- debug:\n",
        }
    ),
    "NUL bytes": _files({"bad.yml": b"async: 1\n\x00\x00\n"}),
    "UTF-16": _files({"bad.yml": "async: 1\n".encode("utf-16")}),
    "not UTF-8": _files({"bad.yml": b"async: \xe9\xff\n"}),
    "a byte order mark": _files({"bad.yml": b"\xef\xbb\xbf" + PLAY.encode()}),
    "escapes in names": _files({"bad.yml": _play(task='name: "\\e[2J\\r\\n::error::x\\x9b"\n      command: x')}),
    "escapes in settings": _files({".ansible-reap.yml": '"x\\n::add-mask::e\\e[31m": 1\n'}),
    "deep arrays in pyproject.toml": _files({"pyproject.toml": "[tool.ansible-reap]\nignore = " + "[" * 100000}),
    "a key of many parts in pyproject.toml": _files({"pyproject.toml": f"[tool.ansible-reap{'.a' * 100000}]\nb = 1\n"}),
    "keys of many parts in pyproject.toml": _files(
        {"pyproject.toml": "[tool.ansible-reap]\n" + "".join(f"k{n}{'.a' * 29} = 1\n" for n in range(8000))}
    ),
    "many keys in pyproject.toml": _files(
        {"pyproject.toml": "[tool.ansible-reap]\n" + "".join(f"k{n} = 1\n" for n in range(40000))}
    ),
    "many blanks in pyproject.toml": _files(
        {"pyproject.toml": "[tool.ansible-reap]\nignore = ['" + "{" * 100000 + " " * 400000 + "']\nselect = 1\n"}
    ),
    "digits in pyproject.toml": _files(
        {"pyproject.toml": f"[tool.ansible-reap.rules.async-timeout]\nheadroom = {LONG}\n"}
    ),
    "escapes in pyproject.toml": _files({"pyproject.toml": '[tool.ansible-reap]\n"x\\u001b[31m\\n::error::" = 1\n'}),
    "pyproject.toml that is a device": _links("/dev/zero", "pyproject.toml"),
    "an ignore file of long names": _files({".ansible-lint-ignore": f"{'*a' * 4000} async-unreaped\n" * 20}),
    "patterns of many asterisks": _files(
        {".ansible-reap.yml": f'exclude_paths: ["{"*a" * 4000}b"]\n', "a" * 200 + ".yml": PLAY}
    ),
    "digits in ansible-lint's settings": _files({".ansible-lint": f"skip_list: [{LONG}]\n"}),
    "dates in ansible-lint's settings": _files({".ansible-lint": "skip_list: [2026-99-99, 2026-01-01]\n"}),
    "a NUL and no such user in exclude_paths": _files(
        {".ansible-lint": 'exclude_paths: ["a\\0b", "~no-such-user/y", "**********a"]\n'}
    ),
    "maps as keys of settings": _files({".ansible-reap.yml": "rules:\n  ? {a: b}\n  : 1\n"}),
    "lists as keys of ansible-lint's settings": _files({".ansible-lint": "? [a, {b: c}]\n: 1\n"}),
    "dates in galaxy.yml": _all(_files({"galaxy.yml": "namespace: a\nname: b\nx: 2026-99-99\n"}), _history({})),
    "an ignore file that is no text": _files({".ansible-lint-ignore": b"\xff\xfe\x00 a\n"}),
    "an ignore file of one endless line": _files({".ansible-lint-ignore": "a " * 400000}),
    "an ansible.cfg that is no text": _files({"ansible.cfg": b"\xff\xfe[defaults\n\x00\n" * 1000}),
    "a word many times": _files({"bad.yml": _play(task="command: " + "tail " * 50000)}),
    "many blanks in a command": _files({"bad.yml": _play(task='shell: "a' + " " * 200000 + 'b"')}),
    "many digits and letters in a name": _files(
        {"bad.yml": _play(task='name: "' + "a1 " * 60000 + '"\n      command: x')}
    ),
    "many verbs in a name": _files(
        {"bad.yml": _play(task='name: "' + "run start host " * 30000 + '"\n      command: x')}
    ),
    "a long word as a program": _files({"bad.yml": _play(task="command: /bin/" + "1a" * 100000 + " x")}),
    "many braces in a name": _files({"bad.yml": _play(task='name: "' + "{% " * 60000 + '"\n      command: x')}),
    "many blanks in a condition": _files(
        {
            "bad.yml": _play(
                extra="    - async_status: {jid: '{{ x.ansible_job_id }}'}\n      register: y\n      until: y.finished"
                + " " * 100000
                + "x\n      retries: 3\n"
            )
        }
    ),
    "many blanks in a version": _files(
        {
            "meta/runtime.yml": "requires_ansible: '" + " " * 300000 + "x'\n",
            "playbooks/site.yml": "- hosts: all\n  check_mode: true\n" + PLAY.partition("\n")[2],
        }
    ),
    "many launches of one name": _files(
        {"bad.yml": "- hosts: all\n  tasks:\n" + "    - command: work\n      async: 10\n      poll: 0\n" * 400}
    ),
    "many asterisks": _files({"bad.yml": "async: '" + "* " * 300000 + "'\n"}),
    "many words that look like keys": _files({"bad.yml": "# " + "async poll " * 80000 + "\nasync: 3\n"}),
    "many blanks before a key": _files({"bad.yml": "x: '" + "include_tasks" + " " * 400000 + "'\nasync: 1\n"}),
    "many quotes": _files({"bad.yml": _play(task="command: a=" + "'b' " * 60000)}),
    "many includes of each other": _files(
        {
            f"t{n}.yml": "".join(f"- include_tasks: t{(n * 7 + k) % 40}.yml\n" for k in range(12))
            + "- command: x\n  async: 3\n  poll: 0\n"
            for n in range(40)
        }
    ),
    "a template for every include": _files(
        {f"t{n}.yml": "- include_tasks: '{{ x }}'\n- include_tasks: '{{ y }}.yml'\n" + _LAUNCH for n in range(60)}
    ),
    "a product of choices": _files(
        {
            "bad.yml": "- hosts: all\n  vars:\n"
            + "".join(f"""    v{n}: "{{{{ 'a' if c{n} else 'b' }}}}"\n""" for n in range(30))
            + '  tasks:\n    - command: "'
            + "".join(f"{{{{ v{n} }}}}" for n in range(30))
            + '"\n      async: 10\n      poll: 0\n      when: '
            + " or ".join(f"(c{n} and d{n})" for n in range(30))
            + "\n"
        }
    ),
    "an endless history": _history({"limit_s": 1e309, "times_s": {}}),
    "a history of infinities": _history(
        '{"version": 1, "launches": [{"where": "good.yml", "task": "Start", "position": 0, "limit_s": Infinity,'
        ' "uncertainty_s": NaN, "times_s": {"2026-01-01T00:00:00Z-1": Infinity}}]}'
    ),
    "a history of the greatest number": _history(
        {"times_s": {f"2026-01-0{day}T00:00:00Z-1": 1e308 for day in range(1, 10)}}
    ),
    "a history of times that are no numbers": _history(
        {"times_s": {f"2026-01-0{day}T00:00:00Z-1": float("nan") for day in range(1, 10)}}
    ),
    "a history of negative times": _history({"times_s": {f"2026-01-0{day}T00:00:00Z-1": -5 for day in range(1, 10)}}),
    "a history of many digits": _history({"position": int("9" * 4000), "limit_s": int("9" * 4000)}),
    "a history of wrong kinds": _history({"times_s": [1, 2], "limit_s": {}, "position": []}),
    "a deep history": _history("[" * 200000),
    "a history of surrogates": _history('{"version": 1, "launches": [{"where": "\\ud800", "task": "\\udfff"}]}'),
    "content that is a device": _links("/dev/zero", "zero.yml", "tasks/main.yml", "roles/r/tasks/main.yml"),
    "settings that are a device": _links("/dev/zero", ".ansible-reap.yml"),
    "ansible-lint's settings that are a device": _links("/dev/zero", ".ansible-lint"),
    "an ignore file that is a device": _links("/dev/zero", ".ansible-lint-ignore"),
    "a history that is a device": _links("/dev/zero", ".ansible-reap/history.json"),
    "galaxy.yml that is a device": _all(_links("/dev/zero", "galaxy.yml"), _history({})),
    "runtime.yml that is a device": _all(
        _links("/dev/zero", "meta/runtime.yml"),
        _files({"playbooks/site.yml": "- hosts: all\n  check_mode: true\n" + PLAY.partition("\n")[2]}),
    ),
    "ansible.cfg that is a device": _links("/dev/zero", "ansible.cfg"),
    "content that is a pipe": _pipe("pipe.yml"),
    "settings that are a pipe": _pipe(".ansible-reap.yml"),
    "a history that is a pipe": _pipe(".ansible-reap/history.json"),
    "ansible.cfg that is a pipe": _pipe("ansible.cfg"),
    "galaxy.yml that is a pipe": _all(_pipe("galaxy.yml"), _history({})),
    "a name that is not UTF-8": _named(b"caf\xe9.yml"),
    "a name with a line end and a workflow command": _named(b"a\n::error::x.yml"),
    "a name with escapes": _named(b"\x1b[2J\x9b.yml"),
    "a name like an option": _named(b"--output=x.yml"),
    "a folder like a template": _named(b"roles/{{ x }}/tasks/main.yml"),
    "a name of blanks": _named(b" \t.yml"),
}
FOUND_BESIDES = {"a byte order mark": "bad.yml"}
"By kind, the hostile file whose own launch must be found as well."


def _job(**values: object) -> str:
    job = {
        "jid": "j1.1",
        "host": "web1",
        "task": "Start",
        "path": "site.yml",
        "line": 3,
        "state": "failed",
        "poll": 0,
        "last_seen": "failed",
        "seen_by": "gate",
        "swallowed": False,
        "limit_s": 60,
        "runtime_s": 10.0,
        "launched": "2026-01-01T00:00:10Z",
        "finished": "2026-01-01T00:00:20Z",
    }
    head = {"version": 1, "run": "r", "playbooks": ["site.yml"], "outcome": "failed", "ended": "2026-01-01T00:01:00Z"}
    return json.dumps({**head, "jobs": [{**job, **values}]})


REPORTS: dict[str, str | bytes] = {
    "NaN": _job(runtime_s=float("nan")),
    "an infinity": _job(runtime_s=float("inf"), limit_s=float("-inf")),
    "the greatest number": _job(runtime_s=1e308),
    "a time of ten thousand years": _job(runtime_s=315537897599.0),
    "a limit of many digits": _job(limit_s=int("9" * 4000)),
    "a negative limit": _job(limit_s=-5),
    "no limit": _job(limit_s=0),
    "a host of many digits": _job(host=LONG),
    "a host that is a superscript": _job(host="²"),
    "the first moment": _job(launched="0001-01-01T00:00:00+23:59", finished="9999-12-31T23:59:59-23:59"),
    "no moment": _job(launched="yesterday"),
    "a moment without a zone": _job(launched="2026-01-01T00:00:10"),
    "a line that is a list": _job(line=["<b>"]),
    "a line that is markup": _job(line="<img src=x onerror=alert(1)>", rc="<b>"),
    "a task that is markup": _job(task="</script><img src=x onerror=alert(1)>\"' onx=1"),
    "a task of escapes": _job(task="\x1b[2J\n::error::x\x9b\u202e"),
    "a task of surrogates": '{"version": 1, "jobs": ['
    + _job(task="T").partition('"jobs": [')[2].replace('"T"', '"\\ud800"'),
    "a job that is a list": '{"version": 1, "jobs": [[1], {}]}',
    "jobs that are no list": '{"version": 1, "jobs": {"a": 1}}',
    "a version that is a list": '{"version": [], "jobs": []}',
    "a version of many digits": '{"version": ' + "9" * 4000 + ', "jobs": []}',
    "depth": "[" * 200000,
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
    "many jobs at once": _job()[:-2] + ", " + ", ".join([_job()[:-2].partition('"jobs": [')[2]] * 2500) + "]}",
}
"Reports of runs, by name."
