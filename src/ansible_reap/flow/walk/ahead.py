"""What is still to come in a walk, and the jobs that none of it can wait for."""

from __future__ import annotations

from ansible_reap.content.tasks import Play
from ansible_reap.flow.evaluation.values import taints
from ansible_reap.flow.walk.walk import Walk

MAX_PLAYS = 400
"""Plays to come that are looked into; with more of them nothing is given up."""


def give_up(walk: Walk) -> None:
    """At a play's end: the jobs that nothing to come can wait for are not pending any more.

    What would be gone through for their sake, as it may end a play or change what their launch hangs on, says nothing
    of them then.
    """
    pending = walk.state.pending
    if not pending or sum(len(plays) for _, plays in walk.ahead) > MAX_PLAYS:
        return
    if any(_may_look(walk, play, path) for path, plays in walk.ahead for play in plays):
        return
    facts = walk.state.facts
    for name in facts.tainted():
        held = taints(facts[name]) & pending
        own = {walk.record.instances[number].task.path for number in held}
        found = walk.graph.files_with(name) if held else frozenset()
        if found is None or not found <= own:
            return
    pending.clear()


def _may_look(walk: Walk, play: Play, path: str) -> bool:
    """Whether a play or imported playbook may look at a job."""
    if play.imports is None:
        return walk.graph.may_look(path)
    if "{" in play.imports:
        return True
    return any(map(walk.graph.may_look, walk.finder.find_playbook(play.imports, path.rpartition("/")[0])))
