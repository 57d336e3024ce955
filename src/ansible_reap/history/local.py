"""Estimates from a store, for a check that is told to use one."""

from __future__ import annotations

from pathlib import Path

from ansible_reap.history.database import StoreError
from ansible_reap.history.estimate import Estimates, estimates_of
from ansible_reap.history.identity import collection_of, project_name
from ansible_reap.history.runs import gather
from ansible_reap.history.settings import configured
from ansible_reap.history.store import Store

__all__ = ["StoreError", "load"]

PATIENCE = 10.0
"""Seconds to wait for a locked or distant store; no run waits with us."""


def load(root: Path, which: str) -> Estimates:
    """The estimates of the project at ``root``: ``local`` (the callback's store), ``none``, or a path or URL.

    Raises StoreError where the store cannot be read.
    """
    if which == "none":
        return estimates_of({})
    address = configured(root, None if which == "local" else which)
    if address is None:
        raise StoreError("the history is turned off")
    found = gather(Store(address, PATIENCE).observations(project_name(root.resolve())))
    known = {each.identity: each.estimate for each in found if each.runs}
    return estimates_of(known, str(root), collection_of(root))
