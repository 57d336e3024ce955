"""What a condition reads may change between two tasks. The same words are then another condition."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence, Set

from ansible_reap.content import expressions
from ansible_reap.content.mentions import UNNAMED_FACTS
from ansible_reap.content.model import as_list
from ansible_reap.flow.evaluation.formulas import Atom, Formula, replaced_atoms
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.values import Lazy
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace

SETTERS = ("register", "set_fact", "include_vars", "group_by", "add_host", "meta", "setup", "gather_facts")
"""Words that a file has in which a variable is set; modules whose name ends in ``_facts`` are left aside."""
UNNAMED = ("include_vars", "group_by", "add_host", "refresh_inventory", UNNAMED_FACTS)
"""What may set a variable whose name does not stand in the file."""
OWN_FACTS = {"service_facts": ("services",), "package_facts": ("packages",), "mount_facts": ("mount_points",)}
"""Facts whose names do not begin as others do, by the module that sets them (ansible-core 2.16 to 2.22)."""
SETTING_FACTS = ("setup", "gather_facts", "getent", "hostname", "clear_facts", *OWN_FACTS)
"""What may set a fact, or take it away, whose name does not stand in the file."""
ANYTHING = "*"
"""Stands for every variable."""
GATHERED = "ansible_*"
"""Stands for every fact that is gathered, but for _LASTING."""
THERE = "ansible_* is defined"
"""Stands for whether there are any facts: they come with the first that are gathered, and go with ``clear_facts``."""
PERHAPS = "?"
"""Stands for every variable, where nobody can tell."""
INVENTORY = "inventory_*"
"""Stands for every variable that an inventory may set."""
MAX_REMEMBERED = 4096
"""Conditions whose words are kept."""
MAX_LEVELS = 8
"""Variables that are defined by one another."""
GROUPS = ("groups", "group_names")
"""What changes when a host comes into a group."""
_LASTING = frozenset(
    {
        *("ansible_architecture", "ansible_distribution", "ansible_distribution_file_variety", "ansible_fqdn"),
        *("ansible_distribution_major_version", "ansible_distribution_release", "ansible_distribution_version"),
        *("ansible_hostname", "ansible_lsb", "ansible_os_family", "ansible_pkg_mgr", "ansible_processor_vcpus"),
        *("ansible_service_mgr", "ansible_system", "ansible_virtualization_role", "ansible_virtualization_type"),
    }
)
"""Facts of ansible-core 2.16 to 2.22 that stay what they are in a run."""
_OF_FACTS = ("ansible_", "getent_")
_IF_THERE = expression(r"\bis\s+(?:not\s+)?(?:un)?defined\b|\|\s*(?:default|d)\b|\bin\s+ansible_facts\b|\.get\(")
"""What can be answered also where there is no such fact."""
_WORD = expression(r"\w+")
_NAME = expression(r"(?<![.\w])\w+")
"""A word that may be a variable: no attribute of one."""
_QUOTED = expression(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_BY_NAME = expression(r"vars\b|lookup|query|\bq\b")
_EVERY_HOST = expression(r"\bhostvars\b(?!\s*[\[.])")
"""``hostvars`` as a whole, which has another host after ``add_host``."""
_NO_MORE_THAN_INVENTORY = frozenset({Layer.INVENTORY, Layer.DEFAULTS, Layer.MAGIC})
"""Where a variable comes from that an inventory may give to a host before; MAGIC: from nowhere that is known."""
_OF_CHANCE = (
    r"\|\s*(?:\w+\.\w+\.)?"
    r"(?:(?:random|shuffle)\b(?!\([^()]*\bseed\b)|(?:random_mac|password_hash|vault)\b|strftime\b(?!\((?!\)|utc)))"
)
"""Filters that draw lots, or read the clock where no time is handed to them."""
_OF_FILES = (
    r"\|\s*(?:ansible\.(?:builtin|legacy)\.)?(?:fileglob|realpath|expanduser|expandvars)\b"
    r"|\bis\s+(?:not\s+)?(?:ansible\.(?:builtin|legacy)\.)?(?:exists|file|directory|link|mount|same_file|vaulted_file)\b"
    r"|\bis\s+(?:not\s+)?(?:ansible\.(?:builtin|legacy)\.)?(?:is_file|is_dir|is_link|link_exists|is_mount|is_same_file)\b"
)
"""Filters and tests that ask for files of the controller (ansible-core 2.16 to 2.22)."""
_ASKS_THE_WORLD = expression(
    r"\b(?:lookup|query|q)(?:\(|, )\s*(?!['\"](?:ansible\.builtin\.)?(?:env|vars|config|varnames)['\"])|\bnow\s*\("
    rf"|Call\(now\b|{_OF_CHANCE}|{_OF_FILES}"
)
"""What gives another answer each time that it is asked: files of the controller, lookups, chance, the clock."""
VARIES = expression(
    rf"\bnow\s*\(|{_OF_CHANCE}|{_OF_FILES}"
    r"|\b(?:lookup|query|q)\(\s*['\"](?:ansible\.builtin\.|community\.general\.)?(?:pipe|url|random_\w+)['\"]"
)
"""What is likely to do so in the template of a variable; most other lookups read what stays the same in a run."""


class LastSet(dict[str, int]):
    """At which step variables were last set, by name; the names that stand for many are those of this module."""

    def __init__(
        self, may_be_of_inventory: Callable[[str], bool], behind_in_inventory: Callable[[str], frozenset[str]]
    ) -> None:
        super().__init__()
        self._may_be_of_inventory = may_be_of_inventory
        self._behind_in_inventory = behind_in_inventory

    def last(self, name: str, *, if_there: bool) -> int:
        """When the variable was last set, so far as known; 0: never. ``if_there``: or came to be there, or went."""
        at = max(self.get(name, 0), 0 if name.isdigit() else self.get(ANYTHING, 0))
        if if_there and name.startswith(_OF_FACTS):
            at = max(at, self.get(THERE, 0))
        if name.startswith("ansible_") and name not in _LASTING:
            at = max(at, self.get(GATHERED, 0))
        of_inventory = self.get(INVENTORY, 0)
        return of_inventory if of_inventory > at and self._may_be_of_inventory(name) else at

    def names_behind(self, word: str, scope: Scope) -> frozenset[str]:
        """The variables that a variable is made of, by what defines it where it is asked or by some inventory."""
        layer, found = _names_behind(word, scope)
        return found | self._behind_in_inventory(word) if layer in _NO_MORE_THAN_INVENTORY else found


def is_fact(name: str) -> bool:
    """Whether the variable is a fact that a module of Ansible's may set."""
    return name == "ansible_facts" or name.startswith(_OF_FACTS) or any(name in names for names in OWN_FACTS.values())


