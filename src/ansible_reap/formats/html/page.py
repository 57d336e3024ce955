"""The frame of a page that needs no network: one file that holds its style, its script and its data.

Whatever comes from a run is put in by :func:`text` or :func:`attribute`; a content security policy lets nothing run
but our own script, known by its hash, and lets nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import html
from datetime import datetime, timezone
from pathlib import Path

_FOLDER = Path(__file__).parent
_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "�")
_CONTROLS |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "")


def text(value: object) -> str:
    """Any text as text: markup is escaped, what would steer a terminal or turn the direction of writing is gone."""
    plain = str(value).translate(_CONTROLS).encode("utf-8", "replace").decode("utf-8")
    return html.escape(plain, quote=True)


def attribute(name: str, value: object) -> str:
    """``name="value"``, escaped."""
    return f'{name}="{text(value)}"'


def document(title: str, body: str) -> str:
    """The whole page."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{text(title)}</title>
<style>
{style}</style>
</head>
<body>
{body}
<script>{script}</script>
</body>
</html>
"""


def plural(number: int, one: str, many: str | None = None) -> str:
    """``1 job`` or ``3 jobs``, with thousands set apart."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def moment(when: datetime) -> str:
    """A moment for a reader, in UTC, with its machine form beside it."""
    utc = when.astimezone(timezone.utc)
    return f'<time datetime="{utc.isoformat(timespec="milliseconds")}">{utc:%Y-%m-%d %H:%M:%S} UTC</time>'


_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def ticks(length: float, wanted: int = 10) -> list[float]:
    """Round moments on an axis of that many seconds, from 0, about as many as wanted."""
    if length <= 0:
        return [0.0]
    small = (0.1, 0.2, 0.5) if length < 5 else ()
    step = next((each for each in (*small, *_TICKS) if length / each <= wanted), 0.0)
    if not step:
        step = 86400.0 * -(-length // (86400 * wanted))
    count = int(length / step + 1e-9)
    return [round(number * step, 3) for number in range(count + 1)]
