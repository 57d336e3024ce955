"""What the ansible.cfg files of a project say that the analysis needs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ansible_reap import ansible_cfg
from ansible_reap.jobs import LOCAL_CONNECTIONS
from ansible_reap.late_patterns import expression
from ansible_reap.timing import DEFAULT_POLL

PLUGIN_FOLDERS = ("library", "action_plugins", "test_plugins", "filter_plugins", "module_utils")
"""Keys of ansible.cfg that name folders of modules and plugins."""
_VARIABLE = expression(r"^(?:\{\{CWD\}\}|\$\w+|\$\{[^}]*\}|~[^/]*)")


_ON = frozenset({"true", "yes", "on", "1", "y", "t"})
_OFF = frozenset({"false", "no", "off", "0", "n", "f"})


class TagSelection(NamedTuple):
    """Which tasks an ansible.cfg has Ansible run: those with one of the tags of ``run``, and with none of ``skip``."""

    folder: str
    """Of the ansible.cfg; empty for the root's."""
    run: frozenset[str]
    skip: frozenset[str]


class AnsibleSettings(NamedTuple):
    """What ansible.cfg says that the analysis needs."""

    become: bool | None = False
    """Whether tasks become another user without being told to; None where the files disagree."""
    become_user: str | None = "root"
    """Whom tasks become that are not told whom; None where the files disagree."""
    remote_user: str | None = None
    is_local: bool = False
    """Whether tasks run on the controller without being told to (``transport``)."""
    has_async_dir: bool = False
    """Whether status files may lie elsewhere than in the default folder (``async_dir``)."""
    roles_path: tuple[str, ...] = ()
    plugin_folders: tuple[tuple[str, str], ...] = ()
    """Each folder of the project's own modules and plugins that an ansible.cfg names, with what it is named as."""
    collections_path: tuple[str, ...] = ()
    polls: tuple[tuple[str, float], ...] = (("", DEFAULT_POLL),)
    """The default poll interval in seconds by the folder whose ansible.cfg gives it, the root's first.

    An interval that is not understood counts as 0: the launch is not to be missed.
    """
    injects_facts: bool = True
    """Whether each fact is a variable besides: ``inject_facts_as_vars``."""
    gathers_again: bool = True
    """Whether each play gathers facts that an earlier play has gathered: not with the ``gathering`` called smart."""
    strategy: str | None = None
    tags: tuple[TagSelection, ...] = ()
    """Of each ansible.cfg that selects tasks by their tags."""

    def default_polls(self, playbook: str) -> frozenset[float]:
        """The poll intervals, in seconds, that may hold where a play does not say: by each ansible.cfg above it."""
        return frozenset(poll for folder, poll in self.polls if _is_above(folder, playbook))

    def tag_selections(self, playbook: str) -> tuple[TagSelection, ...]:
        """How tasks may be selected by their tags in a run of the playbook: by each ansible.cfg above it."""
        return tuple(each for each in self.tags if _is_above(each.folder, playbook))


def _is_above(folder: str, path: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def settings_of(
    root: Path, configs: Mapping[str, ansible_cfg.AnsibleCfg], inside: Callable[[str], str | None]
) -> AnsibleSettings:
    """What each ansible.cfg says, by the folder that it is for, the root's first.

    ``inside`` makes an absolute path one relative to the root; None where it leads out of the project.
    """
    if len(configs) == 1 and configs[""].path is None:
        return AnsibleSettings()
    config = configs[""]

    def paths(*keys: str) -> tuple[str, ...]:
        return tuple(
            _configured_path(part, each.path, root, inside)
            for each in configs.values()
            for part in _path_list(each, keys)
        )

    selections = (
        TagSelection(folder, _words(each.get("tags", "run")), _words(each.get("tags", "skip")))
        for folder, each in configs.items()
    )
    become = {_becomes(each) for each in configs.values()}
    users = {each.get("privilege_escalation", "become_user") or "root" for each in configs.values()}
    injected = [(each.get("defaults", "inject_facts_as_vars") or "").strip().lower() for each in configs.values()]
    return AnsibleSettings(
        injects_facts=_OFF.isdisjoint(injected),
        gathers_again=all(each.get("defaults", "gathering") != "smart" for each in configs.values()),
        become=become.pop() if len(become) == 1 else None,
        become_user=users.pop() if len(users) == 1 else None,
        remote_user=config.get("defaults", "remote_user"),
        has_async_dir=any(each.get("defaults", "async_dir") for each in configs.values()),
        is_local=any(each.get("defaults", "transport") in LOCAL_CONNECTIONS for each in configs.values()),
        strategy=config.get("defaults", "strategy"),
        roles_path=paths("roles_path"),
        collections_path=paths("collections_path", "collections_paths"),
        plugin_folders=tuple((folder, kind) for kind in PLUGIN_FOLDERS for folder in paths(kind)),
        polls=tuple((folder, _poll_interval(each)) for folder, each in configs.items()),
        tags=tuple(each for each in selections if each.run or each.skip),
    )


def _becomes(config: ansible_cfg.AnsibleCfg) -> bool:
    written = config.get("privilege_escalation", "become") or config.get("defaults", "become") or ""
    return written.strip().lower() in _ON


def _configured_path(text: str, config: Path | None, root: Path, inside: Callable[[str], str | None]) -> str:
    """A path in ansible.cfg, relative to that file unless it is absolute, as a path relative to our root.

    ``{{CWD}}`` is the folder in which Ansible is started, as a rule the root; a variable of the environment at the
    front is taken for it too, as it may be.
    """
    plain = _VARIABLE.sub("", text)
    if plain != text:
        return plain.lstrip("/") or "."
    if text.startswith("/"):
        there = inside(text)
        return text if there is None else there or "."
    if config is None or config.parent == root or text.startswith("~"):
        return text
    return os.path.relpath(config.parent / text, root).replace(os.sep, "/")


def _poll_interval(config: ansible_cfg.AnsibleCfg) -> float:
    text = (config.get("defaults", "poll_interval") or "").strip()
    if not text:
        return DEFAULT_POLL
    try:
        poll = float(text)
    except ValueError:
        return 0
    return 0 if math.isnan(poll) else poll


def _words(text: str | None) -> frozenset[str]:
    """The parts of an option of type list."""
    return frozenset(part.strip() for part in (text or "").split(",") if part.strip())


def _path_list(config: ansible_cfg.AnsibleCfg, keys: tuple[str, ...]) -> list[str]:
    """The parts of the first of these keys that is set."""
    value = next(filter(None, (config.get("defaults", key) for key in keys)), "")
    return [part.strip().rstrip("/") for part in value.split(":") if part.strip().rstrip("/")]
