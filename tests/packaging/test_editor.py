"""``ansible-reap lsp``: a client over standard input and output, Neovim's own, no pygls; and the Ansible extension."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support import environments, markdown
from support.language_client import diagnostics
from support.venv import Venv, clean_environment

EDITOR_PAGE = environments.ROOT / "docs" / "editor.md"
LAUNCH = "- name: Start\n  ansible.builtin.command: sleep 60\n  async: 300\n  poll: 0\n"


def _python() -> Path:
    if environments.environment("editor") is None:
        pytest.skip("no environment editor: tools/envs.py make editor")
    return environments.program("editor", "python")


def test_a_client_over_standard_input_and_output() -> None:
    options = ("-p", "no:cacheprovider", "-c", os.devnull, "-W", "ignore::DeprecationWarning")
    command = [str(_python()), "-m", "pytest", "-q", *options, "--rootdir", ".", "--confcutdir", "."]
    folder = environments.ROOT / "tests" / "editor"
    source = str(environments.ROOT / "src")
    variables = {**os.environ, "PYTHONPATH": source, "PYTEST_ADDOPTS": ""}
    reply = subprocess.run(
        [*command, str(folder)], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert reply.returncode == 0, reply.stdout[-8000:] + reply.stderr[-2000:]
    assert " passed" in reply.stdout
    assert "skipped" not in reply.stdout


SCRIPT = """
if vim.fn.has("nvim-0.11") == 1 then
PAGE
  vim.cmd("edit tasks.yml")
else
  vim.cmd("edit tasks.yml")
  local cmd = { "ansible-reap", "lsp" }
  local id = vim.lsp.start_client({ name = "ansible-reap", cmd = cmd, root_dir = vim.fn.getcwd() })
  vim.lsp.buf_attach_client(0, id)
end
vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 50)
local told = {}
for _, each in ipairs(vim.diagnostic.get(0)) do
  table.insert(told, { each.lnum, each.col, each.code, each.source })
end
vim.fn.writefile({ vim.fn.json_encode(told) }, "told.json")
vim.cmd("qa!")
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="no nvim")
def test_neovim_shows_the_diagnostics(tmp_path: Path) -> None:
    """With the lines of the page about editors, where Neovim is new enough for them."""
    program = tmp_path / "bin" / "ansible-reap"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={environments.ROOT / "src"} exec {_python()} -m ansible_reap "$@"\n')
    program.chmod(0o755)
    (page,) = (block.text for block in markdown.blocks(EDITOR_PAGE) if block.language == "lua")
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "tasks.yml").write_text(LAUNCH)
    (tmp_path / "try.lua").write_text(SCRIPT.replace("PAGE", page))
    subprocess.run(
        ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-c", "filetype on", "-c", "luafile ../try.lua"],
        cwd=project,
        env={**clean_environment(tmp_path), "PATH": f"{program.parent}:{os.environ['PATH']}"},
        timeout=120,
        check=True,
        capture_output=True,
    )
    assert json.loads((project / "told.json").read_text()) == [[0, 2, "async-unreaped[unregistered]", "ansible-reap"]]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ansible-language-server") is None, reason="no ansible-language-server (npm has it)")
def test_the_language_server_of_the_ansible_extension_shows_our_findings(complete: Venv, tmp_path: Path) -> None:
    """The server that VS Code's extension starts, with its own settings: it runs the ansible-lint on PATH."""
    project = tmp_path / "project"
    shutil.copytree(environments.ROOT / "src" / "ansible_reap" / "example" / "broken", project)
    server = [str(shutil.which("ansible-language-server")), "--stdio"]
    path = f"{complete.folder / 'bin'}:{os.environ['PATH']}"
    found = diagnostics(server, project, "site.yml", {**clean_environment(tmp_path), "PATH": path}, tmp_path / "errors")
    assert [(each["source"], each["code"], each["range"]["start"]["line"]) for each in found] == [
        ("ansible-lint", "async-unreaped[unregistered]", 5)
    ]


def test_without_pygls_it_is_one_line_that_says_what_to_install(bare: Venv, tmp_path: Path) -> None:
    reply = bare.run("ansible-reap", "lsp", cwd=tmp_path)
    assert reply.returncode == 2
    (line,) = reply.stderr.splitlines()
    assert line.endswith('pip install "ansible-reap[lsp]" into this environment')
