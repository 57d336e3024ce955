"""The Python of the generated hosts: runs modules as they come, but keeps what it has compiled.

Ansible sends each module as a zip of sources, which an ordinary interpreter compiles anew every time; that is more than
half of what a short run costs. Called as ``python3`` with the module on standard input, or as a file with arguments.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import types
import zipimport

CACHE = os.environ.get("REFEREE_CODE_CACHE", "")


def _kept(pathname: str, source: bytes | str) -> types.CodeType:
    """The compiled source, from the cache where it has been compiled before."""
    text = source.encode() if isinstance(source, str) else source
    key = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    path = f"{CACHE}/{key}"
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the rest
            code: types.CodeType = marshal.load(file)
            return code
    except (OSError, ValueError, EOFError, TypeError):
        code = compile(source, pathname, "exec", dont_inherit=True)
    partial = f"{path}.{os.getpid()}"
    with open(partial, "wb") as file:  # noqa: PTH123 - as above
        marshal.dump(code, file)
    os.replace(partial, path)  # noqa: PTH105 - as above
    return code


def main() -> None:
    """Run what is asked for as ``__main__``."""
    if sys.argv[1:]:
        sys.argv = sys.argv[1:]
        with open(sys.argv[0], "rb") as file:  # noqa: PTH123 - as above
            source = file.read()
    else:
        sys.argv = [""]
        source = sys.stdin.buffer.read()
    if CACHE:
        zipimport._compile_source = _kept  # type: ignore[attr-defined]  # noqa: SLF001 - the only place to do it
    name = sys.argv[0] or "<stdin>"
    module = types.ModuleType("__main__")
    if sys.argv[0]:
        module.__file__ = name
    sys.modules["__main__"] = module
    exec(compile(source, name, "exec"), module.__dict__)


if __name__ == "__main__":
    main()
