"""``ansible-reap lsp`` as an editor talks to it, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

LAUNCH = """\
- name: Back up nächtlich 👍
  ansible.builtin.command: backup
  async: 300
  poll: 0
  register: job
"""
WAIT = """\
- name: Wait
  ansible.builtin.async_status:
    jid: "{{ job.ansible_job_id }}"
  register: ended
  until: ended is finished
  retries: 31
  delay: 10
"""
SITE = """\
- hosts: all
  tasks:
    - ansible.builtin.import_tasks: tasks/backup.yml
    - ansible.builtin.import_tasks: tasks/wait.yml
"""
NEVER = "async-unreaped[never]"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "pro ject"
    (root / "tasks").mkdir(parents=True)
    (root / "ansible.cfg").touch()
    (root / "site.yml").write_text(SITE, encoding="utf-8")
    (root / "tasks" / "backup.yml").write_text(LAUNCH, encoding="utf-8")
    (root / "tasks" / "wait.yml").write_text(WAIT, encoding="utf-8")
    return root


class Editor:
    """A client and what it has been told."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client = client
        self.root = root
        self._version = 1

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str | None = None) -> None:
        text = (self.root / name).read_text(encoding="utf-8") if text is None else text
        item = types.TextDocumentItem(self.uri(name), "ansible", self._version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change(self, name: str, text: str) -> None:
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(version=self._version, uri=self.uri(name))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def close(self, name: str) -> None:
        self.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(self.uri(name)))
        )

    def diagnostics(self, name: str) -> list[types.Diagnostic]:
        return list(self.client.diagnostics.get(self.uri(name), ()))

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until what the server tells fulfils the condition; the test run's own limit ends it else."""
        for _ in range(1200):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"in vain; told is {self.client.diagnostics}")

    def codes(self, name: str) -> list[object]:
        return [diagnostic.code for diagnostic in self.diagnostics(name)]

    async def actions(self, name: str, line: int, only: list[str] | None = None) -> list[types.CodeAction]:
        place = types.Range(types.Position(line, 0), types.Position(line, 0))
        context = types.CodeActionContext(diagnostics=self.diagnostics(name), only=only)
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(self.uri(name)), place, context)
        )
        return [each for each in found or () if isinstance(each, types.CodeAction)]


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[sys.executable, "-m", "ansible_reap", "lsp"]))
async def client(lsp_client: LanguageClient, tmp_path: Path) -> AsyncIterator[None]:
    root = tmp_path / "pro ject"
    folder = types.WorkspaceFolder(root.as_uri(), "project")
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=client_capabilities("visual_studio_code"), root_uri=root.as_uri(), workspace_folders=[folder]
        )
    )
    yield
    await lsp_client.shutdown_session()


@pytest.fixture
def editor(client: LanguageClient, tmp_path: Path) -> Editor:
    return Editor(client, tmp_path / "pro ject")


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """The text after the edits; positions count UTF-16 code units."""
    lines = text.splitlines(keepends=True)

    def offset(position: types.Position) -> int:
        before = sum(len(line.encode("utf-16-le")) for line in lines[: position.line])
        return before + 2 * int(position.character)

    data = text.encode("utf-16-le")
    for edit in sorted(edits, key=lambda each: offset(each.range.start), reverse=True):
        data = data[: offset(edit.range.start)] + edit.new_text.encode("utf-16-le") + data[offset(edit.range.end) :]
    return data.decode("utf-16-le")


@pytest.mark.asyncio
async def test_what_is_typed_in_one_file_is_told_at_the_task_in_another(project: Path, editor: Editor) -> None:
    editor.open("tasks/wait.yml")
    editor.change("tasks/wait.yml", "- ansible.builtin.debug:\n")
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [NEVER])
    (diagnostic,) = editor.diagnostics("tasks/backup.yml")
    assert diagnostic.severity == types.DiagnosticSeverity.Error
    assert diagnostic.source == "ansible-reap"
    assert diagnostic.code_description
    assert diagnostic.code_description.href.endswith("/rules/async-unreaped/")
    first = LAUNCH.splitlines()[0]
    units = len(first.encode("utf-16-le")) // 2
    assert diagnostic.range == types.Range(types.Position(0, 2), types.Position(0, units))
    editor.change("tasks/wait.yml", WAIT)
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [])


@pytest.mark.asyncio
async def test_a_closed_file_counts_as_it_is_on_the_disk(project: Path, editor: Editor) -> None:
    editor.open("tasks/wait.yml", "- ansible.builtin.debug:\n")
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [NEVER])
    editor.close("tasks/wait.yml")
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [])


