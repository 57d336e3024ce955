"""What the measured run times of a launch say of its limit."""

from __future__ import annotations

from ansible_reap.history.estimate import Estimate
from ansible_reap.history.wording import level_text, measured_text
from ansible_reap.records import dataclass
from ansible_reap.wording import seconds_text


@dataclass(frozen=True, slots=True)
class MeasuredVerdict:
    """A limit that the measured run times speak against."""

    sub_tag: str
    message: str
    advice: int
    """A limit that would do, in seconds."""


def judge(known: Estimate | None, limit: float, headroom: float) -> MeasuredVerdict | None:
    """Hold a limit (seconds) against what was measured; None where there is nothing to say.

    ``ceiling``: a run took as long as the limit, or was cut off at it. ``headroom``: the limit leaves less than that
    factor over what the next run needs. Too few runs say nothing.
    """
    if known is None or not known.has_enough or not known.needed:
        return None
    longest = max(known.largest or 0.0, known.at_least or 0.0)
    if limit > longest and limit / known.needed >= headroom:
        return None
    advice = known.advice(headroom) or 0
    message = f"The limit is {seconds_text(limit)}, but {measured_text(known)}; use {advice} s or more"
    if known.bound:
        stated = f"the next run stays within {seconds_text(known.bound.seconds)}"
        message += f" (with a probability of {level_text(known.bound.level)} {stated})"
    return MeasuredVerdict("ceiling" if limit <= longest else "headroom", f"{message}.", advice)
