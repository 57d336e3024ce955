"""Conditions as formulas over atoms, and whether one implies another.

An atom is the text of a condition after normalisation. Two atoms that compare one thing with different constants
exclude each other. What cannot be decided within the bounds is not implied.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from ansible_reap.flow.evaluation import bounds
from ansible_reap.records import dataclass, replace

MAX_ATOMS = 10
MAX_SIZE = 400
_DEFINED = " is defined"
_AFTER_NAME = (".", "[", "|", " > ", " < ", " in ", " is none")
"""What stands behind something of which it is asked, in the text of a condition that fails where it is not there."""


@dataclass(frozen=True, slots=True)
class Atom:
    """Something that may hold or not. ``subject`` and ``constant`` are set where it says that they are equal."""

    text: str
    subject: str | None = None
    constant: str | None = None
    """The constant's repr; ``value`` is the constant itself, where it is text."""
    value: str | None = None
    about: frozenset[int] = frozenset()
    """The jobs (by instance number) whose state or result the condition asks for."""
    is_choice: bool = False
    """It says which of several files a name that is not known means."""
    is_opaque: bool = False
    """It asks a job for something else than its state, as whether its id matches a pattern: nobody can tell."""
    choices: int = 0
    """Of how many files it is one; where all of them are compared, one must be meant. 0: there may be others."""
    since: int = 0
    """When what it reads has last changed: the same words asked before and after that are two conditions."""

    @property
    def said(self) -> str:
        """What is compared, or else the whole condition, as it is written."""
        if self.subject is None:
            return self.text
        return self.subject.removesuffix(f" ({self.since})")


class _Compound:
    """A formula made of others. Its hash is worked out once: guards are compared and looked up all the time."""

    __slots__ = ("_hash", "parts", "settled", "size")

    def __init__(self, *parts: Formula) -> None:
        self.parts = parts
        bounds.spend(2 + 2 * len(parts))
        self.size: int = 1 + sum(part.size if isinstance(part, _Compound) else 1 for part in parts)
        self.settled: Formula | None = None
        self._hash = hash((type(self).__name__, parts))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, _Compound)
            and type(self) is type(other)
            and self._hash == other._hash
            and (self.parts == other.parts)
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.parts}"


class Not(_Compound):
    """The opposite of a formula."""

    __slots__ = ()

    @property
    def inner(self) -> Formula:
        return self.parts[0]


class And(_Compound):
    """All of the parts hold."""

    __slots__ = ()


class Or(_Compound):
    """At least one of the parts holds."""

    __slots__ = ()


class Delayed:
    """A condition that is parsed only when it is compared with another; most never are."""

    __slots__ = ("_formula", "_read", "text")

    def __init__(self, text: str, read: Callable[[str], Formula]) -> None:
        self.text = text
        self._read = read
        self._formula: Formula | None = None

    @property
    def formula(self) -> Formula:
        if self._formula is None:
            self._formula = self._read(self.text)
        return self._formula

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Delayed) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Delayed({self.text!r})"


Formula = bool | Atom | Not | And | Or | Delayed


def settled(formula: Formula) -> Formula:
    """The formula with every delayed condition read."""
    if isinstance(formula, Delayed):
        return settled(formula.formula)
    if isinstance(formula, _Compound):
        if formula.settled is None:
            parts = tuple(settled(part) for part in formula.parts)
            if isinstance(formula, Not):
                formula.settled = neg(parts[0])
            else:
                formula.settled = conj(*parts) if isinstance(formula, And) else disj(*parts)
        return formula.settled
    return formula


def neg(formula: Formula) -> Formula:
    """The opposite of the formula, simplified."""
    if isinstance(formula, bool):
        return not formula
    if isinstance(formula, Not):
        return formula.inner
    return Not(formula)


def conj(*parts: Formula) -> Formula:
    """All of these, simplified."""
    return _joined(And, True, parts)


def disj(*parts: Formula) -> Formula:
    """At least one of these, simplified."""
    return _joined(Or, False, parts)


def _joined(kind: type[And | Or], neutral: bool, parts: tuple[Formula, ...]) -> Formula:
    """The parts joined, without repetitions.

    ``neutral`` adds nothing; its opposite decides, and so does a part that stands beside its own opposite.
    """
    flat: dict[Formula, None] = {}
    for part in parts:
        if part is neutral:
            continue
        if isinstance(part, bool):
            return part
        if not flat:  # those of one that is joined already neither repeat nor oppose each other
            flat = dict.fromkeys(part.parts if isinstance(part, kind) else (part,))
            continue
        for inner in part.parts if isinstance(part, kind) else (part,):
            if inner not in flat:
                if neg(inner) in flat:
                    return not neutral
                flat[inner] = None
    if not flat:
        return neutral
    return next(iter(flat)) if len(flat) == 1 else kind(*flat)


def is_large(formula: Formula) -> bool:
    """Whether the formula is past the size up to which conditions are told apart."""
    return isinstance(formula, _Compound) and formula.size > MAX_SIZE


