"""``ansible-lint --fix``: our fixes of a file's text, carried over to the tree that ansible-lint writes out.

ansible-lint hands every rule the same tree in turn and formats it at the end. A fix of ours changes lines; so the file
is read before and after the fix, and what differs between the two is done to the tree. What other rules have done to
it stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_reap_adapter import ReapRule
from ansiblelint.rules import TransformMixin
from ansiblelint.yaml_utils import FormattedYAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ansible_reap.linting import edits as fixing

if TYPE_CHECKING:
    from ansiblelint.errors import MatchError
    from ansiblelint.file_utils import Lintable

    from ansible_reap.checks.finding import Finding


class FixingRule(ReapRule, TransformMixin):
    """One of our rules that can mend what it finds, or some of it."""

    _done: ClassVar[dict[int, tuple[Any, list[Finding]]]] = {}
    """By the tree's identity: the tree (kept, so that the identity stays its own) and the findings mended in it."""

    def transform(self, match: MatchError, lintable: Lintable, data: CommentedMap | CommentedSeq | str) -> None:
        """Mend the tree; ``match.fixed`` stays False where no fix is offered or it does not fit any more."""
        finding: Finding | None = getattr(match, "reap_finding", None)
        if finding is None or finding.fix is None or isinstance(data, str):
            return
        _, done = self._done.setdefault(id(data), (data, []))
        together = [*done, finding]
        if len(fixing.choose(together)) < len(together):
            return  # it meets another fix; the next run will write it
        text = lintable.content
        before, after = (_read(_with_fixes(text, findings)) for findings in (done, together))
        try:
            list(_patch(data, before, after, check=True))
        except UnfitError:
            return
        list(_patch(data, before, after, check=False))
        done.append(finding)
        match.fixed = True


class UnfitError(Exception):
    """Another rule has changed what the fix is about."""


def _with_fixes(text: str, findings: list[Finding]) -> str:
    edits = [edit for finding in findings if finding.fix for edit in finding.fix.edits]
    return fixing.edited(text.encode(), edits).decode()


def _read(text: str) -> Any:
    return FormattedYAML(version=(1, 1)).load(text)


def _patch(tree: Any, before: Any, after: Any, *, check: bool) -> Iterator[None]:
    """Do to the tree what leads from ``before`` to ``after``; with ``check`` only see whether it can be done."""
    if isinstance(before, CommentedMap) and isinstance(tree, CommentedMap):
        yield from _patch_map(tree, before, after, check=check)
    elif isinstance(before, CommentedSeq) and isinstance(tree, CommentedSeq):
        yield from _patch_list(tree, before, after, check=check)
    else:
        raise UnfitError


def _patch_map(tree: CommentedMap, before: CommentedMap, after: CommentedMap, *, check: bool) -> Iterator[None]:
    for key in before:
        if key not in tree and (key not in after or before[key] != after[key]):
            raise UnfitError
        if key in after and before[key] != after[key]:
            if _is_nested(before[key]) and type(before[key]) is type(after[key]):
                yield from _patch(tree[key], before[key], after[key], check=check)
            elif not check:
                tree[key] = after[key]
    if check:
        return
    for key in [key for key in before if key not in after]:
        _drop_key(tree, key)
    previous = None
    for key in after:
        if key not in before:
            _add_key(tree, previous, key, after[key])
        previous = key
    yield


def _drop_key(tree: CommentedMap, key: str) -> None:
    """Take a key out; the comment or blank line after the last key goes to the one before it."""
    keys = list(tree)
    comment = tree.ca.items.pop(key, None)
    if keys[-1] == key and len(keys) > 1 and comment is not None:
        tree.ca.items.setdefault(keys[-2], comment)
    del tree[key]


def _add_key(tree: CommentedMap, previous: str | None, key: str, value: Any) -> None:
    """Put a key after another; at the end it takes over the comment or blank line that ended the map."""
    keys = list(tree)
    at = keys.index(previous) + 1 if previous in keys else len(keys)
    comment = tree.ca.items.pop(previous, None) if at == len(keys) else None
    tree.insert(at, key, value)
    if comment is not None:
        tree.ca.items[key] = comment


def _patch_list(tree: CommentedSeq, before: CommentedSeq, after: CommentedSeq, *, check: bool) -> Iterator[None]:
    if len(tree) != len(before):
        raise UnfitError
    matcher = SequenceMatcher(None, [repr(item) for item in before], [repr(item) for item in after], autojunk=False)
    # From the end, so that the places of what comes before stay the same.
    for kind, old, old_end, new, new_end in reversed(matcher.get_opcodes()):
        if kind == "equal":
            continue
        paired = min(old_end - old, new_end - new)
        if not check:
            for place in range(old_end - 1, old + paired - 1, -1):
                del tree[place]
            if new_end - new > paired and old + paired > 0:
                _hand_on_end(tree[old + paired - 1], after[new + paired - 1], after[new_end - 1])
            for offset in range(new_end - new - paired):
                tree.insert(old + paired + offset, after[new + paired + offset])
        for offset in range(paired):
            if _is_nested(before[old + offset]):
                yield from _patch(tree[old + offset], before[old + offset], after[new + offset], check=check)
            elif not check:
                tree[old + offset] = after[new + offset]
    yield


def _hand_on_end(item: Any, wanted: Any, last_added: Any) -> None:
    """What stands between the item and the next one, a comment or a blank line, comes after what is added instead.

    After a key without a value the tree holds it elsewhere; then the added item must not bring it a second time.
    """
    (inner, key), (model, model_key) = _end(item), _end(wanted)
    added, added_key = _end(last_added)
    if inner is None or model is None or key != model_key:
        return
    if not any(inner.ca.items.pop(key, None) or ()) and added is not None:
        added.ca.items.pop(added_key, None)
    if key in model.ca.items:
        inner.ca.items[key] = model.ca.items[key]


def _end(node: Any) -> tuple[Any, Any]:
    """The innermost map or list that ends the node, and its last key or index."""
    found: tuple[Any, Any] = (None, None)
    while _is_nested(node) and node:
        key = list(node)[-1] if isinstance(node, CommentedMap) else len(node) - 1
        found = node, key
        node = node[key]
    return found


def _is_nested(value: Any) -> bool:
    return isinstance(value, CommentedMap | CommentedSeq)
