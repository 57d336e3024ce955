"""One reader of ansible.cfg, held against Ansible's own."""

from __future__ import annotations

import configparser
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_reap import ansible_cfg, reading
from ansible_reap.content.project import Project
from ansible_reap.history.database import StoreError
from ansible_reap.history.settings import configured
from ansible_reap.runtime.ledger.folder import ledger_folder
from support.environments import chosen_cores, program

ANSIBLES_CHOICE = """
import json, os, sys
from ansible.config.manager import find_ini_config_file

found = []
for here, home, variable in json.loads(sys.argv[1]):
    os.chdir(here)
    os.environ["HOME"] = home
    os.environ.pop("ANSIBLE_CONFIG", None)
    if variable is not None:
        os.environ["ANSIBLE_CONFIG"] = variable
    found.append(find_ini_config_file())
print(json.dumps(found))
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a project and a third folder, none with an ansible.cfg; the project is the current folder."""
    for name in ("home", "project", "elsewhere"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("ANSIBLE_CONFIG", "ASYNC_REAPER_LEDGER_DIR", "ASYNC_REAPER_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def settings(base: Path) -> Iterator[tuple[Path, Path, str | None]]:
    """Folders to start Ansible in, each with a home and a value of ANSIBLE_CONFIG, over all places of the file."""
    there = ("", "home", "project", "elsewhere", "home project", "home elsewhere project")
    named = (None, "elsewhere", "elsewhere/ansible.cfg", "missing", "")
    for number, (files, variable, mode) in enumerate(itertools.product(there, named, (0o755, 0o777))):
        folder = base / str(number)
        for name in ("home", "project", "elsewhere"):
            (folder / name).mkdir(parents=True)
        for name in files.split():
            (folder / name / (".ansible.cfg" if name == "home" else "ansible.cfg")).write_text("[defaults]\n")
        (folder / "project").chmod(mode)
        yield folder / "project", folder / "home", variable and str(folder / variable)


@pytest.mark.parametrize("core", chosen_cores())
def test_the_file_that_ansible_itself_would_read_is_found(
    places: Path, monkeypatch: pytest.MonkeyPatch, core: str
) -> None:
    cases = [(str(here), str(home), variable) for here, home, variable in settings(places / "cases")]
    command = [str(program(f"core-{core}", "python")), "-c", ANSIBLES_CHOICE, json.dumps(cases)]
    reply = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = []
    for here, home, variable in cases:
        monkeypatch.setenv("HOME", home)
        environment = {} if variable is None else {"ANSIBLE_CONFIG": variable}
        monkeypatch.chdir(here)
        found = ansible_cfg.find(environment)
        ours.append(str(found) if found else None)
    assert ours == json.loads(reply.stdout)
    assert len(set(ours)) > 30


def test_a_folder_in_the_environment_is_read_alike_by_ledger_history_and_check(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places / "elsewhere" / "ansible.cfg").write_text(
        "[defaults]\npoll_interval = 7\nroles_path = ../project/shared-roles\n"
        "[callback_async_reaper]\nledger_dir = kept/ledger\nhistory = kept/times.db\n"
    )
    monkeypatch.setenv("ANSIBLE_CONFIG", str(places / "elsewhere"))
    address = configured(places / "project")
    assert ledger_folder() == places / "elsewhere" / "kept" / "ledger"
    assert address is not None
    assert address.path == places / "elsewhere" / "kept" / "times.db"
    settings = Project(places / "project").settings
    assert (settings.polls, settings.roles_path) == ((("", 7),), ("shared-roles",))


def test_a_project_chooses_no_server_and_reads_no_variable_of_the_environment(places: Path) -> None:
    config = places / "project" / "ansible.cfg"
    for value in ("postgresql://db.example/times", "$SECRET/times.db"):
        config.write_text(f"[callback_async_reaper]\nhistory = {value}\n")
        with pytest.raises(StoreError, match="only ASYNC_REAPER_HISTORY or the command line may do so"):
            configured(places / "project")
    (places / "home" / ".ansible.cfg").write_text("[callback_async_reaper]\nhistory = postgresql://db.example/times\n")
    config.unlink()
    address = configured(places / "project")
    assert address is not None
    assert address.url == "postgresql://db.example/times"


@pytest.mark.parametrize(
    ("poll", "may_not_wait"),
    [("9" * 5000, False), ("", False), (" 15", False), ("²", True), ("-1", True), ("0.0", True), ("soon", True)],
)
def test_an_interval_that_may_not_be_above_0_makes_launches_possible(
    places: Path, poll: str, may_not_wait: bool
) -> None:
    (places / "project" / "ansible.cfg").write_text(f"[defaults]\npoll_interval = {poll}\n")
    polls = Project(places / "project").settings.default_polls("site.yml")
    assert (min(polls) <= 0) == may_not_wait


def test_a_device_or_a_huge_file_is_not_read(places: Path) -> None:
    config = places / "project" / "ansible.cfg"
    os.mkfifo(config)
    assert ansible_cfg.read(config).values == {}
    config.unlink()
    config.write_text("[defaults]\nforks = 5\n" + "#" * reading.MAX_SETTINGS)
    assert ansible_cfg.read(config).values == {}


def test_paths_are_resolved_as_ansible_does(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE", "/srv")
    here = places / "elsewhere"
    assert ansible_cfg.resolve_path("~/a", here) == places / "home" / "a"
    assert ansible_cfg.resolve_path("{{CWD}}/a", here) == places / "project" / "a"
    assert ansible_cfg.resolve_path("$BASE/a", here) == Path("/srv/a")
    assert ansible_cfg.resolve_path("../a", here) == places / "a"


PIECES = ("[a]", "[DEFAULT]", "[", "]", "x", "B", "=", ":", " ", "\t", "\r", "\n", "\n ", ";", " ;", "#", "\u2028")


@given(text=st.lists(st.sampled_from(PIECES), max_size=20).map("".join), inline=st.booleans())
def test_sections_and_keys_are_those_that_configparser_reads(text: str, inline: bool) -> None:
    text = "[a]\n" + text
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, inline_comment_prefixes=";" if inline else None, default_section="none"
    )
    try:
        parser.read_string(text)
    except (configparser.Error, AttributeError):
        with pytest.raises(reading.SourceError):
            reading.parse_ini(text, inline_comments=inline)
        return
    theirs = {name: {key: value or "" for key, value in parser[name].items()} for name in parser.sections()}
    assert reading.parse_ini(text, inline_comments=inline) == theirs


@pytest.mark.parametrize(
    ("text", "forks"),
    [("a" + " " * 900_000 + "b\nforks = 5", "5"), ("forks = 5\n" + "= x\n" * 200_000, None)],
)
def test_a_file_of_blanks_or_errors_takes_no_longer_than_its_length(places: Path, text: str, forks: str | None) -> None:
    """``configparser`` takes hours for each."""
    config = places / "project" / "ansible.cfg"
    config.write_text(f"[defaults]\n{text}\n")
    assert ansible_cfg.read(config).get("defaults", "forks") == forks


def test_keys_of_the_default_section_are_keys_of_all_others(places: Path) -> None:
    config = places / "project" / "ansible.cfg"
    config.write_text("[DEFAULT]\nforks = 5\npipelining = no\n[defaults]\nforks = 6\n")
    found = ansible_cfg.read(config)
    assert (found.get("defaults", "forks"), found.get("defaults", "pipelining")) == ("6", "no")
    assert (found.get("elsewhere", "forks"), found.keys("defaults")) == (None, ["forks", "pipelining"])