def asked_now(said: Formula, scope: Scope, changed: LastSet, now: int, written: Sequence[object]) -> Formula:
    """The condition as it is asked at the step ``now``; ``changed`` tells when variables were last set.

    What it says although none of its words (``written``) does is the condition under which a register or a fact was
    set: it was asked then.
    """
    if isinstance(said, bool):
        return said
    asked: frozenset[str] | None = None
    if_there: bool | None = None

    def is_of_concern(text: str) -> bool:
        return bool(changed) or _asks_the_world(text)

    def dated(atom: Atom) -> Atom:
        if atom.about or atom.since:
            return atom  # what is asked of a job is followed by what its register holds, a launch's own condition too
        nonlocal asked, if_there
        if if_there is None:
            if_there = any(_IF_THERE.search(str(text)) for text in written)
        since = now if _asks_the_world(atom.text) else _last_change(atom.text, scope, changed, if_there=if_there)
        perhaps = changed.get(PERHAPS, 0)
        if perhaps > since:
            return replace(atom, since=perhaps, is_opaque=True)
        if not since:
            return atom
        if asked is None:
            asked = asked_for(written, scope)
        if since != now and not _are_asked(_words(atom.text), asked):
            return atom
        return replace(atom, since=since, subject=atom.subject and f"{atom.subject} ({since})")

    return replaced_atoms(said, dated, is_of_concern)


def _last_change(text: str, scope: Scope, changed: LastSet, *, if_there: bool) -> int:
    """When something that the condition reads has last changed; 0: it has not."""
    if not changed:
        return 0
    last, seen = 0, set[str]()
    fresh: Set[str] = _words(text) | ({"groups"} if _EVERY_HOST.search(text) else frozenset())
    for _ in range(MAX_LEVELS):
        fresh = fresh - seen
        if not fresh:
            break
        seen |= fresh
        last = max(last, *(changed.last(word, if_there=if_there) for word in fresh))
        fresh = frozenset().union(*(changed.names_behind(word, scope) for word in fresh))
    return last


@functools.lru_cache(maxsize=MAX_REMEMBERED)
def _asks_the_world(text: str) -> bool:
    return _ASKS_THE_WORLD.search(text) is not None


@functools.lru_cache(maxsize=MAX_REMEMBERED)
def _words(text: str) -> frozenset[str]:
    """The words that may be variables: those in quotes, and attributes, only where they may be looked up."""
    return frozenset(_WORD.findall(text) if _BY_NAME.search(text) else _NAME.findall(_QUOTED.sub("", text)))


def _names_behind(word: str, scope: Scope) -> tuple[Layer, frozenset[str]]:
    _, layer, raw = next(scope.find(word), (0, Layer.MAGIC, None))
    if isinstance(raw, Lazy) and layer is not Layer.FACTS:  # a fact was worked out when it was set
        raw = raw.written
    return layer, expressions.names_in(raw) if isinstance(raw, (str, list, dict)) else frozenset()


def asked_for(written: Iterable[object], scope: Scope) -> frozenset[str]:
    """The words of conditions as they are written, and of the variables that are defined by one another behind them."""
    seen = set[str]()
    texts = (text for each in written for text in as_list(each))
    fresh = {word for text in texts for word in _words(str(text))} - _PLAIN_WORDS
    for _ in range(MAX_LEVELS):
        fresh -= seen
        seen |= fresh
        fresh = {name for word in fresh for name in _names_behind(word, scope)[1]}
    return frozenset(seen)


def asked_words(text: str) -> frozenset[str]:
    """The words of a condition that may be variables."""
    return _words(text) - _PLAIN_WORDS


def asks_if_there(text: str) -> bool:
    """Whether the condition can be answered also where a variable of it is not there."""
    return _IF_THERE.search(text) is not None


def _are_asked(words: Set[str], asked: Set[str]) -> bool:
    """Whether a condition of these words speaks of what is asked; ``ansible_facts.x`` is ``ansible_x`` besides."""
    return not asked.isdisjoint(words) or (
        "ansible_facts" in asked and any(word.startswith("ansible_") for word in words)
    )


def words_of(atoms: Iterable[Atom]) -> frozenset[str]:
    """The words of conditions."""
    return frozenset(word for atom in atoms for word in _words(atom.text)) - _PLAIN_WORDS


_PLAIN_WORDS: frozenset[str] = frozenset(
    ["is", "not", "in", "and", "or", "defined", "true", "false", "bool", "length", "default", "changed", "failed"]
)
