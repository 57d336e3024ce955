"""Times and names in words, the same in tables, findings and pages."""

from __future__ import annotations

from ansible_reap.history.estimate import Estimate
from ansible_reap.history.identity import Identity
from ansible_reap.printable import one_line
from ansible_reap.wording import counted, seconds_text


def level_text(level: float) -> str:
    """A probability in percent, rounded down: it must not claim more than it is."""
    return f"{int(level * 100 + 1e-9)} %"


def times_text(factor: float) -> str:
    """A headroom, rounded down: what is called too little must not look like enough."""
    return f"{int(factor * 10 + 1e-9) / 10:.1f}"


def launch_text(identity: Identity) -> str:
    """What to call a launch; the position is said only where a name alone would not tell."""
    number = f" (no. {identity.position + 1} of that name)" if identity.position else ""
    return f"{one_line(identity.where)}: {one_line(identity.task)}{number}"


def measured_text(known: Estimate) -> str:
    """The measured figures in one phrase, as in ``37 runs took 310 s at the median and 588 s at worst``."""
    if known.censored:
        cut = "1 was" if known.censored == 1 else f"{known.censored} were"
        least = f" after {seconds_text(known.at_least)}" if known.at_least is not None else ""
        others = f", and the others took up to {seconds_text(known.largest)}" if known.largest is not None else ""
        return f"of {counted(known.runs, 'run')} {cut} cut off or still at work{least}{others}"
    if known.median is None or known.largest is None:
        return "no run was measured"
    middle, worst = seconds_text(known.median), seconds_text(known.largest)
    return f"{counted(known.runs, 'run')} took {middle} at the median and {worst} at worst"