def atoms(formula: Formula) -> Iterator[Atom]:
    """Every atom, some more than once. A part that several others share is gone through once only."""
    stack: list[Formula] = [formula]
    seen: set[int] = set()
    while stack:
        part = stack.pop()
        if isinstance(part, Delayed):
            part = part.formula
        if isinstance(part, Atom):
            yield part
        elif isinstance(part, _Compound) and id(part) not in seen:
            seen.add(id(part))
            bounds.spend(2 * len(part.parts))
            stack.extend(part.parts)


def holds(formula: Formula, true: frozenset[Atom], known: dict[int, bool] | None = None) -> bool:
    """The formula's truth where exactly ``true`` hold. ``known`` keeps what shared parts came to."""
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, Atom):
        return formula in true
    if isinstance(formula, Delayed):
        return holds(formula.formula, true, known)
    known = {} if known is None else known
    if id(formula) not in known:
        parts = (holds(part, true, known) for part in formula.parts)
        if isinstance(formula, Not):
            known[id(formula)] = not next(parts)
        else:
            known[id(formula)] = all(parts) if isinstance(formula, And) else any(parts)
    return known[id(formula)]


def relaxed(formula: Formula, job: int) -> Formula:
    """The formula with every condition on the job itself granted: whoever asks a job for its state deals with it."""
    return _granted(formula, lambda atom: job in atom.about and not atom.is_opaque, True, {})


def granting(formula: Formula, texts: frozenset[str]) -> Formula:
    """The formula with every condition of these texts granted."""
    return _granted(formula, lambda atom: atom.text in texts, True, {})


def without_choices(formula: Formula) -> Formula:
    """The formula with every choice between files granted, and what nobody can tell of a job."""
    return _granted(formula, lambda atom: atom.is_choice or atom.is_opaque, True, {})


def refuting(formula: Formula, names: Callable[[Atom], bool]) -> Formula:
    """The formula with the conditions that ``names`` tells made as hard to meet as they may be."""
    return _granted(formula, names, False, {})


def decided(formula: Formula, decide: Callable[[Atom], Formula | None]) -> Formula:
    """The formula with some of its atoms settled, or others in their place; ``decide`` leaves one as it is by None."""
    return _decided(formula, decide, {})


def replaced_atoms(formula: Formula, change: Callable[[Atom], Formula], reads: Callable[[str], bool]) -> Formula:
    """The formula with each atom changed; a delayed condition is read only where ``reads`` says so of its text.

    ``change`` is asked once of each atom, and a part in which nothing changes stays what it is.
    """
    known: dict[Formula, Formula] = {}

    def replaced(part: Formula) -> Formula:
        if isinstance(part, bool):
            return part
        if isinstance(part, Delayed):
            return replaced(part.formula) if reads(part.text) else part
        if part not in known:
            known[part] = change(part) if isinstance(part, Atom) else joined(part)
        return known[part]

    def joined(part: Not | And | Or) -> Formula:
        parts = tuple(map(replaced, part.parts))
        if all(new is old for new, old in zip(parts, part.parts, strict=True)):
            return part
        if isinstance(part, Not):
            return neg(parts[0])
        return conj(*parts) if isinstance(part, And) else disj(*parts)

    return replaced(formula)


def _decided(formula: Formula, decide: Callable[[Atom], Formula | None], known: dict[int, Formula]) -> Formula:
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, Atom):
        said = decide(formula)
        return formula if said is None else said
    if isinstance(formula, Delayed):
        return _decided(formula.formula, decide, known)
    key = id(formula)
    if key not in known:
        parts = tuple(_decided(part, decide, known) for part in formula.parts)
        if isinstance(formula, Not):
            known[key] = neg(parts[0])
        else:
            known[key] = conj(*parts) if isinstance(formula, And) else disj(*parts)
    return known[key]


def _granted(
    formula: Formula, grants: Callable[[Atom], bool], positive: bool, known: dict[tuple[int, bool], Formula]
) -> Formula:
    """The formula with the atoms that ``grants`` names made to hold, or under a negation not to hold."""
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, Atom):
        return positive if grants(formula) else formula
    if isinstance(formula, Delayed):
        return _granted(formula.formula, grants, positive, known)
    key = id(formula), positive
    if key not in known:
        if isinstance(formula, Not):
            known[key] = neg(_granted(formula.inner, grants, not positive, known))
        else:
            parts = tuple(_granted(part, grants, positive, known) for part in formula.parts)
            known[key] = conj(*parts) if isinstance(formula, And) else disj(*parts)
    return known[key]


def implies(premise: Formula, conclusion: Formula) -> bool:
    """Whether the conclusion holds wherever the premise does; False where that cannot be decided."""
    premise, conclusion = settled(premise), settled(conclusion)
    if conclusion is True or premise is False:
        return True
    if conclusion is False:
        return False
    if premise == conclusion:
        return True
    if isinstance(premise, And) and _has_all(premise, conclusion):
        return True
    if isinstance(conclusion, Or) and any(implies(premise, part) for part in conclusion.parts):
        return True
    every = list(itertools.islice(dict.fromkeys(itertools.chain(atoms(premise), atoms(conclusion))), MAX_SIZE))
    if len(every) > MAX_ATOMS:
        return _has_all(premise, conclusion)
    return all(holds(conclusion, true) for true in _assignments(every) if holds(premise, true))


