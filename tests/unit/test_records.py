"""`records.dataclass` makes what `dataclasses.dataclass` makes, and patterns are compiled when they are first used."""

import copy
import dataclasses
import pickle
import re
import subprocess
import sys
from typing import Any, ClassVar

import pytest

from ansible_reap import late_patterns, records
from ansible_reap.jobs import Detachment

NAMES = ("Point", "Named", "Loose", "Bare", "Checked", "Odd", "Empty")


def _classes(make: Any) -> dict[str, Any]:
    """The same seven classes, made by one of the two."""
    dataclass, field = make.dataclass, make.field

    @dataclass(frozen=True, slots=True)
    class Point:
        """A point."""

        known: ClassVar[int] = 3

        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list, compare=False)

        @property
        def total(self) -> int:
            return self.x + self.y

    @dataclass(frozen=True, slots=True)
    class Named(Point):
        name: str = "none"
        y: int = 9

    @dataclass(slots=True)
    class Loose:
        value: int
        secret: str = field(default="", repr=False)

    @dataclass(frozen=True, slots=True, eq=False, repr=False)
    class Bare:
        value: int

    @dataclass(frozen=True, slots=True)
    class Checked:
        value: int

        def __post_init__(self) -> None:
            if self.value < 0:
                raise ValueError(self.value)

    @dataclass(frozen=True, slots=True)
    class Odd:
        value: int
        cache: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

        def __repr__(self) -> str:
            return "odd"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Odd)

        def __hash__(self) -> int:
            return 7

    @dataclass(frozen=True, slots=True)
    class Empty:
        pass

    return {each.__name__: each for each in (Point, Named, Loose, Bare, Checked, Odd, Empty)}


OURS, THEIRS = _classes(records), _classes(dataclasses)


def _outcome(act: Any, classes: dict[str, Any]) -> object:
    """What an act gives, or the kind of its error; names of places are left out."""
    try:
        given = act(classes)
    except (TypeError, ValueError) as error:
        return type(error)
    return re.sub(r"0x[0-9a-f]+|_classes\.<locals>\.", "", repr(given))


ACTS = {
    "defaults": lambda c: c["Point"](1),
    "by name": lambda c: c["Point"](y=5, x=4, tags=["a"]),
    "missing": lambda c: c["Point"](),
    "unknown": lambda c: c["Point"](1, z=2),
    "a list of its own": lambda c: c["Point"](1).tags is c["Point"](1).tags,
    "property": lambda c: c["Point"](1).total,
    "class variable": lambda c: c["Point"].known,
    "equal": lambda c: [c["Point"](1) == c["Point"](1, 2, ["other"]), c["Point"](1) == c["Point"](2)],
    "another class": lambda c: [c["Point"](1) == c["Named"](1), c["Point"](1) == 1, c["Point"](1) != 1],
    "hash": lambda c: [len({c["Point"](1), c["Point"](1)}), hash(c["Point"](1)) == hash(c["Point"](1, 2))],
    "inherited": lambda c: c["Named"](1),
    "inherited by name": lambda c: c["Named"](1, name="n"),
    "hidden from repr": lambda c: c["Loose"](1, "s"),
    "mutable has no hash": lambda c: hash(c["Loose"](1)),
    "identity": lambda c: [c["Bare"](1) == c["Bare"](1), isinstance(hash(c["Bare"](1)), int)],
    "post init": lambda c: c["Checked"](-1),
    "post init passes": lambda c: c["Checked"](1),
    "own methods": lambda c: [c["Odd"](1), c["Odd"](1) == c["Odd"](2), hash(c["Odd"](1))],
    "not in the constructor": lambda c: c["Odd"](1, {}),
    "not in the constructor has a value": lambda c: c["Odd"](1).cache,
    "empty": lambda c: [c["Empty"](), c["Empty"]() == c["Empty"](), hash(c["Empty"]()) == hash(c["Empty"]())],
    "slots": lambda c: [hasattr(c["Point"](1), "__dict__"), c["Point"].__slots__, c["Named"].__match_args__],
    "copy": lambda c: [copy.copy(c["Point"](1)), copy.deepcopy(c["Named"](1, tags=["a"]))],
    "doc": lambda c: c["Point"].__doc__,
    "fields": lambda c: [(each.name, each.init, each.repr, each.compare) for each in dataclasses.fields(c["Odd"])],
    "asdict": lambda c: dataclasses.asdict(c["Named"](1, tags=["a"])),
    "is_dataclass": lambda c: [dataclasses.is_dataclass(c["Point"]), dataclasses.is_dataclass(c["Bare"](1))],
    "their replace": lambda c: dataclasses.replace(c["Named"](1), y=5),
    "their replace, unknown": lambda c: dataclasses.replace(c["Named"](1), z=5),
}


@pytest.mark.parametrize("name", ACTS)
def test_a_record_behaves_as_a_dataclass(name: str) -> None:
    assert _outcome(ACTS[name], OURS) == _outcome(ACTS[name], THEIRS)


def test_replace_keeps_the_other_fields() -> None:
    first = OURS["Named"](1, name="n", tags=["a"])
    second = records.replace(first, y=7)
    assert (second.x, second.y, second.name, second.tags) == (1, 7, "n", ["a"])
    assert first.y == 9
    with pytest.raises(TypeError):
        records.replace(first, z=1)
    assert records.replace(OURS["Odd"](1), value=2).value == 2


def test_a_record_can_be_pickled() -> None:
    first = Detachment("a daemon")
    assert pickle.loads(pickle.dumps(first)) == first


def test_the_standard_module_is_not_loaded_for_records() -> None:
    program = "import sys, ansible_reap.records, ansible_reap.late_patterns; print('dataclasses' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


def test_a_late_pattern_is_the_compiled_one() -> None:
    late, compiled = (
        late_patterns.expression(r"(?P<first>a)b*", re.IGNORECASE),
        re.compile(r"(?P<first>a)b*", re.IGNORECASE),
    )
    for text in ("ABB", "xab", "", "b"):
        for method in ("match", "search", "fullmatch"):
            given, right = getattr(late, method)(text), getattr(compiled, method)(text)
            assert (given and given.groupdict()) == (right and right.groupdict())
        assert late.sub("-", text) == compiled.sub("-", text)
        assert late.findall(text) == compiled.findall(text)
    assert (late.pattern, late.flags, late.groupindex) == (compiled.pattern, compiled.flags, compiled.groupindex)
    with pytest.raises(AttributeError):
        getattr(late, "nothing")  # noqa: B009
