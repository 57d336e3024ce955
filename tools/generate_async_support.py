#!/usr/bin/env python3
"""Write checks/evidence/async_support.py: which action plugins refuse ``async``, by version of ansible-core.

An action plugin refuses a task with ``async`` in ``ActionBase.run`` unless it has set ``_supports_async``. The plugins
of every installed ansible-core (``.envs/core-*``, or the folder named by ANSIBLE_REAP_ENVS) are read as syntax trees;
nothing is imported. A plugin that never calls ``super().run`` hands the task to another one and refuses nothing.

    tools/generate_async_support.py                        write the module
    tools/generate_async_support.py --check                exit status 1 where the module is not what would be written
    tools/generate_async_support.py --collections FOLDER   read the collections anew, from FOLDER/ansible_collections

Without --collections the collections' part of the module stays as it is.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src/ansible_reap/checks/evidence/async_support.py"
COLLECTIONS = ("ansible.posix", "ansible.windows", "kubernetes.core")
"""Collections whose action plugins people give ``async`` to."""

HEAD = '''"""Action plugins that refuse ``async``. Written by tools/generate_async_support.py; do not edit."""

from __future__ import annotations

from collections.abc import Mapping
'''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--collections", type=Path, metavar="FOLDER", help="where ansible_collections/ lies")
    args = parser.parse_args()
    plugins = core_plugins(Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs"))
    if not plugins:
        print("no .envs/core-* to read: run tools/envs.py first", file=sys.stderr)
        return 2
    collections = read_collections(args.collections) if args.collections else checked_in_collections()
    text = formatted(render(plugins, collections))
    if args.check:
        current = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
        if current != text:
            print(f"{TARGET.relative_to(ROOT)} is out of date: run tools/generate_async_support.py", file=sys.stderr)
        return int(current != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


def core_plugins(envs: Path) -> dict[str, dict[str, bool]]:
    """For each version, as in ``2.16``: action plugin -> whether it refuses async."""
    found = {}
    for env in sorted(envs.glob("core-*"), key=lambda path: [int(part) for part in path.name[5:].split(".")]):
        for folder in env.glob("lib/python3*/site-packages/ansible/plugins/action"):
            found[env.name[5:]] = read_plugins(folder)
    return found


def read_plugins(folder: Path) -> dict[str, bool]:
    names = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
    return {path.stem: refuses_async(path.read_text(encoding="utf-8")) for path in names}


def refuses_async(source: str) -> bool:
    """Whether an action plugin calls ``super().run`` without ever having set ``_supports_async`` to True."""
    calls_super = False
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is True:
            for target in node.targets:
                if getattr(target, "attr", getattr(target, "id", None)) == "_supports_async":
                    return False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run":
            of = node.func.value
            calls_super |= isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and of.func.id == "super"
    return calls_super


def read_collections(folder: Path) -> dict[str, str]:
    """Fully qualified action -> the version of the collection that was read, for those that refuse async."""
    found = {}
    for name in COLLECTIONS:
        base = folder / "ansible_collections" / Path(*name.split("."))
        manifest = json.loads((base / "MANIFEST.json").read_text(encoding="utf-8"))
        for plugin, refuses in read_plugins(base / "plugins/action").items():
            if refuses:
                found[f"{name}.{plugin}"] = manifest["collection_info"]["version"]
    return found


def checked_in_collections() -> dict[str, str]:
    for node in ast.walk(ast.parse(TARGET.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "COLLECTIONS" and node.value:
            return dict(ast.literal_eval(node.value))
    raise SystemExit(f"{TARGET}: no COLLECTIONS; give --collections")


def render(plugins: dict[str, dict[str, bool]], collections: dict[str, str]) -> str:
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
    lines += [f"    {name!r}: {version!r}," for name, version in collections.items()]
    lines += [
        "}",
        '"""Action of another collection that refuses ``async`` -> the version of the collection that was read."""',
    ]
    return "\n".join(lines) + "\n"


def formatted(text: str) -> str:
    """As ``ruff format`` leaves it, so that the module passes the checks that all code passes."""
    command = [sys.executable, "-m", "ruff", "format", "-", "--stdin-filename", str(TARGET)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout


if __name__ == "__main__":
    sys.exit(main())
