"""What Ansible says on the way while we work out a template whose values nobody is to see."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.utils.display import Display


@contextmanager
def unsaid(secret: bool) -> Iterator[None]:
    """Where ``secret``, nothing that this thread has Ansible say is shown: a lookup warns of the file it has not found.

    What other threads say in the meantime is shown as ever.
    """
    display: Any = Display()
    shown, ours = display.display, threading.get_ident()

    def show_others(*args: Any, **keywords: Any) -> None:
        if threading.get_ident() != ours:
            shown(*args, **keywords)

    if secret:
        display.display = show_others
    try:
        yield
    finally:
        if secret:
            del display.display
