"""The local connection under another name: to whoever asks the inventory, a machine that is not the controller."""

from __future__ import annotations

from ansible.plugins.connection.local import DOCUMENTATION as LOCAL
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = LOCAL.replace("name: local", "name: beside")


class Connection(Local):  # type: ignore[misc]
    transport = "beside"