@pytest.mark.asyncio
async def test_a_quick_fix_writes_what_check_fix_writes(project: Path, editor: Editor) -> None:
    (project / "tasks" / "wait.yml").write_text("- ansible.builtin.debug:\n", encoding="utf-8")
    text = "# unsaved\n" + LAUNCH
    editor.open("tasks/backup.yml", text)
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [NEVER])
    actions = await editor.actions("tasks/backup.yml", 3)
    assert [action.kind for action in actions] == [types.CodeActionKind.QuickFix] * 2
    fix, silence = actions
    assert fix.is_preferred
    assert fix.diagnostics
    assert fix.edit
    assert fix.edit.changes
    (edits,) = fix.edit.changes.values()
    mended = applied(text, list(edits))
    assert "ansible.builtin.async_status" in mended
    editor.change("tasks/backup.yml", mended)
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [])
    assert silence.edit
    assert silence.edit.changes
    (edits,) = silence.edit.changes.values()
    silenced = applied(text, list(edits))
    assert f"👍  # noqa: {NEVER}\n" in silenced
    editor.change("tasks/backup.yml", text)
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [NEVER])
    editor.change("tasks/backup.yml", silenced)
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [])


@pytest.mark.asyncio
async def test_all_of_a_file_is_fixed_at_once_where_that_is_asked_for(project: Path, editor: Editor) -> None:
    two = LAUNCH.replace("  register: job\n", "") + LAUNCH.replace("  register: job", "").replace("Back up", "Pack")
    editor.open("tasks/backup.yml", two.rstrip("\n"))
    await editor.until(lambda: len(editor.codes("tasks/backup.yml")) == 2)
    assert [each.kind for each in await editor.actions("tasks/backup.yml", 0)] == [types.CodeActionKind.QuickFix] * 2
    (action,) = await editor.actions("tasks/backup.yml", 0, ["source.fixAll"])
    assert action.edit
    assert action.edit.changes
    (edits,) = action.edit.changes.values()
    mended = applied(two.rstrip("\n"), list(edits))
    assert mended.count("ansible.builtin.async_status") == 2
    editor.change("tasks/backup.yml", mended)
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [])


@pytest.mark.asyncio
async def test_a_hover_shows_the_rule_s_page(project: Path, editor: Editor) -> None:
    (project / "tasks" / "wait.yml").write_text("- ansible.builtin.debug:\n", encoding="utf-8")
    editor.open("tasks/backup.yml")
    await editor.until(lambda: editor.codes("tasks/backup.yml") == [NEVER])
    document = types.TextDocumentIdentifier(editor.uri("tasks/backup.yml"))
    hover = await editor.client.text_document_hover_async(types.HoverParams(document, types.Position(1, 4)))
    assert hover
    assert isinstance(hover.contents, types.MarkupContent)
    assert hover.contents.value.startswith(f"**{NEVER}**: ")
    assert "# async-unreaped" in hover.contents.value
    elsewhere = types.TextDocumentIdentifier(editor.uri("site.yml"))
    assert await editor.client.text_document_hover_async(types.HoverParams(elsewhere, types.Position(0, 0))) is None


@pytest.mark.asyncio
async def test_related_places_are_told(project: Path, editor: Editor) -> None:
    short = WAIT.replace("retries: 31", "retries: 2")
    editor.open("tasks/wait.yml", short)
    await editor.until(lambda: editor.diagnostics("tasks/wait.yml") or editor.diagnostics("tasks/backup.yml"))
    told = [*editor.diagnostics("tasks/wait.yml"), *editor.diagnostics("tasks/backup.yml")]
    assert [diagnostic.code for diagnostic in told] == ["async-timeout[window]"]
    related = told[0].related_information
    assert related
    assert related[0].location.uri in {editor.uri("tasks/backup.yml"), editor.uri("tasks/wait.yml")}


@pytest.mark.asyncio
async def test_a_broken_file_or_setting_is_a_diagnostic_and_the_server_goes_on(project: Path, editor: Editor) -> None:
    editor.open("tasks/backup.yml", LAUNCH + "  vars: [\n")
    await editor.until(lambda: editor.codes("tasks/backup.yml") == ["unreadable"])
    (project / ".ansible-reap.yml").write_text("ruels: {}\n", encoding="utf-8")
    editor.change("tasks/backup.yml", LAUNCH)
    await editor.until(lambda: editor.codes(".ansible-reap.yml") == ["unreadable"])
    assert "did you mean 'rules'?" in editor.diagnostics(".ansible-reap.yml")[0].message
    (project / ".ansible-reap.yml").unlink()
    event = types.FileEvent(editor.uri(".ansible-reap.yml"), types.FileChangeType.Deleted)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.until(lambda: editor.codes(".ansible-reap.yml") == [] and editor.codes("tasks/backup.yml") == [])


@pytest.mark.asyncio
async def test_a_buffer_without_a_file_is_left_alone(project: Path, editor: Editor) -> None:
    item = types.TextDocumentItem("untitled:Untitled-1", "ansible", 1, LAUNCH)
    editor.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    document = types.TextDocumentIdentifier("untitled:Untitled-1")
    assert await editor.client.text_document_hover_async(types.HoverParams(document, types.Position(0, 0))) is None
