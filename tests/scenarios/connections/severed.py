"""A connection that starts jobs and loses the answer, each host in the way that its name says; ``beside`` otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import DOCUMENTATION as LOCAL
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = LOCAL.replace("name: local", "name: severed")
REFUSED = "Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 port 22: Connection refused"


class Connection(Local):  # type: ignore[misc]
    transport = "severed"

    def exec_command(self, cmd: str, in_data: Any = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        host = self._play_context.remote_addr
        is_launch = "async_wrapper.py" in cmd and "chmod" not in cmd
        if is_launch and host == "refused":
            raise AnsibleConnectionFailure(REFUSED)
        if is_launch and host == "pythonless":
            return 127, b"/bin/sh: 1: /usr/bin/python3: not found", b""
        code, said, complaint = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if is_launch and host == "cut":
            raise AnsibleConnectionFailure("Failed to connect to the host via ssh: Shared connection to it closed.")
        if is_launch and host == "garbled":
            return 3, b"Welcome {", complaint
        if is_launch and host == "told":
            return 0, Path("answer").read_bytes(), complaint
        if is_launch and host == "nameless":
            return 0, b"{}", complaint
        return code, said, complaint
