"""YAML nodes to plays, blocks and tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from ansible_reap.content import arguments
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.keywords import ALIASES, TASK_KEYWORDS
from ansible_reap.content.model import Block, Place, Task
from ansible_reap.content.places import is_of_tasks
from ansible_reap.content.source import MAX_DEPTH, end_line, pairs, plain
from ansible_reap.records import dataclass, field

BLOCK_PARTS = ("block", "rescue", "always")
TASK_LISTS = ("pre_tasks", "tasks", "post_tasks", "handlers")
_PREFIXES = ("ansible.builtin.", "ansible.legacy.")


@dataclass(frozen=True, slots=True, eq=False)
class TaskBlock:
    """A ``block:`` with its three lists."""

    block: Block
    end_line: int
    name: str | None
    key_lines: dict[str, int]
    body: tuple[Step, ...] = ()
    rescue: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()

    def as_task(self) -> Task:
        """The block seen as a task, for what is said about its keywords."""
        return Task(
            place=self.block.place,
            end_line=self.end_line,
            name=self.name,
            action="block",
            module="block",
            args={},
            keywords=self.block.keywords,
            block=self.block.parent,
            key_lines=self.key_lines,
        )


Step = Task | TaskBlock


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """One play, or an ``import_playbook`` (then ``imports`` is the path as written)."""

    block: Block
    name: str | None
    hosts: str | None
    end_line: int
    imports: str | None = None
    roles: tuple[tuple[Place, Any], ...] = ()
    pre_tasks: tuple[Step, ...] = ()
    tasks: tuple[Step, ...] = ()
    post_tasks: tuple[Step, ...] = ()
    handlers: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a file holds: plays, or tasks (or handlers), or the roles that a role depends on."""

    path: str
    plays: tuple[Play, ...] = ()
    tasks: tuple[Step, ...] = ()
    dependencies: tuple[tuple[Place, Any], ...] = ()
    keys: frozenset[str] = field(default_factory=frozenset)

    def steps(self) -> Iterator[Step]:
        """Every task and block of the file, in the order of the text."""
        for play in self.plays:
            for part in (play.pre_tasks, play.tasks, play.post_tasks, play.handlers):
                yield from walk(part)
        yield from walk(self.tasks)

    def lists(self) -> Iterator[tuple[Step, ...]]:
        """Every list of tasks in the file, those of blocks too."""
        for play in self.plays:
            yield from (play.pre_tasks, play.tasks, play.post_tasks, play.handlers)
        yield self.tasks
        for step in self.steps():
            if isinstance(step, TaskBlock):
                yield from (step.body, step.rescue, step.always)


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step, the inner ones of blocks too."""
    for step in steps:
        yield step
        if isinstance(step, TaskBlock):
            for part in (step.body, step.rescue, step.always):
                yield from walk(part)


def short_module(action: str) -> str:
    """The action without Ansible's own collection names."""
    for prefix in _PREFIXES:
        if action.startswith(prefix):
            return action[len(prefix) :]
    return action


def is_playbook(root: Node | None) -> bool:
    """A list in which something has ``hosts`` or imports a playbook, be it by a merge key."""
    if not isinstance(root, SequenceNode):
        return False
    entries = (pairs(item) for item in root.value if isinstance(item, MappingNode))
    return any(short_module(key) in ("hosts", "import_playbook") for each in entries for key, _, _ in each)


def read_content(path: str, root: Node | None, *, handlers: bool = False) -> Content:
    """The plays or tasks of a composed file, or a role's dependencies; a file that holds none of them has none."""
    if isinstance(root, MappingNode):
        found = (value for key, _, value in pairs(root) if key == "dependencies" and is_of_tasks(path))
        return Content(path, dependencies=tuple(entry for value in found for entry in _role_entries(path, value)))
    if not isinstance(root, SequenceNode):
        return Content(path)
    if is_playbook(root):
        return Content(path, plays=tuple(_play(path, node) for node in root.value if isinstance(node, MappingNode)))
    return Content(path, tasks=_steps(path, root, None, handlers=handlers, depth=0))


def variables_of(written: Any) -> Any:
    """What ``vars`` gives: a list of mappings is one mapping for ansible-core up to 2.17; later ones refuse it."""
    if not (isinstance(written, list) and all(isinstance(each, dict) for each in written)):
        return written
    return {key: value for each in written for key, value in each.items()}


def _keyword(key: str, node: Node) -> Any:
    return variables_of(plain(node)) if key == "vars" else plain(node)


def _place(path: str, node: Node) -> Place:
    return Place(path, node.start_mark.line + 1, node.start_mark.column + 1)


def _play(path: str, node: MappingNode) -> Play:
    entries = pairs(node)
    place = _place(path, node)
    lists: dict[str, Node] = {}
    keywords: dict[str, Any] = {}
    imports: str | None = None
    roles: Node | None = None
    for key, _, value in entries:
        if key in TASK_LISTS:
            lists[key] = value
        elif key == "roles":
            roles = value
        elif short_module(key) in ("import_playbook", "include"):
            imports = _import_path(value)
        else:
            keywords[key] = _keyword(key, value)
    block = Block(place, keywords, None, is_play=True)
    parts = {
        key: _steps(path, value, block, handlers=key == "handlers", depth=0) if isinstance(value, SequenceNode) else ()
        for key, value in lists.items()
    }
    hosts = keywords.get("hosts")
    return Play(
        block=block,
        name=_text(keywords.get("name")),
        hosts=",".join(map(str, hosts)) if isinstance(hosts, list) else _text(hosts),
        end_line=end_line(node),
        imports=imports,
        roles=_role_entries(path, roles),
        pre_tasks=parts.get("pre_tasks", ()),
        tasks=parts.get("tasks", ()),
        post_tasks=parts.get("post_tasks", ()),
        handlers=parts.get("handlers", ()),
    )


