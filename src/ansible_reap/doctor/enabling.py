"""``doctor --fix``: names our rules in the ``enable_list`` of an ``.ansible-lint`` whose profile unloads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap import files
from ansible_reap.checks.registry import RULES
from ansible_reap.content.source import end_line
from ansible_reap.linting.config import load_mapping
from ansible_reap.linting.lintconfig import CONFIG_FILES
from ansible_reap.linting.problems import ConfigError
from ansible_reap.reading import SourceError
from ansible_reap.wording import counted
from ansible_reap.yaml_nodes import compose, plain


def unloaded(folder: Path) -> tuple[str, list[str]] | None:
    """The configuration in effect in a folder and our rules that its profile unloads; None without such a thing.

    Raises ConfigError where the configuration cannot be used.
    """
    name = next((name for name in CONFIG_FILES if (folder / name).is_file()), None)
    if name is None:
        return None
    config = load_mapping(folder / name, name)
    enabled = config.get("enable_list") or []
    missing = [rule.id for rule in RULES if rule.id not in enabled and rule.id not in rule.opt_in]
    return (name, missing) if config.get("profile") and missing else None


def block(names: Sequence[str]) -> str:
    """What to put into the configuration by hand."""
    return "".join(("enable_list:\n", *(f"  - {name}\n" for name in names)))


def enable(folder: Path) -> str | None:
    """Name the rules that are unloaded in the configuration; one line about what was done, None without need.

    Raises ConfigError where the file cannot be used, or cannot be changed without changing more than the list; OSError
    where it cannot be written.
    """
    found = unloaded(folder)
    if found is None:
        return None
    name, names = found
    data = (folder / name).read_bytes()
    changed = added(data.decode("utf-8"), names)
    if changed is None:
        raise ConfigError(f"its enable_list cannot be added to; put this there: {', '.join(names)}", name)
    files.refuse_leaving(folder, folder / name)
    files.write(folder / name, changed.encode("utf-8"), private=False)
    return f"{name}: {counted(len(names), 'rule')} added to enable_list"


def added(text: str, names: Sequence[str]) -> str | None:
    """The configuration's text with the names in its enable_list; None where that cannot be done line by line.

    Comments, order and line ends stay as they are.
    """
    root = compose(text.encode("utf-8"))
    if not isinstance(root, MappingNode) or root.flow_style:
        return None
    node = next(
        (value for key, value in root.value if isinstance(key, ScalarNode) and key.value == "enable_list"), None
    )
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    _insert(lines, node, root, names, end)
    changed = "".join(lines)
    return changed if _is_as_meant(root, changed, names) else None


def _insert(lines: list[str], node: Node | None, root: MappingNode, names: Sequence[str], end: str) -> None:
    if node is None:
        at = end_line(root)
        lines[at:at] = [line + end for line in block(names).splitlines()]
    elif isinstance(node, SequenceNode) and node.flow_style:
        row, column = node.end_mark.line, node.end_mark.column - 1
        line = lines[row]
        comma = ", " if node.value else ""
        lines[row] = line[:column].rstrip() + comma + ", ".join(names) + line[column:]
    elif isinstance(node, SequenceNode) and node.value:
        at = end_line(node)
        indent = lines[node.value[-1].start_mark.line].partition("-")[0]
        lines[at:at] = [f"{indent}- {name}{end}" for name in names]
    elif isinstance(node, ScalarNode):  # nothing behind the key
        lines[node.start_mark.line + 1 : node.start_mark.line + 1] = [f"  - {name}{end}" for name in names]


def _is_as_meant(root: Node, changed: str, names: Sequence[str]) -> bool:
    try:
        after = compose(changed.encode("utf-8"))
    except SourceError:
        return False
    before = dict(plain(root))
    wanted = {**before, "enable_list": [*(before.get("enable_list") or []), *names]}
    return after is not None and plain(after) == wanted
