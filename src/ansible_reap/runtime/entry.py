"""The one session of a run: who gets it, and what to warn of at its start."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from ansible_reap import __version__
from ansible_reap.runtime.session import CORE, Finish, Session

OLDEST, NEWEST = (2, 16), (2, 22)

_owner: weakref.ref[Any] | None = None
_session: Session | None = None


def session_for(owner: weakref.ref[Any], version: str, warn: Callable[[str], None]) -> Session | None:
    """A session for this plugin instance; None where another instance of this process has one already.

    The callback may be loaded twice, from the collection and from a ``callback_plugins`` folder.
    """
    global _owner, _session  # noqa: PLW0603 - the two instances come from two modules and share nothing else
    if _owner is not None and _owner() is not None:
        return None
    _owner = owner
    if version != __version__:
        warn(
            f"async_reaper: the callback is of version {version}, the package ansible-reap of {__version__}; "
            "install the same version of both."
        )
    if not OLDEST <= CORE[:2] <= NEWEST:
        found = ".".join(str(part) for part in CORE)
        warn(f"async_reaper: ansible-core {found} is untested; supported are 2.16 to 2.22.")
    _session = Session(warn, _run_end)
    return _session


def _run_end(session: Session) -> Finish:
    """What a run without jobs has no need to load: ledger, recap, reports, history, twins."""
    from ansible_reap.runtime.gate.twins import RunAtHand, twins_for  # noqa: PLC0415 - as above
    from ansible_reap.runtime.output.finish import RunEnd  # noqa: PLC0415 - see above

    end = RunEnd(session)
    run = RunAtHand(session.name, session.base, CORE, session.warn)
    twins = session.guard(twins_for, run, session.options)
    if twins is not None:
        session.tracker.listen(twins)
        session.jobs.before_launch = twins.before_launch
    return end


def current() -> Session | None:
    """The session of this process; None where the callback is off.

    Ansible forks a worker for each task and host. In a worker this is the session as it was at the fork: that is how
    ``reap.jobs.wait`` knows the jobs.
    """
    owner = _owner() if _owner is not None else None
    return None if owner is None or owner.disabled else _session
