"""Our configuration and ansible-lint's: what is read, and how each mistake is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from ansible_reap.checks.finding import Level
from ansible_reap.checks.registry import RULES
from ansible_reap.linting.config import KEYS, load_config
from ansible_reap.linting.lintconfig import load_ignore_file, load_lint_config
from ansible_reap.linting.problems import Config, ConfigError
from ansible_reap.linting.selection import known_names
from support import environments

sys.path.insert(0, str(environments.ROOT / "tools"))
import config_schema

KNOWN: dict[str, dict[str, object]] = {
    "async-timeout": {"headroom": 2.0, "ceiling": True},
    "async-scope": {},
    "async-unreaped": {"modules": []},
}


def write(folder: Path, text: str, name: str = ".ansible-reap.yml") -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", [".ansible-reap.yml", ".config/ansible-reap.yml"])
def test_options_are_read(name: str, tmp_path: Path) -> None:
    write(tmp_path, "rules:\n  async-timeout:\n    headroom: 3\n  async-scope:\n", name)
    config = load_config(tmp_path, KNOWN)
    assert config.options("async-timeout") == {"headroom": 3}
    assert config.options("async-scope") == {}
    assert config.options("async-unreaped") == {}


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "rules:\n"])
def test_an_empty_file_sets_nothing(text: str, tmp_path: Path) -> None:
    assert load_config(write(tmp_path, text), KNOWN).rules == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rulez: {}\n", ".ansible-reap.yml:1: unknown key 'rulez'; did you mean 'rules'?"),
        ("rules:\n  async-timout: {}\n", ":2: unknown rule 'async-timout'; did you mean 'async-timeout'?"),
        (
            "rules:\n  async-timeout:\n    headrom: 3\n",
            ":3: unknown option of async-timeout: 'headrom'; did you mean 'headroom'?",
        ),
        (
            "rules:\n  async-timeout:\n    headroom: three\n",
            ":3: 'headroom' of async-timeout must be a number, not 'three'",
        ),
        ("rules:\n  async-timeout: {ceiling: 1}\n", ":2: 'ceiling' of async-timeout must be a boolean, not 1"),
        ("rules: [a]\n", ":1: 'rules' must be a mapping"),
        ("rules:\n  async-timeout: 3\n", ":2: async-timeout must be a mapping"),
        ("rules: {async-timeout: {headroom: !x 3}}\n", ":1: 'headroom' of async-timeout must be a number, not '3'"),
        ("a: b: c\n", ":1: does not parse: mapping values are not allowed in this context"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), KNOWN)
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)


def test_two_configurations_are_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "", ".config/ansible-reap.yml")
    with pytest.raises(ConfigError, match=r"'\.config/ansible-reap\.yml' exists too"):
        load_config(write(tmp_path, ""), KNOWN)


def test_bytes_that_are_no_text_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / ".ansible-reap.yml").write_bytes(b"rules: \xff\xfe\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_config(tmp_path, KNOWN)


# ---- the other keys


ALL = """
exclude_paths: [vendor/, "*/generated/*"]
select: [async-unreaped, "async-noop[zero]", unpredictability]
ignore: [async-background]
severity: {async-noop: high, "async-unreaped[peek]": low}
rules: {async-timeout: {headroom: 3}}
"""
ALL_AS_TOML = """
[project]
name = "x"
select = 3

[tool.ansible-reap]
exclude_paths = ["vendor/", "*/generated/*"]
select = ["async-unreaped", "async-noop[zero]", "unpredictability"]
ignore = ["async-background"]
severity = { async-noop = "high", "async-unreaped[peek]" = "low" }

