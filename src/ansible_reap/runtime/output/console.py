"""Prints the recap."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.utils.display import Display

from ansible_reap.runtime.output import recap
from ansible_reap.runtime.remote.progress import stdout_is_document

HEADING = "ASYNC RECAP"


def width() -> int:
    """How many characters a line of the terminal holds; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def show(lines: Sequence[recap.Line]) -> None:
    """Print the recap below its heading."""
    if not lines:
        return
    display: Any = Display()
    colours = {recap.Tone.GOOD: C.COLOR_OK, recap.Tone.WARNING: C.COLOR_WARN, recap.Tone.ERROR: C.COLOR_ERROR}
    aside = stdout_is_document()
    if aside:
        display.display(f"{HEADING} ".ljust(width() - 1, "*"), stderr=True)
    else:
        display.banner(HEADING)
    for line in lines:
        display.display(line.text, color=colours[line.tone], stderr=aside)
    if not aside:
        display.display("")
