"""Where in a project Ansible loads content from. Told by the names of folders alone."""

from __future__ import annotations

YAML_ENDINGS = (".yml", ".yaml")
JSON_ENDING = ".json"
_FOLDERS = frozenset(
    {"tasks", "handlers", "defaults", "vars", "meta", "group_vars", "host_vars", "inventory", "inventories"}
    | {"playbooks", "plays", "roles", "molecule", "ansible"}
)
"""Folders of which Ansible, or whoever keeps its content, reads every YAML file in and below them."""
_OF_VARIABLES = frozenset({"group_vars", "host_vars", "vars", "defaults", "inventory", "inventories"})
_OF_TESTS = frozenset({"molecule", "test", "tests", "testing"})


def is_content_place(path: str) -> bool:
    """Whether Ansible may load the file (relative to the root) for where it stands."""
    *folders, _ = path.split("/")
    return not folders or not _FOLDERS.isdisjoint(folders)


def is_of_variables(path: str) -> bool:
    """Whether the file stands where Ansible reads variables and no tasks."""
    return not _OF_VARIABLES.isdisjoint(path.split("/")[:-1])


def is_of_tasks(path: str) -> bool:
    """Whether the file stands where Ansible reads the tasks, handlers or dependencies of a role."""
    *folders, name = path.split("/")
    part = folders[-1] if folders else ""
    return (not {"tasks", "handlers"}.isdisjoint(folders) and not is_of_variables(path)) or (
        part == "meta" and stem(name) == "main"
    )


def stem(path: str) -> str:
    """The last part of a path, without a YAML file's ending."""
    name = path.rpartition("/")[2]
    return name.rsplit(".", 1)[0] if name.endswith((*YAML_ENDINGS, JSON_ENDING)) else name


def is_among_tests(path: str) -> bool:
    """Whether the file stands among tests, as below a folder called ``molecule``."""
    return not _OF_TESTS.isdisjoint(path.split("/")[:-1])