[tool.ansible-reap.rules.async-timeout]
headroom = 3
"""
NAMES = known_names(RULES)
DEFAULTS = {rule.id: rule.defaults for rule in RULES}
needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is new in Python 3.11")


@pytest.mark.parametrize(
    ("name", "text"),
    [(".ansible-reap.yml", ALL), pytest.param("pyproject.toml", ALL_AS_TOML, marks=needs_toml)],
)
def test_every_key_is_read_in_either_file(name: str, text: str, tmp_path: Path) -> None:
    config = load_config(write(tmp_path, text, name), DEFAULTS, NAMES)
    assert config == Config(
        rules={"async-timeout": {"headroom": 3}},
        exclude_paths=("vendor/", "*/generated/*"),
        select=frozenset({"async-unreaped", "async-noop[zero]", "unpredictability"}),
        ignore=frozenset({"async-background"}),
        severity={"async-noop": Level.HIGH, "async-unreaped[peek]": Level.LOW},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selct: []\n", ":1: unknown key 'selct'; did you mean 'select'?"),
        ("select: async-noop\n", ":1: 'select' must be a list of words"),
        ("ignore:\n  - async-nop\n", ":2: unknown rule or tag 'async-nop'; did you mean 'async-noop'?"),
        ("severity: {async-noop: hihg}\n", ":1: the severity of async-noop must be one of high, medium, low"),
        ("severity:\n  async-noopp: low\n", ":2: unknown rule 'async-noopp'; did you mean 'async-noop'?"),
        ("exclude_paths: {}\n", ":1: 'exclude_paths' must be a list of words"),
    ],
)
def test_a_mistake_in_a_key_names_its_line_and_the_nearest(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), DEFAULTS, NAMES)
    assert str(caught.value) == f".ansible-reap.yml{said}"


@needs_toml
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.ansible-reap]\n\nselct = []\n", ":3: unknown key 'selct'; did you mean 'select'?"),
        (
            "[tool.ansible-reap]\nignore = ['async-nop']\n",
            ":2: unknown rule or tag 'async-nop'; did you mean 'async-noop'?",
        ),
        (
            "[tool.ansible-reap]\n[tool.ansible-reap.rules.async-timeout]\nheadroom = 'x'\n",
            ":3: 'headroom' of async-timeout must be a number, not 'x'",
        ),
        ("[tool.ansible-reap]\nselect = = 1\n", ":2: does not parse: "),
    ],
)
def test_a_mistake_in_pyproject_names_its_line_too(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text, "pyproject.toml"), DEFAULTS, NAMES)
    assert str(caught.value).startswith(f"pyproject.toml{said}")


def test_a_pyproject_without_our_table_sets_nothing_whatever_it_holds(tmp_path: Path) -> None:
    write(tmp_path, "[tool.black\n", "pyproject.toml")
    assert load_config(tmp_path, DEFAULTS, NAMES) == Config()


@needs_toml
def test_both_files_are_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "[tool.ansible-reap]\n", "pyproject.toml")
    with pytest.raises(ConfigError, match=r"\[tool\.ansible-reap\] in pyproject\.toml exists too"):
        load_config(write(tmp_path, ""), DEFAULTS, NAMES)


# ---- the schema that editors use


def test_the_schema_that_ships_is_the_one_that_is_made_of_the_rules() -> None:
    assert json.loads(config_schema.TARGET.read_text(encoding="utf-8")) == config_schema.schema()


def test_the_schema_and_the_reader_agree(tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(config_schema.schema())
    valid = jsonschema.Draft7Validator(config_schema.schema()).is_valid
    documents = [
        *({key: None} for key in KEYS),
        *({key: []} for key in KEYS),
        *({key: {}} for key in KEYS),
        *({key: "async-noop"} for key in KEYS),
        yaml.safe_load(ALL),
        {"ignore": ["async-noop[zero]", "experimental"]},
        {"ignore": ["deprecations"]},
        {"select": [["async-noop"]]},
        {"selct": []},
        {"severity": {"async-noop": "error"}},
        {"severity": {"unpredictability": "low"}},
        {"rules": {"async-noop": {}}},
        {"rules": {"async-noop": {"x": 1}}},
        {"rules": {"async-timeout": {"headroom": -1}}},
        {"rules": {"async-timeout": {"headroom": 1.5}}},
        {"rules": {"async-timeout": {"headroom": True}}},
    ]
    judged = []
    for document in documents:
        write(tmp_path, yaml.safe_dump(document))
        try:
            load_config(tmp_path, DEFAULTS, NAMES)
            judged.append(True)
        except ConfigError:
            judged.append(False)
    assert judged == [valid(document) for document in documents]
    assert 5 < sum(judged) < len(judged) - 5


# ---- ansible-lint's files


@pytest.mark.parametrize(
    "name", [".ansible-lint", ".ansible-lint.yml", ".ansible-lint.yaml", ".config/ansible-lint.yml"]
)
def test_ansible_lints_lists_are_read(name: str, tmp_path: Path) -> None:
    write(tmp_path, "skip_list: [a]\nwarn_list: [b]\nenable_list: [c]\nprofile: safety\n", name)
    config = load_lint_config(tmp_path)
    assert (set(config.skip), set(config.warn), set(config.enable)) == ({"a"}, {"b"}, {"c"})


def test_the_first_configuration_that_exists_counts(tmp_path: Path) -> None:
    write(tmp_path, "skip_list: [no]\n", ".config/ansible-lint.yml")
    assert load_lint_config(write(tmp_path, "skip_list: [yes]\n", ".ansible-lint")).skip == {"True"}


@pytest.mark.parametrize(
    ("entry", "left_out", "kept"),
    [
        ("roles/old/", ["roles/old/tasks/main.yml"], ["roles/older/a.yml", "x/roles/old/a.yml"]),
        ("dra", ["dra/a.yml", "x/dra/b.yml"], ["drafts.yml", "draft/a.yml"]),
        ("sub/*.yml", ["sub/a.yml"], ["sub/deep/a.yml", "x/sub/a.yml"]),
        ("roles/*/molecule", ["roles/a/molecule/default/b.yml"], ["roles/a/b/molecule/c.yml"]),
        ("deep/**/x.yml", ["deep/x.yml", "deep/a/b/x.yml"], ["x.yml", "deep/y.yml"]),
        ("play*/a.yml", ["plays/a.yml"], ["plays/b/a.yml"]),
        ("/top/", ["top/a.yml"], ["x/top/a.yml"]),
        ("a/**", ["a/b.yml", "a/b/c.yml"], ["a.yml"]),
        ("[ab].yml", ["a.yml", "x/b.yml"], ["c.yml"]),
        ("[^ab].yml", ["c.yml"], ["a.yml"]),
        ("\\*.yml", ["*.yml"], ["a.yml"]),
        ("../", [], ["a.yml"]),
        (".", [], ["a.yml"]),
    ],
)
def test_exclude_paths_of_ansible_lint_are_lines_of_a_gitignore(
    entry: str, left_out: list[str], kept: list[str], tmp_path: Path
) -> None:
    write(tmp_path, json.dumps({"exclude_paths": [entry]}), ".ansible-lint")
    config = load_lint_config(tmp_path)
    assert [path for path in [*left_out, *kept] if config.excludes(tmp_path / path)] == left_out


def test_a_line_takes_back_what_one_before_it_leaves_out(tmp_path: Path) -> None:
    write(tmp_path, "exclude_paths: ['*.yml', '!keep.yml', 'sub/', '!sub/a.yml']\n", ".ansible-lint")
    config = load_lint_config(tmp_path)
    assert not config.excludes(tmp_path / "keep.yml")
    assert config.excludes(tmp_path / "sub/a.yml")


def test_many_wildcards_take_no_time(tmp_path: Path) -> None:
    write(tmp_path, json.dumps({"exclude_paths": ["**/" * 40 + "*a" * 60 + "b"]}), ".ansible-lint")
    assert not load_lint_config(tmp_path).excludes(tmp_path / "/".join(["a" * 120] * 40))


def test_exclude_paths_read_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "roles")
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, "exclude_paths: [$SECRET/old, '${SECRET}/old', ~/roles]\n", ".ansible-lint")
    config = load_lint_config(tmp_path)
    assert not config.excludes(tmp_path / "roles/old/tasks/main.yml")
    assert config.excludes(tmp_path / "$SECRET/old/tasks/main.yml")


def test_a_list_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.ansible-lint:1: 'skip_list' must be a list of names"):
        load_lint_config(write(tmp_path, "skip_list: async-unreaped\n", ".ansible-lint"))


def test_the_ignore_file_is_read_line_by_line(tmp_path: Path) -> None:
    text = "# comment\nsite.yml async-unreaped[never] # why\n\nb.yml async-noop[zero] skip\nb.yml async-noop[zero]\n"
    ignore = load_ignore_file(write(tmp_path, text, ".ansible-lint-ignore"))
    entry = ignore.by_place()["site.yml", "async-unreaped[never]"][0]
    assert entry is not None
    assert (entry.line, entry.is_silent) == (2, False)
    assert ("site.yml", "async-unreaped") not in ignore.by_place()
    assert ("./site.yml", "async-unreaped[never]") not in ignore.by_place()
    silent = ignore.by_place()["b.yml", "async-noop[zero]"][0]
    assert silent is not None
    assert silent.is_silent


@pytest.mark.parametrize("line", ["site.yml", "site.yml async-noop[zero] skp"])
def test_a_line_that_ansible_lint_would_refuse_is_a_mistake(line: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.ansible-lint-ignore:2: expected 'FILE TAG'"):
        load_ignore_file(write(tmp_path, f"# first\n{line}\n", ".ansible-lint-ignore"))
