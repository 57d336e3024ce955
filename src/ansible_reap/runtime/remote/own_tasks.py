"""What the project's own actions report to the run that they are part of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_reap.records import replace
from ansible_reap.runtime.remote.mailbox import Look
from ansible_reap.runtime.tracking.phases import BAD, TRANSITIONS, Phase, Source
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin, Tracker


def is_bad(look: Look) -> bool:
    """Whether a task of ours that has seen it fails for the job."""
    sighting = look.sighting
    return sighting is not None and TRANSITIONS.get((Phase.OUTSTANDING, Source.PLAYBOOK, sighting.sight)) in BAD


def tell(tracker: Tracker, looks: Sequence[Look], *, swallowed: bool = False) -> Iterator[JobRecord]:
    """Tell the tracker what workers of ours saw; yields the jobs that they spoke of.

    ``swallowed`` says that the play goes on as if there were no failure among it.
    """
    for look in looks:
        jid, known = look.job.jid, tracker.get(look.job.jid)
        is_other = known is not None and known.info.host != look.job.host
        if look.origin is not Origin.RUN:
            # A host chooses its ids, and another may have named this one in another run. No id has a colon.
            jid = f"{jid}:{look.job.host}" if is_other else jid
            tracker.adopt(replace(look.job, jid=jid), look.origin)
        elif is_other:
            continue
        if look.sighting is not None:
            job = tracker.see(jid, replace(look.sighting, swallowed=swallowed))
        elif look.error is not None or not look.is_cleaned:
            job = tracker.unseen(jid, look.error or "nobody says why")
        else:
            job = tracker.get(jid)
        if look.is_cleaned:
            tracker.cleaned(jid)
        if job is not None:
            yield job
