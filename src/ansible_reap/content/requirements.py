"""Which ansible-core versions a role, a collection or a project says it runs on; read only when a check asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from yaml.nodes import MappingNode, ScalarNode

from ansible_reap.late_patterns import expression
from ansible_reap.reading import MAX_DIGITS, MAX_SETTINGS, SourceError, read
from ansible_reap.yaml_nodes import compose, pairs

Version = tuple[int, ...]

MAX_LINE = 400
"""Characters of a line that are read."""
_ROLE_PARTS = frozenset({"tasks", "handlers"})
_SHIPPED = frozenset({"roles", "playbooks"})
"""The folders of a collection whose files its users run, besides its playbooks at the top; not its own tests."""
_OWN_TESTS = frozenset({"molecule", "tests"})
"""What lies below is run by the project's developers, on a version of their choice."""
_PINNED = expression(
    r"(ansible|ansible-core|ansible-base)\s*((?:===?|[<>~!]=|[<>])[^;#\\]*)?(?:$|[;#\\])", re.IGNORECASE
)
"""A line of requirements.txt that asks for Ansible, with its specifiers."""
_PACKAGE = 3
"""From this version on the package ``ansible`` counts for itself: 3 holds ansible-core 2.10, and so on."""
_SPECIFIER = expression(r"(>=|<=|==|!=|~=|>|<)?\s*v?(\d+(?:\.\d+)*)", re.ASCII)


def admits(root: str, path: str, core: Version) -> bool:
    """Whether the role and the collection that the file belongs to support this ansible-core, as in ``(2, 16)``.

    False where neither says anything. Both must admit it where both speak: a role of a collection runs nowhere else.
    """
    said = [allows(statement, core) for statement in _statements(root, path)]
    return bool(said) and all(said)


def excludes(root: str, path: str, cores: Sequence[Version]) -> bool:
    """Whether the file's role, its collection or a ``requirements.txt`` above it lets none of these versions pass.

    False where none of them says anything.
    """
    said = [*_statements(root, path), *_pinned(root, path)]
    known = (statement.split("|") for statement in said if _is_understood(statement))
    return any(not any(allows(part, core) for part in parts for core in cores) for parts in known)


def _is_understood(statement: str) -> bool:
    return all(_SPECIFIER.match(part.strip()) for part in re.split(r"[|,]", statement))


def _pinned(root: str, path: str) -> Iterator[str]:
    """What the nearest ``requirements.txt`` that asks for Ansible says; more than one line is joined by ``|``."""
    parts = PurePosixPath(path).parts
    for depth in range(len(parts) - 1, -1, -1):
        said = _asked_for(str(Path(root, *parts[:depth], "requirements.txt")))
        if said:
            yield "|".join(said)
            return


@lru_cache(maxsize=512)
def _asked_for(file: str) -> tuple[str, ...]:
    """The specifiers of each line that asks for Ansible, as those of ansible-core."""
    try:
        lines = read(file, MAX_SETTINGS).decode("utf-8", "replace").splitlines()
    except SourceError:
        return ()
    found = (_PINNED.match(line.strip()[:MAX_LINE]) for line in lines)
    return tuple(_of_core(match[1].lower(), (match[2] or ">=0").strip()) for match in found if match)


def _of_core(name: str, specifiers: str) -> str:
    """The specifiers of ansible-core that those of the package mean."""
    if name != "ansible":
        return specifiers
    return ",".join(map(_one_of_core, specifiers.split(",")))


def _one_of_core(specifier: str) -> str:
    match = _SPECIFIER.match(specifier.strip())
    major, _, rest = match[2].partition(".") if match else ("", "", "")
    if match is None or not major[:MAX_DIGITS] or int(major[:MAX_DIGITS]) < _PACKAGE:
        return specifier
    core = f"2.{int(major[:MAX_DIGITS]) + 7}"
    if match[1] == "~=":  # any of the package's releases of that number, which hold one series of ansible-core
        return f"~={core}.0"
    return f"{match[1] or ''}{core}{'.' + rest if rest else ''}"


def allows(statement: str, core: Version) -> bool:
    """Whether a version, or specifiers as in ``>=2.15.0,<2.17``, let any release of this ansible-core pass."""
    for part in statement.split(","):
        match = _SPECIFIER.match(part.strip())
        if match is None:
            return False
        bound = tuple(int(number[:MAX_DIGITS]) for number in match[2].split("."))
        series = bound[: len(core)]
        if match[1] in (None, ">=", ">") and core < series:
            return False
        if match[1] == "~=" and (core < series or core[:1] != bound[:1] or (len(bound) > 2 and core != series)):
            return False
        if match[1] == "<" and core >= series and not (core == series and any(bound[len(core) :])):
            return False
        if (match[1] == "<=" and core > series) or (match[1] == "==" and core != series):
            return False
    return True


def _statements(root: str, path: str) -> Iterator[str]:
    parts = PurePosixPath(path).parts
    if not _OWN_TESTS.isdisjoint(parts[:-1]):
        return
    folder = len(parts) - 1
    for below, stem, keys in (
        (_ROLE_PARTS, "main", ("galaxy_info", "min_ansible_version")),
        (_SHIPPED, "runtime", ("requires_ansible",)),
    ):
        owners = [depth for depth in range(folder - 1, -1, -1) if parts[depth] in below]
        for depth in (folder, *owners):
            said = _said(str(Path(root, *parts[:depth], "meta", stem)), *keys)
            if said:
                yield said
                break


@lru_cache(maxsize=512)
def _said(stem: str, *keys: str) -> str | None:
    """The text under the keys of a metadata file, unconverted: ``2.20`` is no number."""
    for ending in (".yml", ".yaml"):
        try:
            node = compose(read(stem + ending, MAX_SETTINGS))
        except SourceError:
            continue
        for key in keys:
            values = {name: value for name, _, value in pairs(node)} if isinstance(node, MappingNode) else {}
            node = values.get(key)
        if isinstance(node, ScalarNode) and node.value.strip():
            return str(node.value)
    return None
