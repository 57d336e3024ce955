"""Small classes of named fields: `dataclass`, `field` and `replace` of the standard library, made for less.

`dataclasses` compiles up to seven methods for a class when its module is imported, used or not: for
the fifty that a check loads this took a sixth of its time, and most of what the callback added to the start of a play.
Here a class costs a few slots; its constructor is compiled when the first instance is made, and comparing, hashing and
printing are functions that all classes share.

The arguments are those of the standard library that this project uses, and to a type checker they are the same objects,
so that it knows fields, constructors and what is frozen. At run time nothing stops an assignment to a field of a frozen
class. `dataclasses.fields`, `replace` and `asdict` work on these classes too.
"""

from operator import attrgetter
from typing import TYPE_CHECKING

__all__ = ["dataclass", "field", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace  # noqa: TID251 - what they are to a type checker
else:
    _MISSING = object()

    class _Field:
        """What `field` was told of one field."""

        __slots__ = ("compare", "default", "default_factory", "init", "name", "repr")

        def __init__(self, default, default_factory, init, repr, compare):  # noqa: A002 - the names of dataclasses.field
            self.name = ""
            self.default = default
            self.default_factory = default_factory
            self.init = init
            self.repr = repr
            self.compare = compare

    class _StandardFields:
        """`__dataclass_fields__`: what `dataclasses` asks of a class, made when it asks."""

        def __get__(self, instance, owner):
            import dataclasses  # noqa: PLC0415 - slow, and only for who uses it

            def told(each):
                known = {"init": each.init, "repr": each.repr, "compare": each.compare}
                if each.default_factory is not _MISSING:
                    known["default_factory"] = each.default_factory
                elif each.default is not _MISSING:
                    known["default"] = each.default
                return each.name, object, dataclasses.field(**known)

            made = dataclasses.make_dataclass(owner.__name__, [told(each) for each in owner.__record_fields__])
            owner.__dataclass_fields__ = made.__dataclass_fields__
            return owner.__dataclass_fields__

    def field(*, default=_MISSING, default_factory=_MISSING, init=True, repr=True, compare=True):  # noqa: A002
        """As `dataclasses.field`."""
        return _Field(default, default_factory, init, repr, compare)

    def replace(record, /, **changes):
        """As `dataclasses.replace`: a copy of a record with other values for some fields."""
        for each in record.__record_fields__:
            if each.init and each.name not in changes:
                changes[each.name] = getattr(record, each.name)
        return record.__class__(**changes)

    def dataclass(*, frozen=False, slots, eq=True, repr=True):  # noqa: A002
        """As `dataclasses.dataclass`, for classes with slots."""

        def made(cls):
            return _record(cls, frozen=frozen, eq=eq, shown=repr)

        return made

    def _record(cls, *, frozen, eq, shown):
        """The class anew, with slots for its own fields."""
        own = _own_fields(cls)
        inherited = {each.name: each for each in getattr(cls, "__record_fields__", ())}
        fields = tuple({**inherited, **own}.values())
        content = {
            name: value
            for name, value in cls.__dict__.items()
            if name not in own and name not in ("__dict__", "__weakref__")
        }
        content["__slots__"] = tuple(name for name in own if name not in inherited)
        content["__qualname__"] = cls.__qualname__
        content["__record_fields__"] = fields
        content["__dataclass_fields__"] = _StandardFields()
        content["__match_args__"] = tuple(each.name for each in fields if each.init)
        if eq:
            content.setdefault("__eq__", _equal)
            compared = [each.name for each in fields if each.compare]
            content["__record_key__"] = attrgetter(*compared or ["__class__"])
            if content.get("__hash__") is None:  # a class that has its own __eq__ has None there
                content["__hash__"] = _hash if frozen else None
        if shown:
            content.setdefault("__repr__", _shown)
        made = type(cls)(cls.__name__, cls.__bases__, content)
        if "__init__" not in content:
            made.__init__ = _first_init(made)
        return made

    def _own_fields(cls):
        """The fields that the class itself annotates, by their names."""
        found = {}
        for name, annotation in cls.__annotations__.items():
            if "ClassVar" in str(annotation):
                continue
            default = cls.__dict__.get(name, _MISSING)
            each = default if isinstance(default, _Field) else _Field(default, _MISSING, True, True, True)
            each.name = name
            found[name] = each
        return found

    def _first_init(cls):
        """A constructor that compiles the true one and puts it in its own place."""

        def __init__(self, *args, **kwargs):  # noqa: N807
            cls.__init__ = _init(cls)
            cls.__init__(self, *args, **kwargs)

        return __init__

    def _init(cls):
        """The constructor: its parameters are the fields, and it ends with `__post_init__` where there is one."""
        known = {"_missing": _MISSING}
        parameters = ["self"]
        lines = []
        for each in cls.__record_fields__:
            name, value = each.name, each.name
            if each.default_factory is not _MISSING:
                known[f"_make_{name}"] = each.default_factory
                if each.init:
                    parameters.append(f"{name}=_missing")
                    value = f"_make_{name}() if {name} is _missing else {name}"
                else:
                    value = f"_make_{name}()"
            elif each.default is not _MISSING:
                known[f"_default_{name}"] = each.default
                if each.init:
                    parameters.append(f"{name}=_default_{name}")
                else:
                    value = f"_default_{name}"
            elif each.init:
                parameters.append(name)
            else:
                continue
            lines.append(f"    self.{name} = {value}\n")
        if hasattr(cls, "__post_init__"):
            lines.append("    self.__post_init__()\n")
        exec(f"def __init__({', '.join(parameters)}):\n{''.join(lines) or '    pass'}", known)  # noqa: S102 - names of fields
        made = known["__init__"]
        made.__module__ = cls.__module__
        made.__qualname__ = f"{cls.__qualname__}.__init__"
        return made

    def _equal(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or self.__record_key__(self) == other.__record_key__(other)

    def _hash(self):
        return hash(self.__record_key__(self))

    def _shown(self):
        shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in self.__record_fields__ if each.repr)
        return f"{self.__class__.__qualname__}({shown})"