def _role_entries(path: str, node: Node | None) -> tuple[tuple[Place, Any], ...]:
    entries = node.value if isinstance(node, SequenceNode) else []
    return tuple((_place(path, entry), plain(entry)) for entry in entries)


def _import_path(value: Node) -> str | None:
    data = plain(value)
    if isinstance(data, str):
        found = arguments.words(data)
        return found[0] if found else None
    if isinstance(data, dict):
        return _text(data.get("file") or data.get("_raw_params"))
    return None


def _steps(path: str, node: Node, parent: Block | None, *, handlers: bool, depth: int) -> tuple[Step, ...]:
    if not isinstance(node, SequenceNode) or depth > MAX_DEPTH:  # what is composed is no deeper
        return ()
    out: list[Step] = []
    for item in node.value:
        if isinstance(item, MappingNode):
            step = _step(path, item, parent, handlers=handlers, depth=depth)
            if step is not None:
                out.append(step)
    return tuple(out)


def _step(path: str, node: MappingNode, parent: Block | None, *, handlers: bool, depth: int) -> Step | None:
    entries = pairs(node)
    if any(key == "block" for key, _, _ in entries):
        return _block(path, node, entries, parent, handlers=handlers, depth=depth)
    return _task(path, node, entries, parent, is_handler=handlers)


def _block(
    path: str,
    node: MappingNode,
    entries: list[tuple[str, Node, Node]],
    parent: Block | None,
    *,
    handlers: bool,
    depth: int,
) -> TaskBlock:
    keywords = {key: _keyword(key, value) for key, _, value in entries if key not in BLOCK_PARTS}
    block = Block(_place(path, node), keywords, parent)
    parts = {
        key: _steps(path, value, block, handlers=handlers, depth=depth + 1)
        for key, _, value in entries
        if key in BLOCK_PARTS
    }
    return TaskBlock(
        block=block,
        end_line=end_line(node),
        name=_text(keywords.get("name")),
        key_lines={key: where.start_mark.line + 1 for key, where, _ in entries},
        body=parts.get("block", ()),
        rescue=parts.get("rescue", ()),
        always=parts.get("always", ()),
    )


def _task(
    path: str, node: MappingNode, entries: list[tuple[str, Node, Node]], parent: Block | None, *, is_handler: bool
) -> Task | None:
    keywords: dict[str, Any] = {}
    key_lines: dict[str, int] = {}
    action: str | None = None
    spelled: Any = None
    for written, where, value in entries:
        key = ALIASES.get(written, written)
        if key != written and any(other == key for other, _, _ in entries):
            continue  # of a keyword and its alias the keyword counts, whichever stands first
        key_lines[key] = where.start_mark.line + 1
        if key in TASK_KEYWORDS or key.startswith("with_"):
            keywords[key] = _keyword(key, value)
        elif action is None or key == action:  # of a key that stands twice the last one counts
            action, spelled = key, plain(value)
            if isinstance(value, MappingNode):
                for argument, at, _ in pairs(value):
                    key_lines.setdefault(argument, at.start_mark.line + 1)
    if action is None:
        action, spelled = _named_action(keywords)
        if action is None:
            return None
    module = short_module(action)
    args: dict[str, Any] = {}
    extra = keywords.pop("args", None)
    if isinstance(extra, dict):
        args.update({str(key): value for key, value in extra.items()})
    elif isinstance(extra, str):
        args["_variable_params"] = extra
    if isinstance(spelled, dict):
        args.update({str(key): value for key, value in spelled.items()})
    elif isinstance(spelled, str):
        args.update(arguments.split(spelled, module))
    elif spelled is not None:
        args["_raw_params"] = spelled
    return Task(
        place=_place(path, node),
        end_line=end_line(node),
        name=_text(keywords.get("name")),
        action=action,
        module=module,
        args=args,
        keywords=keywords,
        block=parent,
        key_lines=key_lines,
        is_handler=is_handler,
        other_action=_second_module(entries, action),
    )


def _second_module(entries: list[tuple[str, Node, Node]], action: str) -> str | None:
    """Another module of ansible-core beside one that is such a module itself."""
    others = (key for key, _, _ in entries if key not in TASK_KEYWORDS and key != action)
    if short_module(action) not in BUILTIN_MODULES:
        return None
    return next((key for key in others if short_module(key) in BUILTIN_MODULES), None)


def _named_action(keywords: dict[str, Any]) -> tuple[str | None, Any]:
    for key in ("action", "local_action"):
        if key not in keywords:
            continue
        spelled = keywords.pop(key)
        if key == "local_action":
            keywords.setdefault("delegate_to", "localhost")
        if isinstance(spelled, dict):
            return _of_mapping(spelled)
        if isinstance(spelled, str):
            return _module_and_rest(spelled)
    return None, None


def _of_mapping(spelled: dict[Any, Any]) -> tuple[str | None, Any]:
    """``action: {module: command echo hi, chdir: /}``: what stands behind the module's name goes before the rest."""
    rest = dict(spelled)
    name, behind = _module_and_rest(_text(rest.pop("module", None)) or "")
    nested = rest.pop("args", None)
    if name is not None and behind:
        rest.update(arguments.split(behind, short_module(name)))
    if isinstance(nested, str):
        nested = arguments.split(nested, "")
    if isinstance(nested, dict):
        rest.update(nested)
    return name, rest


def _module_and_rest(spelled: str) -> tuple[str | None, str | None]:
    found = arguments.words(spelled)
    return (found[0], spelled.strip()[len(found[0]) :].strip()) if found else (None, None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
