"""Which line of a text was which in an earlier one, in time that grows with their length."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

ENOUGH = 100_000
"""The most pairs of equal lines that difflib is given in one text; its time grows faster than their number."""
_DEPTH = 50

Range = tuple[int, int, int, int]
"""First and last of the old lines, first and last of the new ones, the last not included."""


def moved(old: Sequence[bytes], new: Sequence[bytes], enough: int = ENOUGH) -> dict[int, int]:
    """Position in the new text -> position in the old one, from 0; lines that are new or different are not there.

    Lines are matched in order. Where there are more than ``enough`` pairs of equal lines, only lines that occur once in
    both texts are matched, and equal lines next to them.
    """
    found: dict[int, int] = {}
    budget = enough
    todo = [(0, len(old), 0, len(new), 0)]
    while todo:
        *limits, depth = todo.pop()
        a, b, c, d = limits
        while a < b and c < d and old[a] == new[c]:
            found[c] = a
            a, c = a + 1, c + 1
        while a < b and c < d and old[b - 1] == new[d - 1]:
            b, d = b - 1, d - 1
            found[d] = b
        if a == b or c == d:
            continue
        before, after = Counter(old[a:b]), Counter(new[c:d])
        pairs = sum(count * after[line] for line, count in before.items())
        if pairs <= budget:
            budget -= pairs
            blocks = SequenceMatcher(None, old[a:b], new[c:d], autojunk=False).get_matching_blocks()
            found |= {c + j + n: a + i + n for i, j, size in blocks for n in range(size)}
        elif depth < _DEPTH:
            anchors = list(_anchors(old, new, (a, b, c, d), before, after))
            found |= {at: was for was, at in anchors}
            todo += [(*gap, depth + 1) for gap in _gaps((a, b, c, d), anchors)] if anchors else []
    return found


def _anchors(
    old: Sequence[bytes], new: Sequence[bytes], limits: Range, before: Counter[bytes], after: Counter[bytes]
) -> Iterator[tuple[int, int]]:
    """Lines that stand once in either part, by old and new position, as many as rise in both."""
    a, b, c, d = limits
    once = {old[i]: i for i in range(a, b) if before[old[i]] == 1 == after[old[i]]}
    pairs = [(once[new[j]], j) for j in range(c, d) if new[j] in once]
    # The longest rising chain: for each length the pair with the smallest end, and what came before each pair.
    ends: list[int] = []
    last: list[int] = []
    previous: list[int] = []
    for number, (was, _) in enumerate(pairs):
        length = bisect_left(ends, was)
        previous.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [was]
        last[length : length + 1] = [number]
    number = last[-1] if last else -1
    chain = []
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    yield from reversed(chain)


def _gaps(limits: Range, anchors: Iterable[tuple[int, int]]) -> Iterator[Range]:
    a, b, c, d = limits
    for was, at in anchors:
        yield a, was, c, at
        a, c = was + 1, at + 1
    yield a, b, c, d
