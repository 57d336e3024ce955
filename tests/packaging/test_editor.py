"""``ansible-reap lsp``: a real client over standard input and output, Neovim's own client, and without pygls."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support import environments
from support.venv import Venv

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
vim.cmd("edit tasks.yml")
local id = vim.lsp.start_client({ name = "ansible-reap", cmd = COMMAND, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, id)
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
    python = _python()
    (tmp_path / ".git").mkdir()
    (tmp_path / "tasks.yml").write_text(LAUNCH)
    command = "{" + ", ".join(json.dumps(str(word)) for word in (python, "-m", "ansible_reap", "lsp")) + "}"

    (tmp_path / "try.lua").write_text(SCRIPT.replace("COMMAND", command))
    subprocess.run(
        ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-c", "luafile try.lua"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(environments.ROOT / "src"), "HOME": str(tmp_path)},
        timeout=120,
        check=True,
        capture_output=True,
    )
    assert json.loads((tmp_path / "told.json").read_text()) == [[0, 2, "async-unreaped[unregistered]", "ansible-reap"]]


def test_without_pygls_it_is_one_line_that_says_what_to_install(bare: Venv, tmp_path: Path) -> None:
    reply = bare.run("ansible-reap", "lsp", cwd=tmp_path)
    assert reply.returncode == 2
    (line,) = reply.stderr.splitlines()
    assert line.endswith('pip install "ansible-reap[lsp]" into this environment')
