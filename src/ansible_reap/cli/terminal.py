"""What the terminal can show: colour and links, as its user and its environment say."""

from __future__ import annotations

from collections.abc import Mapping

COLOURS = ("auto", "always", "never")

_LINKING = {
    "TERM_PROGRAM": ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby"),
    "TERM": ("xterm-kitty", "alacritty", "foot", "foot-extra", "xterm-ghostty"),
}
"""Terminals that follow OSC 8 links, by what they set in the environment."""
_LINKING_SIGNS = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "DOMTERM")
_VTE_WITH_LINKS = 5000
"""GNOME's terminals and their like, from VTE 0.50."""


def wants_colour(when: str, environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """``always`` and ``never`` are the last word; else NO_COLOR, then FORCE_COLOR, then whether a terminal shows it."""
    if when != "auto":
        return when == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return is_terminal and environment.get("TERM") != "dumb"


def follows_links(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether the terminal is known to show links. FORCE_HYPERLINK decides where it is set (0: no)."""
    forced = environment.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced != "0"
    if not is_terminal or environment.get("TERM") == "dumb":
        return False
    if any(environment.get(name) in known for name, known in _LINKING.items()):
        return True
    vte = environment.get("VTE_VERSION", "")
    return any(sign in environment for sign in _LINKING_SIGNS) or (vte.isdigit() and int(vte) >= _VTE_WITH_LINKS)
