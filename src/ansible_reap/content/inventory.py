"""Which of the variables that decide where and as whom a task runs the inventory of a project may set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_reap.content.source import SourceError
from ansible_reap.late_patterns import expression
from ansible_reap.remembered import for_one_check

if TYPE_CHECKING:
    from ansible_reap.content.project import Project

CONNECTION_VARIABLES = frozenset(
    [
        "ansible_become",
        "ansible_become_user",
        "ansible_become_method",
        "ansible_connection",
        "ansible_host",
        "ansible_ssh_host",
        "ansible_ssh_user",
        "ansible_user",
    ]
)
"""Variables that take precedence over the keywords of a task (ansible-core 2.16 to 2.22, "Special variables")."""
WHERE_VARIABLES = CONNECTION_VARIABLES | {"ansible_async_dir"}
"""Those, and the one that says where the status file lies."""
NOT_ROOT = "the login user is not root"
"""Stands among the variables where the inventory names login users, and none of them may be root."""
_LOGIN = (b"ansible_user", b"ansible_ssh_user")
_FOLDERS = ("group_vars/", "host_vars/", "inventory/", "inventories/", "hosts/", "environments/")
_FOLDER = expression("(?:^|/)(?:" + "|".join(_FOLDERS) + ")")
_NAME = expression(r"hosts|inventory|[^/]*inventory[^/]*|hosts[-_.][^/]*|[^/]*\.ini")
_PART_OF_A_ROLE = expression(
    r"^(?!.*(?:group|host)_vars/)(?:.*/)?(?:(?:tasks|handlers|defaults|meta)|roles/[^/]+/vars)/"
)
"""Folders of which no file is an inventory, whatever its name, nor has variables of hosts."""
_LIST = expression(rb"\A\s*(?:(?:---[^\n]*|#[^\n]*|%YAML[^\n]*)\n\s*)*-\s")
"""How tasks and plays begin; an inventory in YAML is a mapping."""
_OF_INVENTORY = expression(r"(?:^|/)host_vars/|inventor|(?:^|/)hosts[^/]*$")
"""Files, or folders of files, in which inventories and the variables of hosts are written."""
_SETS = expression(rb"\b(ansible_[a-z_]+)[\'\"]?\s*[:=]\s*[\'\"]?([\w.]*)")
_ADDRESS = expression(rb"\bansible_(?:ssh_)?host[\'\"]?\s*[:=]\s*[\'\"]?([^\s\'\"#,}]*)")
_CONTROLLER = expression(rb"^\s*(?:localhost|127\.0\.0\.1)\b")
_OTHER_FORM = ("[", "{", "---", "#!", "plugin:")
"""How an inventory begins that is no list of hosts: sections, JSON, YAML, a program."""
_UNDECIDED = expression(r"""['"\\]|:(?:\s|$)|^\S+\s+=""")
"""Blanks that may end no word, a key of YAML or TOML."""
MAX_BEGINNING = 4096
_OF_ONE = expression(r"(?:^|/)(?:host|group)_vars/(?P<name>[\w.-]+?)(?:\.ya?ml|/[^/]+)?$")
_IS_LOCAL = expression(rb"(?m)^ansible_connection[ \t]*:[ \t]*[\"']?(?:ansible\.builtin\.)?local[\"']?[ \t]*(?:#.*)?$")
_SECTION = expression(r"\s*\[(?P<name>[\w.-]+)(?P<kind>:\w+)?\]")
_PLAIN_NAME = expression(r"[\w.-]+")
_INI_LOCAL = expression(r"\bansible_connection\s*=\s*[\"']?(?:ansible\.builtin\.)?local\b")
_YAML_LOCAL = expression(
    r"(?m)^[ \t]*([\w.-]+):[ \t]*\n(?:[ \t]+ansible_(?!connection)\w+:.*\n)*"
    r"[ \t]+ansible_connection[ \t]*:[ \t]*[\"']?(?:ansible\.builtin\.)?local[\"']?[ \t]*(?:#.*)?$"
)
"""A host of an inventory in YAML, whose first variables are of Ansible's own, one of them the connection."""
MAX_FILES = 2000
MAX_SIZE = 1 << 20


def set_by_inventory(project: Project) -> frozenset[str]:
    """Those of WHERE_VARIABLES that some inventory of the project names. Which one is used is not known.

    NOT_ROOT stands among them where it holds.
    """
    found: set[str] = set()
    users: set[bytes] = set()
    for _, text in _texts(project):
        for line in text.splitlines() if b"ansible_" in text else ():
            if b"ansible_" in line and not _CONTROLLER.match(line):
                pairs = _SETS.findall(line)
                found.update(name.decode() for name, value in pairs if _matters(name, value))
                users.update(value for name, value in pairs if name in _LOGIN)
    known = WHERE_VARIABLES & found
    return known | {NOT_ROOT} if users and users.isdisjoint((b"", b"root")) else known


def addresses(project: Project) -> frozenset[str] | None:
    """The addresses that the inventories of the project give to hosts; None where some of them cannot be told."""
    found = {address.decode("utf-8", "replace") for _, text in _texts(project) for address in _ADDRESS.findall(text)}
    return None if any(not address or address[0] in "{!&*|>$" for address in found) else frozenset(found)


def _texts(project: Project) -> Iterator[tuple[str, bytes]]:
    """The paths and texts of what may be an inventory, or the variables of its hosts and groups."""
    looked_at = 0
    for path in (*project.yaml, *sorted(project.others)):
        if is_part_of_a_role(path) or not (is_called_inventory(path) or _FOLDER.search(path)):
            continue
        looked_at += 1
        if looked_at > MAX_FILES:
            break
        try:
            text = project.read(path)
        except SourceError:
            continue
        if not is_list(text):
            yield path, text[:MAX_SIZE]


def on_the_controller(project: Project) -> frozenset[str]:
    """The hosts, and groups of hosts, that some inventory gives the local connection: they are the controller itself.

    A group counts where one of its hosts does. Groups of groups are not followed, and ``all`` is left out: it has other
    hosts too.
    """
    found: set[str] = set()
    members: dict[str, set[str]] = {}
    for path, text in _texts(project):
        if b"ansible_connection" in text and b"local" in text:
            found.update(_local_in(path, text))
        for group, hosts in _groups(text):
            members.setdefault(group, set()).update(hosts)
    local = frozenset(found) - {"all"}
    return local | {group for group, hosts in members.items() if not hosts.isdisjoint(local)}


_MOVES_HOSTS = (b"add_host", b"group_by", b"refresh_inventory")
_NO_INI = expression(rb"(?m)\A\s*(?:#!|---|\{)|^[ \t]*(?:plugin|hosts|children|all)[ \t]*:")
"""Signs of an inventory that is no INI file: a program, YAML, JSON, a plugin's settings."""


def inventory_texts(project: Project) -> Iterator[tuple[str, bytes]]:
    """The paths and texts of what may be an inventory, without those of the variables of one host or group."""
    return ((path, text) for path, text in _texts(project) if not _OF_ONE.search(path))


def is_no_ini(text: bytes) -> bool:
    """Whether an inventory is surely no INI file."""
    return _NO_INI.search(text) is not None


def hosts_by_name(project: Project) -> dict[str, frozenset[str]]:
    """The hosts behind each host's and group's name, where all inventories of the project are plain INI files.

    Nothing, where one of them is anything else, or where a task may put hosts into groups.
    """
    members: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    for _, text in inventory_texts(project):
        if is_no_ini(text) or not note_members(text, members, children):
            return {}
    return hosts_of(members, children) if members and not may_move_hosts(project) else {}


@for_one_check(1)
def may_move_hosts(project: Project) -> bool:
    """Whether a task of the project may put hosts into groups, or read the inventory again."""
    return any(word in project.read(path) for path in project.yaml for word in _MOVES_HOSTS)


def hosts_of(members: dict[str, set[str]], children: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    """The hosts behind each name, by the hosts and by the groups that each group has itself."""
    return {name: frozenset(_all_of(name, members, children, set())) for name in {*members, *children}}


def note_members(text: bytes, members: dict[str, set[str]], children: dict[str, set[str]]) -> bool:
    """Take in an INI inventory; False where a name in it stands for several."""
    section, into = "", members
    for line in text.decode("utf-8", "replace").splitlines():
        head = _SECTION.match(line)
        if head:
            section = head["name"] if head["kind"] != ":vars" else "*"
            into = children if head["kind"] == ":children" else members
            if section != "*":
                into.setdefault(section, set())
            continue
        if section == "*" or not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        name = line.split()[0]
        if not _PLAIN_NAME.fullmatch(name):
            return False
        if section:
            into[section].add(name)
        if into is members:
            members.setdefault(name, set()).add(name)
    return True


def _all_of(name: str, members: dict[str, set[str]], children: dict[str, set[str]], seen: set[str]) -> set[str]:
    """The hosts of a group and of the groups in it."""
    if name in seen:
        return set()
    seen.add(name)
    below = (_all_of(child, members, children, seen) for child in children.get(name, ()))
    return members.get(name, set()).union(*below)


def _local_in(path: str, text: bytes) -> Iterator[str]:
    """The hosts and groups that a file gives the local connection."""
    of = _OF_ONE.search(path)
    if of is not None:
        if _IS_LOCAL.search(text):
            yield of["name"]
        return
    section, written = "", text.decode("utf-8", "replace")
    for line in written.splitlines():
        head = _SECTION.match(line)
        if head:
            section = head["name"] if head["kind"] == ":vars" else ""
        elif _INI_LOCAL.search(line) and not line.lstrip().startswith(("#", ";")):
            first = line.split()[0]
            if not section and "=" not in first:
                yield first
            elif section and first.startswith("ansible_connection"):
                yield section
    yield from (key for key in _YAML_LOCAL.findall(written) if key != "vars")


def _groups(text: bytes) -> Iterator[tuple[str, set[str]]]:
    """The groups of an INI inventory, each with the hosts that it names itself."""
    group, hosts = "", set[str]()
    for line in text.decode("utf-8", "replace").splitlines() if b"[" in text else ():
        head = _SECTION.match(line)
        if head:
            yield group, hosts
            group, hosts = (head["name"], set()) if not head["kind"] else ("", set())
        elif group and line.strip() and not line.lstrip().startswith(("#", ";")):
            hosts.add(line.split()[0])
    yield group, hosts


def _matters(name: bytes, value: bytes) -> bool:
    """Of the connections only the local one moves a task to another machine."""
    return name != b"ansible_connection" or value in (b"local", b"ansible.builtin.local", b"")


def is_called_inventory(path: str) -> bool:
    """Whether a file has a name that inventories have."""
    return _NAME.fullmatch(path, path.rfind("/") + 1) is not None


def is_of_inventory(path: str) -> bool:
    """Whether a file stands where inventories and the variables of hosts are written."""
    return _OF_INVENTORY.search(path) is not None and not is_part_of_a_role(path)


def is_part_of_a_role(path: str) -> bool:
    """Whether a file stands where a role has its own tasks and variables."""
    return _PART_OF_A_ROLE.search(path) is not None


def is_list(text: bytes) -> bool:
    """Whether a file holds tasks or plays, as no inventory does."""
    return _LIST.match(text) is not None


def may_be_inventory(text: bytes) -> bool:
    """Whether Ansible may take variables out of the text of a file whose name does not tell.

    What is neither a program nor JSON nor YAML is a list of hosts, with variables as ``name=value`` behind a host. It
    is given up at the first line that is no such thing (ansible-core 2.16 to 2.22), most often the first one.
    """
    lines = text[:MAX_BEGINNING].decode(errors="replace").splitlines()
    for line in map(str.strip, lines[: None if len(text) <= MAX_BEGINNING else -1]):
        if line.startswith(_OTHER_FORM) or _UNDECIDED.search(line):
            return True
        if line and line[0] not in "#;":
            return all("=" in word for word in line.partition("#")[0].split()[1:])
    return len(text) > MAX_BEGINNING
