"""The server: what it does when a file is opened, changed, saved or closed, and how it answers requests.

A project is checked shortly after the last change to one of its files, in a thread, one check at a time. Findings in
files that are not open are shown too: a change in one file may leave a job in another without its wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

import ansible_reap
from ansible_reap.lsp import projects
from ansible_reap.lsp.messages import FIX_ALL, Writer, path_of
from ansible_reap.lsp.projects import Checked
from ansible_reap.records import dataclass, field

PAUSE = 0.3
"""Seconds without a change after which a project is checked."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Project:
    """What the client has been told of one project."""

    checked: Checked
    shown: set[str] = field(default_factory=set)
    """The files that have diagnostics now."""
    due: float | None = None
    """When it is to be checked, by the event loop's clock; None where it has been since the last change."""
    worker: asyncio.Task[None] | None = None


def _as_function(handler: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """pygls sets attributes on the callable, which a bound method does not allow."""

    async def function(params: Any) -> Any:
        return await handler(params)

    return function


class Server:
    """Binds the protocol's messages to checks of projects."""

    def __init__(self) -> None:
        self._server = LanguageServer("ansible-reap", ansible_reap.__version__)
        self._projects: dict[Path, _Project] = {}
        self._busy = asyncio.Lock()
        kinds = types.CodeActionOptions([types.CodeActionKind.QuickFix, FIX_ALL])
        for name, handler, options in (
            (types.TEXT_DOCUMENT_DID_OPEN, self._opened, None),
            (types.TEXT_DOCUMENT_DID_CHANGE, self._changed, None),
            (types.TEXT_DOCUMENT_DID_SAVE, self._opened, None),
            (types.TEXT_DOCUMENT_DID_CLOSE, self._opened, None),
            (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, self._files_changed, None),
            (types.TEXT_DOCUMENT_CODE_ACTION, self._actions, kinds),
            (types.TEXT_DOCUMENT_HOVER, self._hover, None),
        ):
            self._server.feature(name, options)(_as_function(handler))

    def run(self) -> None:
        """Serve on standard input and output until the client disconnects."""
        self._server.start_io()

    # ---- what happens in the editor

    async def _opened(self, params: Any) -> None:
        """A file was opened, saved or closed: its project is checked at once."""
        self._schedule(params.text_document.uri, 0)

    async def _changed(self, params: types.DidChangeTextDocumentParams) -> None:
        self._schedule(params.text_document.uri, PAUSE)

    async def _files_changed(self, params: types.DidChangeWatchedFilesParams) -> None:
        del params
        for root in list(self._projects):
            self._check_soon(root, PAUSE)

    def _schedule(self, uri: str, pause: float) -> None:
        file = path_of(uri)
        if file is not None:
            self._check_soon(self._root_of(file), pause)

    def _root_of(self, file: Path) -> Path:
        folders = (path_of(folder.uri) for folder in self._server.workspace.folders.values())
        return projects.root_of(file, [folder for folder in folders if folder is not None])

    # ---- checks

    def _check_soon(self, root: Path, pause: float) -> None:
        project = self._projects.setdefault(root, _Project(Checked(root)))
        project.due = asyncio.get_running_loop().time() + pause
        if project.worker is None or project.worker.done():
            project.worker = asyncio.create_task(self._work(project))

    async def _work(self, project: _Project) -> None:
        """Check the project until it has been checked since the last change, and show what is found then."""
        clock = asyncio.get_running_loop().time
        while project.due is not None:
            rest = project.due - clock()
            if rest > 0:
                await asyncio.sleep(rest)
                continue
            project.due = None
            try:
                async with self._busy:
                    project.checked = await self._check(project.checked.root)
                if project.due is None:
                    self._publish(project)
            except Exception:  # noqa: BLE001 - the server keeps running; the error is in the log that the editor keeps of it
                _LOG.exception("%s was not checked", project.checked.root)

    async def _check(self, root: Path) -> Checked:
        unsaved = projects.unsaved_of(root, self._open_files())
        return await asyncio.get_running_loop().run_in_executor(None, projects.check, root, unsaved)

    def _open_files(self) -> Mapping[Path, str]:
        found = {}
        for document in self._server.workspace.text_documents.values():
            file = path_of(document.uri)
            if file is not None:
                found[file] = document.source
        return found

    def _publish(self, project: _Project) -> None:
        writer = self._writer(project.checked)
        diagnostics = writer.diagnostics()
        for path in sorted(project.shown | diagnostics.keys()):
            message = types.PublishDiagnosticsParams(writer.uri(path), diagnostics.get(path, []))
            self._server.text_document_publish_diagnostics(message)
        project.shown = set(diagnostics)

    def _writer(self, checked: Checked) -> Writer:
        return Writer(checked, self._server.workspace.position_codec)

    # ---- questions

    async def _actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        checked, path = await self._current(params.text_document.uri)
        if checked is None:
            return []
        only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
        return list(self._writer(checked).actions(path, params.range, only))

    async def _hover(self, params: types.HoverParams) -> types.Hover | None:
        checked, path = await self._current(params.text_document.uri)
        return None if checked is None else self._writer(checked).hover(path, params.position.line)

    async def _current(self, uri: str) -> tuple[Checked | None, str]:
        """The check of a file's project, made with its text as it is now, and the file's path in it."""
        file = path_of(uri)
        if file is None:
            return None, ""
        root = self._root_of(file)
        unsaved = projects.unsaved_of(root, self._open_files())
        project = self._projects.get(root)
        if project is None or project.checked.unsaved != unsaved:
            checked = await self._check(root)
        else:
            checked = project.checked
        return checked, next(iter(projects.unsaved_of(root, {file: ""})), "")
