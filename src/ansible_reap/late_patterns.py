"""Regular expressions that are compiled when they are first used.

A check loads some hundred and twenty expressions and uses few of them; to compile all cost an eighth of its time. To a
type checker `expression` is `re.compile`.
"""

import re
from typing import TYPE_CHECKING

__all__ = ["expression"]

if TYPE_CHECKING:
    from re import compile as expression
else:

    class expression:  # noqa: N801 - it stands for a function
        """A pattern whose methods are those of the compiled expression from the first use on."""

        def __init__(self, pattern, flags=0):
            self.pattern = pattern
            self._flags = flags

        def __getattr__(self, name):
            compiled = re.compile(self.pattern, self._flags)
            for each in (
                "fullmatch",
                "match",
                "search",
                "finditer",
                "findall",
                "sub",
                "subn",
                "split",
                "flags",
                "groups",
            ):
                setattr(self, each, getattr(compiled, each))
            return getattr(compiled, name)
