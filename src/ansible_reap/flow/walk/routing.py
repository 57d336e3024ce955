"""Where collections of the project send the names of modules: ``plugin_routing`` in ``meta/runtime.yml``."""

from __future__ import annotations

from yaml.nodes import MappingNode

from ansible_reap.content.library import Library
from ansible_reap.content.source import SourceError, compose, plain

RUNTIME = "meta/runtime.yml"
_KINDS = ("modules", "action")
_SETTING = frozenset({"set_fact", "include_vars", "setup", "gather_facts", "add_host", "group_by"})
"""Modules of ansible-core 2.16 to 2.22 that set variables."""


class Routing:
    """The redirections of modules and action plugins, read when something asks for a name in them."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._paths = [path for path in library.project.yaml if path.endswith(f"/{RUNTIME}") or path == RUNTIME]
        self._by_path: dict[str, dict[str, str]] = {}

    @property
    def names(self) -> frozenset[str]:
        """Every name that is sent elsewhere."""
        return frozenset().union(*map(self._routes, self._paths))

    def target(self, name: str) -> str | None:
        """What the short name of a module is sent to by a collection; None where none does."""
        told = name.encode(errors="replace")
        for path in self._paths:
            text = self._library.text(path)
            if (told in text or b"\\" in text) and name in self._routes(path):
                return self._routes(path)[name]
        return None

    def sets_facts(self, target: str) -> bool:
        """Whether a module of Ansible's of this name sets variables."""
        return target.rpartition(".")[2] in _SETTING or target.endswith("_facts")

    def _routes(self, path: str) -> dict[str, str]:
        known = self._by_path.get(path)
        if known is None:
            known = self._by_path[path] = _redirects(self._library.source(path))
        return known


def _redirects(text: bytes) -> dict[str, str]:
    """The names that are sent elsewhere, with where."""
    if b"redirect" not in text and b"\\" not in text:
        return {}
    try:
        root = compose(text)
    except SourceError:
        return {}
    data: object = plain(root) if isinstance(root, MappingNode) else None
    routing = data.get("plugin_routing") if isinstance(data, dict) else None
    found: dict[str, str] = {}
    for kind in _KINDS:
        entries = routing.get(kind) if isinstance(routing, dict) else None
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and entry.get("redirect"):
                found.setdefault(str(name), str(entry["redirect"]))
    return found
