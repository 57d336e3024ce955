"""Sends a document by HTTP, in one second at most, whatever the other side does."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

TIMEOUT = 1.0
"""Seconds from the name lookup to the answer. The run waits no longer than that, and goes on without an answer."""
_NO_ANSWER = f"no answer within {TIMEOUT:g} s"


def is_web_address(text: str) -> bool:
    """Whether the text is an address that ``post`` can send to."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown_address(address: str) -> str:
    """Scheme, host and port: user, password, path and query of an address may each be a secret."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{_host(parts)}"


def post(address: str, body: bytes, headers: Mapping[str, str]) -> str | None:
    """Send the body; returns what went wrong in a few words that hold no part of the address, or None.

    ``address`` is one by ``is_web_address``. A user and password in it become basic authentication. The proxies of the
    environment are used, and no redirection is followed.
    """
    said: list[str | None] = []
    # A name server or a slow answer may take longer than any time-out of a socket, so another thread waits for them.
    thread = Thread(target=lambda: said.append(_outcome(address, body, headers)), daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    return said[0] if said else _NO_ANSWER


def _outcome(address: str, body: bytes, headers: Mapping[str, str]) -> str | None:
    from urllib.error import HTTPError  # noqa: PLC0415 - few runs send anything, and it brings a dozen others

    try:
        _send(address, body, headers)
    except HTTPError as error:
        return f"it answered with status {error.code}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return _NO_ANSWER
        return str(getattr(reason, "strerror", None) or type(reason).__name__)
    except Exception as error:  # noqa: BLE001 - what it says itself may hold the address
        return type(error).__name__
    return None


def _send(address: str, body: bytes, headers: Mapping[str, str]) -> None:
    from urllib.request import HTTPRedirectHandler, Request, build_opener  # noqa: PLC0415 - as above

    class NoRedirection(HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    parts = urlsplit(address)
    request = Request(parts._replace(netloc=_host(parts)).geturl(), data=body, headers=dict(headers))  # noqa: S310 - is_web_address
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    build_opener(NoRedirection).open(request, timeout=TIMEOUT).close()


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
