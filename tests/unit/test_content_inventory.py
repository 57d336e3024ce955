"""Which files without a telling name may be an inventory, against Ansible's own reading of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ansible_reap.content.inventory import may_be_inventory
from support import environments

INVENTORIES = {
    "a host": "web1 colour=red\n",
    "comments first": "; of the shop\n\n# and more\nweb1:2222 colour=red # the first\n",
    "a section": "[web]\nweb1 colour=red\n",
    "of variables": "[all:vars]\ncolour=red\n[all]\nweb1\n",
    "blanks in quotes": "web1 colour='dark red'\n",
    "blanks that are escaped": "web1 colour=dark\\ red\n",
    "a word of its own in quotes": "web1 colour=red 'size = 3'\n",
    "YAML": "all: {hosts: {web1: {colour: red}}}\n",
    "YAML with a start": "---\nall:\n  hosts:\n    web1:\n      colour: red\n",
    "another separator of lines": "web1 colour=red\x0cof the shop\n",
    "lines that fail further on": "web1 colour=red\nof the shop\n",
}
OTHERS = {
    "prose": "The colour=red is what we like.\n",
    "a heading": "= Colours\n\ncolour=red\n",
    "a list of words": "# settings\nset the colour=red\nweb1 colour=red\n",
}


def hosts_of(core: str, text: str, folder: Path) -> dict[str, object]:
    """What Ansible makes of the text: its hosts with their variables."""
    (folder / "estate").write_text(text, encoding="utf-8")
    inventory = environments.program(f"core-{core}", "ansible-inventory")
    done = subprocess.run([inventory, "-i", "estate", "--list"], cwd=folder, capture_output=True, check=False)
    found: dict[str, object] = json.loads(done.stdout)["_meta"]["hostvars"]
    return found


@pytest.mark.parametrize("core", environments.side_cores())
@pytest.mark.parametrize("name", INVENTORIES)
def test_what_ansible_takes_variables_from_may_be_an_inventory(core: str, name: str, tmp_path: Path) -> None:
    assert "colour" in str(hosts_of(core, INVENTORIES[name], tmp_path))
    assert may_be_inventory(INVENTORIES[name].encode())


@pytest.mark.parametrize("core", environments.side_cores())
@pytest.mark.parametrize("name", OTHERS)
def test_what_ansible_gives_up_at_once_is_none(core: str, name: str, tmp_path: Path) -> None:
    assert "colour" not in str(hosts_of(core, OTHERS[name], tmp_path))
    assert not may_be_inventory(OTHERS[name].encode())


def test_a_program_json_and_a_long_beginning_are_not_ruled_out() -> None:
    for text in (b"#!/bin/sh\n", b'{"all": {}}', b"# licence\n" * 1000):
        assert may_be_inventory(text)
    assert not may_be_inventory(b"# licence\n")
