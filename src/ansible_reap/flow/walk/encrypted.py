"""Tasks and variables in files that are encrypted as a whole: nobody can tell what becomes of a job by them."""

from __future__ import annotations

from ansible_reap.content.library import ENCRYPTED
from ansible_reap.content.model import Place
from ansible_reap.flow.evaluation.layers import Scope
from ansible_reap.flow.evaluation.values import UNKNOWN
from ansible_reap.flow.walk import alterations
from ansible_reap.flow.walk.walk import Walk

NOT_SEEN = "variables that are encrypted with ansible-vault as a whole; keep what conditions ask for in clear"
NUMBERS_NOT_SEEN = "variables that are encrypted with ansible-vault may set its async or poll; keep these in clear"
TASKS_NOT_SEEN = "tasks that are encrypted with ansible-vault as a whole; encrypt their variables alone"


def gone_through(walk: Walk, path: str) -> bool:
    """Whether the file is an encrypted one; then it may have done anything at this place.

    It may have waited for a job whose id a variable holds, and launched into that variable; it may have set any
    other, and so what conditions ask from here on.
    """
    if path not in walk.library.vaulted:
        return False
    state, at = walk.state, Place(path, 1)
    for number in {*state.pending, *(state.facts.handles() & state.live.all)}:
        instance = walk.record.instances[number]
        instance.past_encrypted = instance.past_encrypted or at
    for name in state.facts.keys() - state.facts.tainted():
        state.facts[name] = UNKNOWN
    state.changes[alterations.PERHAPS] = walk.steps
    return True


def read_as_variables(walk: Walk, path: str) -> None:
    """The file, an encrypted one, is read for its variables: each may have another value from here on."""
    walk.state.changes[alterations.PERHAPS] = walk.steps
    for number in walk.state.pending:
        walk.record.beyond(number, Place(path, 1), NOT_SEEN)


def may_set_numbers(scope: Scope, number: int, walk: Walk) -> None:
    """Tell of a launch whose limit or poll interval an encrypted file may set."""
    path = next((found for _, _, found in scope.find(ENCRYPTED)), None)
    if path is not None:
        walk.record.beyond(number, Place(path, 1), NUMBERS_NOT_SEEN)
