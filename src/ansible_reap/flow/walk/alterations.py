"""What a condition reads may change between two tasks. The same words are then another condition."""

from __future__ import annotations

import bisect
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from typing import NamedTuple

from ansible_reap.content import expressions
from ansible_reap.content.mentions import UNNAMED_FACTS
from ansible_reap.content.model import as_list
from ansible_reap.flow.evaluation.booleans import AS_BOOL, AS_FACT, is_boolean
from ansible_reap.flow.evaluation.canonical import canonical, tree_of
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import And, Atom, Formula, conj, disj, replaced_atoms
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.values import Alt, Job, JobId, Lazy, Map, Results, Seq, Unknown, taints
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace

SETTERS = ("register", "set_fact", "include_vars", "group_by", "add_host", "meta", "setup", "gather_facts")
"""Words that a file has in which a variable is set; modules whose name ends in ``_facts`` are left aside."""
UNNAMED = ("include_vars", "group_by", "add_host", "refresh_inventory", UNNAMED_FACTS)
"""What may set a variable whose name does not stand in the file."""
READ_ANY = frozenset({"vars", "varnames", "template"})
"""Words of conditions that may read a variable whose name does not stand in them."""
OWN_FACTS = {"service_facts": ("services",), "package_facts": ("packages",), "mount_facts": ("mount_points",)}
"""Facts whose names do not begin as others do, by the module that sets them (ansible-core 2.16 to 2.22)."""
SETTING_FACTS = ("setup", "gather_facts", "getent", "hostname", "clear_facts", *OWN_FACTS)
"""What may set a fact, or take it away, whose name does not stand in the file."""
ANYTHING = "*"
"""Stands for every variable, of which nobody can tell which are meant."""
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
MAX_TIMES = 3
"""Times at which a variable is set that is asked for being defined."""
MAX_LEVELS = 8
"""Variables that are defined by one another."""
GROUPS = ("groups", "group_names")
"""What changes when a host comes into a group."""
FAILURE = ("ansible_failed_task", "ansible_failed_result")
"""What a failure that a ``rescue`` takes up sets, for all that follows in the run (ansible-core 2.16 to 2.22)."""
UNSETTLED = "perhaps another value: "
"""How the text of a condition begins of which nobody can tell whether it is the same in two places."""
_LASTING = frozenset(
    {
        *("ansible_bios_vendor", "ansible_bios_version", "ansible_board_name", "ansible_chassis_vendor"),
        *("ansible_form_factor", "ansible_machine", "ansible_machine_id", "ansible_memtotal_mb", "ansible_nodename"),
        *("ansible_processor", "ansible_processor_cores", "ansible_processor_count", "ansible_product_name"),
        *("ansible_processor_threads_per_core", "ansible_product_uuid", "ansible_product_version"),
        *("ansible_python_version", "ansible_system_vendor", "ansible_userspace_architecture"),
        *("ansible_userspace_bits", "ansible_virtualization_tech_guest"),
        *("ansible_architecture", "ansible_distribution", "ansible_distribution_file_variety", "ansible_fqdn"),
        *("ansible_distribution_major_version", "ansible_distribution_release", "ansible_distribution_version"),
        *("ansible_hostname", "ansible_lsb", "ansible_os_family", "ansible_pkg_mgr", "ansible_processor_vcpus"),
        *("ansible_service_mgr", "ansible_system", "ansible_virtualization_role", "ansible_virtualization_type"),
    }
)
"""Facts of ansible-core 2.16 to 2.22 that stay what they are in a run."""
_NO_FACT = expression(
    r"ansible_(?:host|port|user|password|connection|(?:become|ssh|shell|winrm|psrp|play|role|parent_role|dependent)_?\w*"
    r"|python_interpreter|async_dir|(?:check|diff)_mode|forks|limit|(?:run|skip)_tags|verbosity|version|loop\w*"
    r"|index_var|search_path|failed_\w+|collection_name|config_file|playbook_python|inventory_sources)"
)
"""Variables that are called like facts, and that no module gathers: of connections, and Ansible's special ones."""
_IS_DEFINED = expression(r"\(?(\w+) is defined\)?")
_OF_FACTS = ("ansible_", "getent_")
_IF_THERE = expression(r"\bis\s+(?:not\s+)?(?:un)?defined\b|\|\s*(?:default|d)\b|\bansible_facts\b(?!\.|\[)|\.get\(")
"""What can be answered also where there is no such fact."""
_WORD = expression(r"\w+")
_NAME = expression(r"(?<![.\w])\w+")
"""A word that may be a variable: no attribute of one."""
_HOLDERS = (Unknown, Job, JobId, Results, Seq, Map, Alt)
"""The kinds of values that may hold a handle."""
_QUOTED = expression(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NAMED_TO_VARS = expression(
    r"""(['"])\w+\1\s+(?:not\s+)?in\s+vars\b(?![\w.\[(|])"""
    r"""|\bvars(?:\.(?!get\b|keys\b|items\b|values\b)\w+"""
    r"""|(?:\[|\.get\b(?:\(|, )|['"],)\s*(['"])\w+\2(?=\s*[\]),]))"""
)
"""``vars`` where the name of the variable stands in the text."""
_INNER = expression(r"\s*\{\{[-+]?(.+?)[-+]?\}\}\s*", re.DOTALL)
"""A template that is one expression."""
_READS_ANY = expression(
    r"""\bvars\b|\b(?:lookup|query|q)(?:\(|, )\s*"""
    r"""(?:(?!['"\s])|['"](?:ansible\.(?:builtin|legacy)\.)?(?:template|varnames)['"])"""
    r"""|\bhostvars(?:\[[^\[\]]*\]|\.\w+)(?:\[(?!['"])|(?![\w.\[]|\s+is\s))"""
)
"""Where variables are read whose names do not stand in the text."""
_PUT_TOGETHER = expression(
    r"""\bvars(?:\[|['"],)\s*(?:(?:Concat|Add)\((?:'(?P<begins>\w+)', |[\w.]+, '(?P<ends>\w+)'\))"""
    r"""|(['"])(?P<starts>\w+)\3\s*[~+][\w.\s]*[\]),]|[\w.]+\s*[~+]\s*(['"])(?P<stops>\w+)\5\s*[\]),])"""
)
"""A name of which the beginning or the end stands in the text."""
_OF_STATE = expression(
    r"\bis (?:finished|started|changed|skipped|failed|succe\w+|change|skip|failure)\b"
    r"|\.(?:ansible_job_id|finished|started|changed|skipped|failed|results)\b"
)
"""What is asked of jobs."""
_BY_NAME = expression(r"vars\b|lookup|query|\bq\b")
_NAMES_OTHERS = frozenset({"vars", "hostvars", "lookup", "query", "q"})
_EVERY_HOST = expression(r"\bhostvars\b(?!\s*[\[.])")
"""``hostvars`` as a whole, which has another host after ``add_host``."""
_NO_MORE_THAN_INVENTORY = frozenset({Layer.INVENTORY, Layer.DEFAULTS, Layer.MAGIC})
"""Where a variable comes from that an inventory may give to a host before; MAGIC: from nowhere that is known."""
_BY_ITS_NAME = (
    r"|\b(?:(?:map|select|reject)\(|(?:select|reject)attr\(\s*['\"][^'\"]*['\"],)"
    r"\s*['\"](?:ansible\.(?:builtin|legacy)\.)?"
    r"(?:random|shuffle|random_mac|password_hash|vault|strftime|fileglob|realpath|expanduser|expandvars"
    r"|(?:is_)?(?:file|dir|link|mount|same_file)|directory|link_exists|exists|vaulted_file)['\"]"
)
"""The same where they are handed over by their names."""
_OF_CHANCE = (
    r"\blipsum\s*\(|Call\(lipsum\b|\|\s*(?:\w+\.\w+\.)?"
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
    r"\b(?:lookup|query|q)(?:\(|, )\s*(?=['\"])"
    r"(?!['\"](?:ansible\.(?:builtin|legacy)\.)?(?:env|vars|config|varnames|template)['\"])|\bnow\s*\("
    rf"|Call\(now\b|{_OF_CHANCE}|{_OF_FILES}{_BY_ITS_NAME}"
)
"""What gives another answer each time that it is asked: files of the controller, lookups, chance, the clock."""
VARIES = expression(
    rf"\bnow\s*\(|{_OF_CHANCE}|{_OF_FILES}{_BY_ITS_NAME}"
    r"|\b(?:lookup|query|q)\(\s*['\"](?:ansible\.builtin\.|community\.general\.)?(?:pipe|url|random_\w+)['\"]"
)
"""What is likely to do so in the template of a variable; most other lookups read what stays the same in a run."""


class Reading(NamedTuple):
    """Where and when a condition is asked."""

    scope: Scope
    now: int
    """The step."""
    place: Callable[[str], object]
    """What the value of one of Ansible's special variables hangs on there; None for all other variables."""
    beside: Callable[[str], tuple[str, ...]]
    """The files beside the playbook that may set a variable."""
    said: Callable[[Scope, str], Formula]
    """What a condition says in another scope."""


class Steps(dict[str, int]):
    """By name, the last of the steps that were written down for it; those before are kept too."""

    def __init__(self) -> None:
        super().__init__()
        self._all: dict[str, list[int]] = {}

    def __setitem__(self, name: str, at: int) -> None:
        super().__setitem__(name, at)
        self._all.setdefault(name, []).append(at)

    def by(self, name: str, now: int) -> int:
        """The last one up to ``now``; 0: none."""
        found = self._all.get(name)
        if found is None:
            return 0
        before = bisect.bisect_right(found, now)
        return found[before - 1] if before else 0

    def times(self, name: str, now: int) -> list[int]:
        """All of them up to ``now``."""
        found = self._all.get(name, [])
        return found[: bisect.bisect_right(found, now)]


class LastSet(Steps):
    """At which step variables were last set, by name; the names that stand for many are those of this module."""

    def __init__(
        self, may_be_of_inventory: Callable[[str], bool], behind_in_inventory: Callable[[str], frozenset[str]]
    ) -> None:
        super().__init__()
        self._may_be_of_inventory = may_be_of_inventory
        self._behind_in_inventory = behind_in_inventory
        self._perhaps = Steps()
        """The same where nobody can tell whether they were, or whether to something else."""
        self._places: dict[tuple[str, object], int] = {}
        """By variable and what its value hangs on, which of the values it is in the order in which they were met."""
        self._met: Counter[str] = Counter()
        self._of_jobs: set[str] = set()
        """Registers that were set last by a launch, or by a look at jobs."""

    def last(self, name: str, now: int, *, if_there: bool) -> int:
        """When the variable was last set, so far as known; 0: never. ``if_there``: or came to be there, or went."""
        at = self.by(name, now)
        if if_there and name.startswith(_OF_FACTS):
            at = max(at, self.by(THERE, now))
        if _is_gathered(name):
            at = max(at, self.by(GATHERED, now))
        of_inventory = self.by(INVENTORY, now)
        return of_inventory if of_inventory > at and self._may_be_of_inventory(name) else at

    def perhaps(self, names: Iterable[str], at: int) -> None:
        """The variables may have been set, and nobody can tell."""
        for name in names:
            self._perhaps[name] = at

    def registered(self, name: str, *, is_of_job: bool) -> None:
        """A task has set its register."""
        if is_of_job:
            self._of_jobs.add(name)
        else:
            self._of_jobs.discard(name)

    def last_perhaps(self, name: str, now: int) -> int:
        """When the variable may last have been set where nobody can tell; 0: never."""
        many = [GATHERED] if _is_gathered(name) else []
        many += [] if name.isdigit() else [ANYTHING]
        return max(self._perhaps.by(each, now) for each in (name, *many))

    def last_of_any(self, now: int, beginning: str = "", end: str = "") -> int:
        """When any variable was last set whose name begins and ends so; what launches and looks register left out."""
        found = (
            self.by(name, now)
            for name in self
            if name not in self._of_jobs
            and ((name.startswith(beginning) and name.endswith(end)) or not name.isidentifier())
        )
        return max([self._perhaps.by(ANYTHING, now), *found])

    def value_at(self, name: str, place: object) -> int:
        """Which value the variable has in such a place: 0 for the first that was met."""
        known = self._places.get((name, place))
        if known is None:
            known = self._places[name, place] = self._met[name]
            self._met[name] += 1
        return known

    def names_behind(self, word: str, scope: Scope) -> tuple[Layer, frozenset[str], str]:
        """The variables that a variable is made of, by what defines it where it is asked or by some inventory.

        With where it comes from, and its text where that reads others by their names.
        """
        layer, found, text = _names_behind(word, scope)
        if layer in _NO_MORE_THAN_INVENTORY:
            found |= self._behind_in_inventory(word)
        return layer, found, text if text or found.isdisjoint(_NAMES_OTHERS) else "vars"


def _is_gathered(name: str) -> bool:
    return name.startswith("ansible_") and name not in _LASTING and not _NO_FACT.fullmatch(name)


def is_fact(name: str) -> bool:
    """Whether the variable is a fact that a module of Ansible's may set."""
    return name == "ansible_facts" or name.startswith(_OF_FACTS) or any(name in names for names in OWN_FACTS.values())


def asked_now(said: Formula, changed: LastSet, reading: Reading, written: Sequence[object]) -> Formula:
    """The condition as it is asked there and then; ``changed`` tells when variables were last set.

    What it says although none of its words (``written``) does is the condition under which a register or a fact was
    set: it was asked then.
    """
    if isinstance(said, And):  # what is not settled in one of its parts leaves the others as they are
        return conj(*(_part_asked_now(part, changed, reading, written) for part in said.parts))
    return _part_asked_now(said, changed, reading, written)


def _part_asked_now(said: Formula, changed: LastSet, reading: Reading, written: Sequence[object]) -> Formula:
    if isinstance(said, bool):
        return said
    asked: frozenset[str] | None = None
    if_there: bool | None = None

    unsure = set[tuple[str, int]]()

    def dated(atom: Atom) -> Formula:
        passed_on = _passed_on(atom, changed, reading)
        if passed_on is not None:
            return asked_now(passed_on.said, changed, reading, [passed_on.template])
        if atom.about and not atom.since and _is_of_any(atom.text, reading.scope):
            atom = replace(atom, about=frozenset(), is_opaque=False)
        if atom.about or atom.since:
            return atom  # what is asked of a job is followed by what its register holds, a launch's own condition too
        nonlocal asked, if_there
        if if_there is None:
            if_there = any(_IF_THERE.search(str(text)) for text in written)
        since, marks = _last_change(atom.text, changed, reading, if_there=if_there)
        if _asks_the_world(atom.text):
            since = reading.now
        perhaps = changed.by(PERHAPS, reading.now)
        if perhaps > since:
            return replace(atom, since=perhaps, is_opaque=True)
        if not since and not marks:
            return atom
        if asked is None:
            asked = asked_for(written, reading.scope)
        if since != reading.now and not _are_asked(_words(atom.text), asked):
            return atom
        stays = _stays_defined(atom, since, changed, reading.now)
        if stays is not None:
            return stays
        if since:
            atom = replace(atom, since=since, subject=atom.subject and f"{atom.subject} ({since})")
        unsure.update((f"{atom.text} {name}", at) for name, at in marks)
        return atom

    found = replaced_atoms(said, dated, lambda _: True)
    return unsettled(found, str(sorted(unsure))) if unsure else found


class _PassedOn(NamedTuple):
    """What a condition says of a fact, in the words of the template that it was set to."""

    said: Formula
    template: str


def _passed_on(atom: Atom, changed: LastSet, reading: Reading) -> _PassedOn | None:
    """That a fact is true, or so as a boolean, where the template that it was set to surely gives the same still."""
    name = atom.text.removesuffix(AS_BOOL)
    if atom.about or atom.since or not name.isidentifier():
        return None
    _, layer, raw = next(reading.scope.find(name), (0, Layer.MAGIC, None))
    if layer is not Layer.FACTS or not isinstance(raw, Lazy) or raw.scope is None or not raw.template:
        return None
    at, marks = _last_change(name, changed, reading, if_there=False)
    if marks or not at or not is_as_it_was(raw.template, at, changed, reading):
        return None
    inner, tree = _INNER.fullmatch(raw.template), tree_of(raw.template)
    if inner is None or tree is None or not all(map(raw.scope.is_left_open, expressions.names(raw.template))):
        return None
    as_boolean = reading.said(raw.scope, f"({inner[1]}) | bool")
    if atom.text != name or is_boolean(tree):
        return _PassedOn(as_boolean, raw.template)
    as_fact = disj(Atom(f"{canonical(Evaluator(raw.scope), tree)}{AS_FACT}"), as_boolean)
    return _PassedOn(conj(reading.said(raw.scope, f"({inner[1]})"), as_fact), raw.template)


def _stays_defined(atom: Atom, since: int, changed: LastSet, now: int) -> Formula | None:
    """That a variable is defined which tasks have set: it was before or is since, as none takes a variable away."""
    asked = _IS_DEFINED.fullmatch(atom.text)
    if asked is None or is_fact(asked[1]) or changed.by(INVENTORY, now):
        return None
    times = changed.times(asked[1], now)
    if since not in times or len(times) > MAX_TIMES:
        return None
    return disj(atom, *(replace(atom, since=at) for at in times))


def is_as_it_was(text: str, then: int, changed: LastSet, reading: Reading) -> bool:
    """Whether a template surely gives what it gave at an earlier step."""
    if _asks_the_world(text) or VARIES.search(text) or changed.get(PERHAPS, 0) > then:
        return False
    last, marks = _last_change(text, changed, reading, if_there=True)
    return last < then and not marks


def may_vary(texts: Iterable[str], scope: Scope) -> bool:
    """Whether one of these conditions may be answered otherwise though no task sets anything, as by the clock."""
    asked = list(texts)
    behind = (next(scope.find(word), None) for word in asked_for(asked, scope))
    asked += (str(raw.written if isinstance(raw, Lazy) else raw) for _, _, raw in filter(None, behind))
    return any(_asks_the_world(text) or VARIES.search(text) or _reads_any(text) for text in asked)


def unsettled(said: Formula, what: str) -> Formula:
    """A condition that may be the same as ``said``, and may be not."""
    same = Atom(f"{UNSETTLED}{what}", is_opaque=True)
    return disj(conj(said, same), Atom(f"{UNSETTLED}{what}, and other"))


def _is_of_any(text: str, scope: Scope) -> bool:
    """Whether a condition is about jobs only in that it may read any variable, and asks for nothing that jobs have."""
    if not _reads_any(text) or _OF_STATE.search(text):
        return False
    found = (next(scope.find(word), None) for word in _words(text))
    return not any(each is not None and isinstance(each[2], _HOLDERS) and taints(each[2]) for each in found)


def _last_change(
    text: str, changed: LastSet, reading: Reading, *, if_there: bool
) -> tuple[int, frozenset[tuple[str, int]]]:
    """When something that the condition reads has last changed (0: it has not), and what may be something else now."""
    last, seen, marks = 0, set[str](), set[tuple[str, int]]()
    fresh: Set[str] = _words(text) | ({"groups"} if _EVERY_HOST.search(text) else frozenset())
    texts = [text]
    for _ in range(MAX_LEVELS):
        marks.update(("any", _last_of_any(each, changed, reading.now)) for each in texts if _reads_any(each))
        fresh = fresh - seen
        if not fresh:
            break
        seen |= fresh
        texts, behind = [], set[str]()
        for word in fresh:
            last = max(last, changed.last(word, reading.now, if_there=if_there))
            layer, names, written = changed.names_behind(word, reading.scope)
            marks.add((word, changed.last_perhaps(word, reading.now)))
            place = reading.place(word)
            if place is not None:
                marks.add((f"{word} of", changed.value_at(word, place)))
            elif layer in _NO_MORE_THAN_INVENTORY:
                marks.add((f"{word} beside", changed.value_at(f"{word} beside", reading.beside(word))))
            behind |= names
            if written:
                behind |= _words(written)
                texts.append(written)
        fresh = behind
    return last, frozenset(mark for mark in marks if mark[1])


def _last_of_any(text: str, changed: LastSet, now: int) -> int:
    """When a variable was last set that a text may read without naming it."""
    left = _NAMED_TO_VARS.sub("", text)
    known = list(_PUT_TOGETHER.finditer(left))
    if len(known) < sum(1 for _ in _READS_ANY.finditer(left)):
        return changed.last_of_any(now)
    parts = [(each["begins"] or each["starts"] or "", each["ends"] or each["stops"] or "") for each in known]
    return max((changed.last_of_any(now, beginning, end) for beginning, end in parts), default=0)


@functools.lru_cache(maxsize=MAX_REMEMBERED)
def _reads_any(text: str) -> bool:
    return _READS_ANY.search(_NAMED_TO_VARS.sub("", text)) is not None


@functools.lru_cache(maxsize=MAX_REMEMBERED)
def _asks_the_world(text: str) -> bool:
    return _ASKS_THE_WORLD.search(text) is not None


@functools.lru_cache(maxsize=MAX_REMEMBERED)
def _words(text: str) -> frozenset[str]:
    """The words that may be variables: those in quotes, and attributes, only where they may be looked up."""
    return frozenset(_WORD.findall(text) if _BY_NAME.search(text) else _NAME.findall(_QUOTED.sub("", text)))


def _names_behind(word: str, scope: Scope) -> tuple[Layer, frozenset[str], str]:
    _, layer, raw = next(scope.find(word), (0, Layer.MAGIC, None))
    if isinstance(raw, Lazy) and layer is not Layer.FACTS:  # a fact was worked out when it was set
        raw = raw.written
    names = expressions.names_in(raw) if isinstance(raw, (str, list, dict)) else frozenset()
    return layer, names, "" if names.isdisjoint(_NAMES_OTHERS) else str(raw)


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
