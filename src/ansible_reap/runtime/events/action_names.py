"""What a task does, told by its action's name. Pure."""

from __future__ import annotations


def short(action: object) -> str:
    """The action without ``ansible.builtin.`` or ``ansible.legacy.``."""
    text = str(action)
    for prefix in ("ansible.builtin.", "ansible.legacy."):
        if text.startswith(prefix):
            return text[len(prefix) :]
    return text


def is_reap(action: object) -> bool:
    """An async_status, in any of its spellings; some write it with a foreign collection's name."""
    return str(action).rpartition(".")[2] == "async_status"
