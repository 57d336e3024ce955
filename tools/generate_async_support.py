#!/usr/bin/env python3
"""Write checks/evidence/async_support.py: which action plugins refuse ``async``, by version of ansible-core.

An action plugin refuses a task with ``async`` in ``ActionBase.run`` unless it has set ``_supports_async``. The plugins
of every installed ansible-core (``.envs/core-*``, or the folder named by ANSIBLE_REAP_ENVS) are read as syntax trees;
nothing is imported. A plugin that never calls ``super().run`` hands the task to another one and refuses nothing.

    tools/generate_async_support.py                        write the module
    tools/generate_async_support.py --check                exit status 1 where the module is not what would be written
    tools/generate_async_support.py --collections FOLDER   read the collections anew, from FOLDER/ansible_collections

FOLDER is site-packages of an environment with the package ``ansible``, or that package's wheel unpacked. A plugin there
may inherit from one of another collection or of ansible-core: it refuses async where none of its classes sets
``_supports_async``. Names that a collection routes to such a plugin refuse it too. Without --collections that
part of the module stays as it is.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src/ansible_reap/checks/evidence/async_support.py"
CORE = "ansible.plugins.action"
NEARLY_ALL = 0.9
"""The part of a collection from which on the exceptions are listed."""

HEAD = '''"""Action plugins that refuse ``async``. Written by tools/generate_async_support.py; do not edit."""

from __future__ import annotations

from collections.abc import Mapping
'''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--collections", type=Path, metavar="FOLDER", help="where ansible_collections/ lies")
    args = parser.parse_args()
    envs = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
    plugins = {version: read_plugins(folder) for version, folder in core_folders(envs).items()}
    if not plugins:
        print("no .envs/core-* to read: run tools/envs.py first", file=sys.stderr)
        return 2
    core = list(core_folders(envs).values())[-1]
    collections = read_collections(args.collections, core) if args.collections else checked_in_collections()
    text = formatted(render(plugins, collections))
    if args.check:
        current = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
        if current != text:
            print(f"{TARGET.relative_to(ROOT)} is out of date: run tools/generate_async_support.py", file=sys.stderr)
        return int(current != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


def core_folders(envs: Path) -> dict[str, Path]:
    """For each version of ansible-core, as in ``2.16``: the folder of its action plugins."""
    found = {}
    for env in sorted(envs.glob("core-*"), key=lambda path: [int(part) for part in path.name[5:].split(".")]):
        for folder in env.glob("lib/python3*/site-packages/ansible/plugins/action"):
            found[env.name[5:]] = folder
    return found


def read_plugins(folder: Path) -> dict[str, bool]:
    names = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
    return {path.stem: refuses_async(path.read_text(encoding="utf-8")) for path in names}


def refuses_async(source: str) -> bool:
    """Whether an action plugin calls ``super().run`` without ever having set ``_supports_async`` to True."""
    tree = ast.parse(source)
    return calls_super(tree) and not sets_support(tree)


def sets_support(tree: ast.AST) -> bool:
    """Whether ``_supports_async`` is given any value but False; what depends on something is taken for support."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names = [getattr(target, "attr", getattr(target, "id", None)) for target in node.targets]
            is_false = isinstance(node.value, ast.Constant) and node.value.value is False
            if "_supports_async" in names and not is_false:
                return True
    return False


def has_run(tree: ast.ClassDef) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body)


