"""A client of the Language Server Protocol over standard input and output that opens one file and listens."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def diagnostics(
    server: Sequence[str], folder: Path, file: str, variables: Mapping[str, str], errors: Path
) -> list[dict[str, Any]]:
    """What the server says first of the file, with the settings that it has by itself."""
    with (
        errors.open("wb") as log,
        subprocess.Popen(
            server, cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            return _talk(process, folder, file)
        finally:
            process.kill()


def _talk(process: subprocess.Popen[bytes], folder: Path, file: str) -> list[dict[str, Any]]:
    def send(**message: object) -> None:
        assert process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        process.stdin.flush()

    root = folder.as_uri()
    place = {"rootUri": root, "workspaceFolders": [{"uri": root, "name": folder.name}]}
    can = {"workspace": {"configuration": True, "workspaceFolders": True}}
    send(id=1, method="initialize", params={"processId": None, "capabilities": can, **place})
    for message in _messages(process):
        method = message.get("method")
        if method is None and message["id"] == 1:
            send(method="initialized", params={})
            text = (folder / file).read_text()
            document = {"uri": f"{root}/{file}", "languageId": "ansible", "version": 1, "text": text}
            send(method="textDocument/didOpen", params={"textDocument": document})
        elif method == "workspace/configuration":
            send(id=message["id"], result=[{} for _ in message["params"]["items"]])
        elif method == "textDocument/publishDiagnostics" and message["params"]["uri"] == f"{root}/{file}":
            found: list[dict[str, Any]] = message["params"]["diagnostics"]
            return found
        elif method and "id" in message:
            send(id=message["id"], result=None)
    raise AssertionError("the server ended")


def _messages(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    assert process.stdout
    length = 0
    for line in iter(process.stdout.readline, b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif not line.strip():
            yield json.loads(process.stdout.read(length))