def is_decidable(premise: Formula, conclusion: Formula) -> bool:
    """Whether ``implies`` is right about these where it says no.

    With too many atoms to try everything, those that the premise settles are left out; of the others, if they are still
    too many, only all and none are tried.
    """
    premise, conclusion = settled(premise), settled(conclusion)
    every = list(dict.fromkeys(itertools.chain(atoms(premise), atoms(conclusion))))
    if len(every) <= MAX_ATOMS:
        return True
    given = frozenset(_literals(premise))
    true = frozenset(part for part in given if isinstance(part, Atom))
    said: dict[str | None, str | None] = {atom.subject: atom.constant for atom in true if atom.subject is not None}
    left = [
        atom
        for atom in every
        if atom not in true and neg(atom) not in given and said.get(atom.subject, atom.constant) == atom.constant
    ]
    is_possible = _possible(every)
    few = len(left) <= MAX_ATOMS
    rest = itertools.product((False, True), repeat=len(left)) if few else [[False] * len(left), [True] * len(left)]
    tries = (true.union(itertools.compress(left, chosen)) for chosen in rest)
    return any(is_possible(each) and holds(premise, each) and not holds(conclusion, each) for each in tries)


def exclude_plainly(one: Formula, other: Formula) -> bool:
    """Whether two formulas bear parts that rule each other out: ``x`` and ``not x``, or two constants for one thing.

    Only single conditions that must hold on either side are looked at, so it is cheap for guards of any size.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    there = set(_literals(other))
    constants = {part.subject: part.constant for part in there if isinstance(part, Atom) and part.subject is not None}
    for part in _literals(one):
        if neg(part) in there:
            return True
        if isinstance(part, Atom) and part.subject in constants and constants[part.subject] != part.constant:
            return True
    return False


def _literals(formula: Formula) -> Iterator[Formula]:
    for written in _conjuncts(formula):
        for part in _conjuncts(written.formula) if isinstance(written, Delayed) else (written,):
            if isinstance(part, Atom) or (isinstance(part, Not) and isinstance(part.inner, Atom)):
                yield part


def satisfiable(formula: Formula) -> bool:
    """Whether the formula can hold at all; True where that cannot be decided."""
    formula = settled(formula)
    if isinstance(formula, bool):
        return formula
    every = list(dict.fromkeys(atoms(formula)))
    return len(every) > MAX_ATOMS or any(holds(formula, true) for true in _assignments(every))


def _has_all(premise: Formula, conclusion: Formula) -> bool:
    """Whether each part that must hold for the conclusion is one that must for the premise, as written."""
    return frozenset(_conjuncts(premise)).issuperset(_conjuncts(conclusion))


def _conjuncts(formula: Formula) -> Iterable[Formula]:
    return formula.parts if isinstance(formula, And) else (formula,)


def _assignments(every: list[Atom]) -> Iterator[frozenset[Atom]]:
    is_possible = _possible(every)
    for choice in itertools.product((False, True), repeat=len(every)):
        true = frozenset(itertools.compress(every, choice))
        if is_possible(true):
            yield true


def _possible(every: list[Atom]) -> Callable[[frozenset[Atom]], bool]:
    """A test of whether exactly these atoms can hold together."""
    offered = Counter(atom.subject for atom in every if atom.choices)
    must_hold = {atom.subject for atom in every if atom.choices and offered[atom.subject] == atom.choices}
    defined = [atom for atom in every if atom.text.endswith(_DEFINED)]
    needed = [(atom, other) for other in defined for atom in every if needs(atom, other)]

    def is_possible(true: frozenset[Atom]) -> bool:
        equal = [atom for atom in true if atom.subject is not None]
        subjects = {atom.subject: atom.constant for atom in equal}
        if not must_hold <= subjects.keys() or any(atom in true and other not in true for atom, other in needed):
            return False
        return all(subjects[atom.subject] == atom.constant for atom in equal)

    return is_possible


def needs(atom: Atom, other: Atom) -> bool:
    """Whether one condition holds only where the other does, which is that something is defined.

    Whatever holds of a variable needs it to be: ``x`` and ``x.y`` are false, or fail, where x is not defined.
    """
    if atom is other or atom.since != other.since:
        return False
    name = other.text.removesuffix(_DEFINED)
    said = atom.said.removesuffix(_DEFINED)
    return said == name or said.startswith(tuple(f"{name}{after}" for after in _AFTER_NAME))


def opaque(said: Formula) -> Formula:
    """The formula as it stands, with all that it says of jobs asked for something else than their state."""
    return replaced_atoms(said, lambda atom: replace(atom, is_opaque=True) if atom.about else atom, lambda _: True)