def calls_super(tree: ast.AST) -> bool:
    """Whether ``run`` of the base class is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run":
            of = node.func.value
            if isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and of.func.id == "super":
                return True
    return False


class Read(NamedTuple):
    """What the collections say."""

    refusing: dict[str, str]
    """Fully qualified action -> the version of the collection; ``NAMESPACE.NAME.*`` for all of a collection."""
    accepting: list[str]
    """The modules and actions of such a collection that do not refuse async."""


def read_collections(folder: Path, core: Path) -> Read:
    """The actions that refuse async. Where nearly all of a collection do, those that do not are listed instead."""
    root = folder / "ansible_collections"
    reader = Collections(root, core)
    found: dict[str, str] = {}
    accepting: list[str] = []
    for base in sorted(path.parent for path in root.glob("*/*/MANIFEST.json")):
        name = f"{base.parent.name}.{base.name}"
        version = json.loads((base / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"]
        refusing = {path.stem for path in plugin_files(base, "action") if reader.refuses(path, "ActionModule")}
        routed = routes(base)
        refusing |= {alias for alias, target in routed.items() if target in {f"{name}.{each}" for each in refusing}}
        every = {path.stem for kind in ("action", "modules") for path in plugin_files(base, kind)}
        if refusing and len(every & refusing) > NEARLY_ALL * len(every):
            found[f"{name}.*"] = version
            accepting += [f"{name}.{each}" for each in sorted(every - refusing)]
        else:
            found.update({f"{name}.{each}": version for each in sorted(refusing)})
    return Read(found, accepting)


def plugin_files(base: Path, kind: str) -> list[Path]:
    return sorted(path for path in (base / "plugins" / kind).glob("*.py") if path.stem != "__init__")


def routes(base: Path) -> dict[str, str]:
    """The names that a collection routes to another action, as ``meta/runtime.yml`` says."""
    file = base / "meta/runtime.yml"
    data = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    entries = ((data or {}).get("plugin_routing") or {}).get("action") or {}
    return {name: entry["redirect"] for name, entry in entries.items() if entry and entry.get("redirect")}


class Collections:
    """Action plugins whose base classes may stand in other files."""

    def __init__(self, root: Path, core: Path) -> None:
        """``root`` is the folder ``ansible_collections``, ``core`` that of ansible-core's own action plugins."""
        self._root = root
        self._core = core
        self._known: dict[tuple[Path, str], bool] = {}

    def refuses(self, path: Path, name: str) -> bool:
        """Whether the class ends in ``ActionBase.run`` without ``_supports_async``; False where that cannot be told."""
        key = (path, name)
        if key not in self._known:
            self._known[key] = False  # whatever inherits from itself
            self._known[key] = self._refuses(path, name)
        return self._known[key]

    def _refuses(self, path: Path, name: str) -> bool:
        if not path.is_file():
            return False
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        origins = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and not node.level
            for alias in node.names
        }
        made = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), None)
        if made is None:
            return name in origins and self._refuses_imported(*origins[name])
        if sets_support(made) or (has_run(made) and not calls_super(made)):
            return False
        bases = [base.id for base in made.bases if isinstance(base, ast.Name)]
        return bool(bases) and all(
            self._refuses_imported(*origins[base]) if base in origins else self.refuses(path, base) for base in bases
        )

    def _refuses_imported(self, module: str, name: str) -> bool:
        if module == CORE and name == "ActionBase":
            return True
        if module.startswith(f"{CORE}."):
            return self.refuses(self._core / f"{module.removeprefix(CORE + '.')}.py", name)
        if module.startswith("ansible_collections."):
            return self.refuses(self._root.joinpath(*module.split(".")[1:]).with_suffix(".py"), name)
        return False


def checked_in_collections() -> Read:
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(TARGET.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    if not {"COLLECTIONS", "ACCEPTING"} <= found.keys():
        raise SystemExit(f"{TARGET}: no COLLECTIONS and ACCEPTING; give --collections")
    accepting = [ast.literal_eval(name) for name in found["ACCEPTING"].args[0].elts] if found["ACCEPTING"].args else []
    return Read(dict(ast.literal_eval(found["COLLECTIONS"])), accepting)


def render(plugins: dict[str, dict[str, bool]], collections: Read) -> str:
    names = sorted({name for version in plugins.values() for name, refuses in version.items() if refuses})
    refused = {name: tuple(version for version in plugins if plugins[version].get(name)) for name in names}
    lines = [HEAD, f"VERSIONS: tuple[str, ...] = {tuple(plugins)!r}"]
    lines += ['"""The versions of ansible-core that were read."""', ""]
    lines += ["BUILTIN: Mapping[str, tuple[str, ...]] = {"]
    lines += [
        f"    {name!r}: {'VERSIONS' if found == tuple(plugins) else repr(found)}," for name, found in refused.items()
    ]
    lines += ["}", '"""Action of ansible.builtin -> the versions of ansible-core that refuse it with ``async``."""', ""]
    lines += ["COLLECTIONS: Mapping[str, str] = {"]
    lines += [f"    {name!r}: {version!r}," for name, version in sorted(collections.refusing.items())]
    lines += [
        "}",
        '"""Action of another collection that refuses ``async`` -> the version of the collection that was read.',
        "",
        "``NAMESPACE.NAME.*`` is a collection all of whose modules and actions do, but for those in ACCEPTING.",
        '"""',
        "",
        "ACCEPTING: frozenset[str] = frozenset([",
        *(f"    {name!r}," for name in collections.accepting),
        "])",
    ]
    return "\n".join(lines) + "\n"


def formatted(text: str) -> str:
    """As ``ruff format`` leaves it, so that the module passes the checks that all code passes."""
    command = [sys.executable, "-m", "ruff", "format", "-", "--stdin-filename", str(TARGET)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout


if __name__ == "__main__":
    sys.exit(main())
