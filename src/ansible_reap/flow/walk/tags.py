"""Tags: under what a run comes by a task at all."""

from __future__ import annotations

from ansible_reap.content.ansible_settings import TagSelection
from ansible_reap.content.expressions import is_template
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, neg
from ansible_reap.flow.evaluation.values import Value, options, plain

TAG_OPTION = "--tags "
"""How the text of a condition begins that only a run with this option meets."""
_NO_SELECTION = TagSelection("", frozenset(), frozenset())
MAX_SETS = 8
"""Sets of tags that templates are worked out to."""


def requested(written: frozenset[str], evaluator: Evaluator, selections: tuple[TagSelection, ...]) -> Formula:
    """Under what a task with these tags is run: one tagged ``never`` only where one of its tags is asked for.

    A tag may be a template, of one tag or of a list of them.
    """
    sets = _worked_out(written, evaluator)

    def by(selection: TagSelection) -> Formula:
        return disj(*(conj(under, _not_left_out(tags, written, selection)) for under, tags in sets))

    if not selections:
        return by(_NO_SELECTION)
    if len(selections) == 1 and not selections[0].folder:
        return by(selections[0])
    # which ansible.cfg is read hangs on the folder in which Ansible is started
    return conj(*(disj(neg(_is_read(each)), by(each)) for each in selections))


def _is_read(selection: TagSelection) -> Atom:
    return Atom(f"by {selection.folder}/ansible.cfg", is_choice=True)


def _worked_out(written: frozenset[str], evaluator: Evaluator) -> list[tuple[Formula, frozenset[str] | None]]:
    """The sets of tags that the written ones may come to, each under its condition; None where it is not known."""
    sets: list[tuple[Formula, frozenset[str] | None]] = [
        (True, frozenset(tag for tag in written if not is_template(tag)))
    ]
    for text in sorted(filter(is_template, written)):
        given = [(under, _tags_in(inner)) for under, inner in options(evaluator.text(text))]
        sets = [
            (conj(under, also), None if tags is None or more is None else tags | more)
            for under, tags in sets
            for also, more in given
        ]
        if len(sets) > MAX_SETS:
            return [(True, None)]
    return sets


def _tags_in(value: Value) -> frozenset[str] | None:
    """The tags that a template came to; None where that is not known."""
    found = plain(value)
    if isinstance(found, str):
        return frozenset({found})
    return frozenset(map(str, found)) if isinstance(found, list) else None


def _not_left_out(tags: frozenset[str] | None, written: frozenset[str], selection: TagSelection) -> Formula:
    """As Ansible decides it (``evaluate_tags`` of ansible-core 2.16 to 2.22)."""
    if tags is None:  # one of them may be `never`: nobody can tell
        return Atom(f"tagged {', '.join(sorted(written))}", is_opaque=True)
    own, run, skip = tags or frozenset({"untagged"}), selection.run or frozenset({"all"}), selection.skip
    is_of_all = "never" not in own
    is_met = is_of_all and ("all" in run or ("tagged" in run and tags))
    asked: Formula = True
    if not (is_met or "always" in own or own & run):
        asked = disj(*(Atom(f"{TAG_OPTION}{tag}") for tag in sorted(own | ({"all"} if is_of_all else set()))))
    skipped = own & skip
    if "all" in skip and ("always" not in own or "always" in skip):
        skipped |= {"all"}
    if "tagged" in skip and tags:
        skipped |= {"tagged"}
    return conj(asked, *(Atom(f"{TAG_OPTION}all without --skip-tags {tag}") for tag in sorted(skipped)))
