"""The plugins that a project brings along: which names they have, and what can be told of what they do."""

from __future__ import annotations

import posixpath

from ansible_reap import installation
from ansible_reap.content.library import Library
from ansible_reap.content.source import SourceError
from ansible_reap.flow.walk.plugin_sources import names_brought, runs_status, tests_spoken_of, waits_for_end
from ansible_reap.flow.walk.routing import Routing
from ansible_reap.late_patterns import expression

_WORD = expression(rb"\w+")
_WAIT = "/ansible_collections/reap/jobs/"
_ABOVE_WAIT = ("/ansible_collections/", "/ansible_collections/reap/")
_ACTION, _WORK = "plugins/action/wait.py", "plugins/plugin_utils/action.py"
_BASIS = frozenset(
    [
        "_internal",
        "_text",
        "basic",
        "common",
        "compat",
        "datatag",
        "distro",
        "errors",
        "parsing",
        "pycompat24",
        "secrets",
        "six",
    ]
)
"""What ``ansible.module_utils`` has that every module of Ansible is made of (ansible-core 2.16 to 2.22)."""
_FACTS = b"ansible_facts"


class OwnPlugins:
    """The project's own modules, action plugins, tests and filters.

    The source of one is read when something asks for what it does: a project may bring thousands.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._modules: dict[str, list[str]] = {}
        """The files of modules and action plugins by their names."""
        self._actions: dict[str, list[str]] = {}
        """Those of action plugins."""
        self._beside: set[str] = set()
        """The names of modules and action plugins that belong to no collection."""
        self._filters: list[str] = []
        self._tests: list[str] = []
        self._utils: dict[str, list[str]] = {}
        """What modules may import of the project, by name."""
        self._looking: dict[str, bool] = {}
        self._setting: dict[str, bool] = {}
        self._words: frozenset[str] | None = None
        self._setting_facts: frozenset[str] | None = None
        self._speaking: frozenset[bytes] | None = None
        self._has_basis = False
        self._routing = Routing(library)
        for path, folder in dict.fromkeys(library.project.plugin_files()):
            self._sort_in(path, folder)

    def _sort_in(self, path: str, folder: str) -> None:
        name, ending = posixpath.splitext(path.rpartition("/")[2])
        if _is_within(folder, "library", "plugins/modules"):  # a module may be any program
            self._add_module(name, path, folder)
        elif ending != ".py":
            return
        elif _is_within(folder, "plugins/action", "action_plugins"):
            self._add_module(name, path, folder)
            self._actions.setdefault(name, []).append(path)
        elif _is_within(folder, "module_utils", "plugins/plugin_utils"):
            self._utils.setdefault(name, []).append(path)
            self._has_basis = self._has_basis or (_is_of_basis(path, folder) and self._may_be_loaded(path))
        elif _is_within(folder, "test_plugins", "plugins/test"):
            self._tests.append(path)
        elif _is_within(folder, "filter_plugins", "plugins/filter"):
            self._filters.append(path)

    def _add_module(self, name: str, path: str, folder: str) -> None:
        self._modules.setdefault(name, []).append(path)
        if not _is_within(folder, "plugins"):
            self._beside.add(name)

    def _may_be_loaded(self, path: str) -> bool:
        """Whether the ``module_utils`` of the path lie beside a playbook, in a role or in a folder of ansible.cfg."""
        place, within, _ = f"/{path}".rpartition("/module_utils/")
        beside = (f"/{other}".rpartition("/")[0] for other in self._library.project.yaml)
        return not within or any(folder == place or folder.startswith(f"{place}/tasks") for folder in beside)

    @property
    def has_basis(self) -> bool:
        """Whether the project has some of what Ansible's own modules are made of: they may then do whatever it does.

        Of ``module_utils`` beside a playbook, in a role or in a folder of ansible.cfg Ansible takes the project's first
        (seen on ansible-core 2.16 and 2.22).
        """
        return self._has_basis

    def has_beside(self, name: str) -> bool:
        """Whether a module or action plugin outside of collections has the name."""
        return name in self._beside

    def has_in_collection(self, name: str) -> bool:
        """Whether the project holds the module of this full name, in a collection of that name."""
        collection, _, short = name.rpartition(".")
        place = f"/ansible_collections/{collection.replace('.', '/')}/plugins/"
        return any(place in f"/{path}" for path in self._modules.get(short, ()))

    def has_module(self, name: str) -> bool:
        """Whether a module or action plugin has the name, or a collection sends it elsewhere."""
        return name in self._modules or self._routing.target(name) is not None

    def looks_at_jobs(self, name: str) -> bool:
        """Whether an action plugin of this name looks at jobs itself."""
        if name not in self._looking:
            self._looking[name] = any(runs_status(self._source(path)) for path in self._actions.get(name, ()))
        return self._looking[name]

    def waits_for_jobs(self, name: str) -> bool:
        """Whether each action plugin of this name looks at jobs until they have finished."""
        return self.looks_at_jobs(name) and all(waits_for_end(self._source(path)) for path in self._actions[name])

    def may_set_facts(self, name: str) -> bool:
        """Whether the source of the module speaks of ``ansible_facts``: it may set any variable then.

        So may one that cannot be read, and one that a collection sends on to such a module or to one of Ansible's.
        """
        target = self._routing.target(name)
        if target is not None and target.rpartition(".")[2] != name:
            return self._routing.sets_facts(target) or self._may_set_facts(target.rpartition(".")[2])
        return self._may_set_facts(name)

    def _may_set_facts(self, name: str) -> bool:
        if name not in self._modules:
            return False
        if name not in self._setting:
            self._setting[name] = any(map(self._speaks_of_facts, self._modules[name]))
        return self._setting[name]

    def _speaks_of_facts(self, path: str) -> bool:
        source = self._source(path)
        if source is None or _FACTS in source:
            return True
        return b"module_utils" in source and not self._speaking_utils.isdisjoint(_WORD.findall(source))

    @property
    def _speaking_utils(self) -> frozenset[bytes]:
        """The names of what modules may import that speaks of facts."""
        if self._speaking is None:
            speaking = (
                name
                for name, paths in self._utils.items()
                if any((source := self._source(path)) is None or _FACTS in source for path in paths)
            )
            self._speaking = frozenset(name.encode(errors="replace") for name in speaking)
        return self._speaking

    @property
    def setting_facts(self) -> frozenset[str]:
        """The modules that may set any variable."""
        if self._setting_facts is None:
            names = {*self._modules, *self._routing.names}
            self._setting_facts = frozenset(name for name in names if self.may_set_facts(name))
        return self._setting_facts

    @property
    def words(self) -> frozenset[str]:
        """Tests and filters of Ansible's or Jinja's for which the project has its own."""
        if self._words is None:
            brought = (names_brought(self._source(path)) for path in (*self._filters, *self._tests))
            spoken = (tests_spoken_of(self._source(path)) for path in self._tests)
            self._words = frozenset().union(*brought, *spoken)
        return self._words

    @property
    def has_wait(self) -> bool:
        """Whether the project has a collection ``reap.jobs`` whose ``wait`` is not known to be ours."""
        project = self._library.project
        is_linked = any(f"/{link}/".endswith(_ABOVE_WAIT) for link in project.links)
        if not is_linked and not any(_WAIT in f"/{path}/" for path in (*project.folders(), *project.links)):
            return False
        folders = [path.removesuffix(_ACTION) for path in self._actions.get("wait", ()) if _WAIT in f"/{path}"]
        is_ours = bool(folders) and all(self._is_our_collection(folder) for folder in folders)
        return is_linked or not is_ours or self._routing.target("wait") is not None

    def _is_our_collection(self, folder: str) -> bool:
        """Whether what does the work of ``wait`` is what this installation has, or comes with, to the letter."""
        own = installation.collection_source()
        if own is None:
            return False
        try:
            return all(self._source(folder + part) == (own / part).read_bytes() for part in (_ACTION, _WORK))
        except OSError:
            return False

    def _source(self, path: str) -> bytes | None:
        """The text of a plugin; None where it cannot be read."""
        try:
            return self._library.project.read(path)
        except SourceError:
            return None


def _is_within(folder: str, *names: str) -> bool:
    """Whether a folder is called one of the names, or lies below one that is: Ansible loads plugins from those too."""
    return any(f"/{name}/" in f"/{folder}/" for name in names)


def _is_of_basis(path: str, folder: str) -> bool:
    """Whether a file of ``module_utils`` stands where ``ansible.module_utils`` has some of the basis."""
    name = posixpath.splitext(path)[0]
    below = f"/{name}".rpartition("/module_utils/")[2]
    if "/module_utils/" not in f"/{name}":
        below = "/".join(name.split("/")[-2:])  # a folder of another name, which an ansible.cfg names
    return not _is_within(folder, "plugins") and not _BASIS.isdisjoint(below.split("/"))
