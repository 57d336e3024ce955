"""A launching task read as a ``LaunchSite``: what it is called, how it is reached, whether it is detached.

Nothing that Ansible evaluates is evaluated here once more: a lookup may do anything, and secrets stay where they are.
Keywords are taken from the task as its worker has filled it in. Connection variables that the playbook sets are kept as
written, for the worker that looks at the job to work them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeGuard

from ansible.template import Templar

from ansible_reap.jobs import DETACH_VARIABLE, REBOOT_REASON
from ansible_reap.records import replace
from ansible_reap.runtime.events import marker, results
from ansible_reap.runtime.events.ansible_objects import Host, Play, Task, Variables
from ansible_reap.runtime.events.as_data import as_data
from ansible_reap.runtime.events.own_words import is_fact
from ansible_reap.runtime.events.set_in_run import has_vault, set_in_run, untold
from ansible_reap.runtime.events.unsaid import unsaid
from ansible_reap.runtime.events.vaulted import UNTOLD, is_vaulted, names_vaulted
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.info import CONNECTION_KEYWORDS, LOCAL_CONNECTIONS, Access, LaunchSite, Route

try:  # since ansible-core 2.19
    from ansible.errors import AnsibleValueOmittedError
except ImportError:

    class AnsibleValueOmittedError(Exception):  # type: ignore[no-redef]
        """Never raised."""


NO_FILE = "ad-hoc command"
"""What stands for the path of a task that is in no file."""


_CONNECTION, _FOLDER = "ansible_connection", "ansible_async_dir"
_OMITTED = "__omit_place_holder__"
"""What ``omit`` comes to up to ansible-core 2.18."""
_LONGEST_ERROR = 200
_REFERENCE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class _Place(NamedTuple):
    """Where jobs of a host go by its variables, whatever the playbook says."""

    is_here: bool = False
    """The host is the controller itself."""
    async_dir: str | None = None


class SiteReader:
    """Makes one record for all jobs of a task with the same settings, so that a job costs little."""

    def __init__(self, base: str, warn: Callable[[str], None]) -> None:
        """``base`` is the root of the project; paths below it are told relative to it."""
        self._base = base
        self._warn = warn
        self._untold: set[str] = set()
        """The tasks of which was said that their reason cannot be worked out."""
        self._sites: dict[LaunchSite, LaunchSite] = {}
        self._accesses: dict[Access, Access] = {}
        self._routes: dict[str, Route] = {}
        self._places: dict[str, _Place] = {}
        self._vaulted: dict[tuple[str, str], frozenset[str]] = {}
        """What of the way to a launch's host comes out of a vault, by the task's identity and the host, if anything."""
        self._reboots: dict[str, bool] = {}
        """Whether a launch surely reboots by what stands in the playbook, by the task's identity."""

    def read(self, task: Task, play: Play, host: Host) -> LaunchSite:
        """The task as it stood for a result of the host. Whether it is detached is said by ``declared``."""
        return self._read(task, play, host, has_run=True)

    def _read(self, task: Task, play: Play, host: Host, *, has_run: bool) -> LaunchSite:
        """The task for the host; as long as it has not run, its templates stand as written."""
        path, line = results.task_place(task, self._base)
        written = _connection_variables(task, play)
        vaulted: frozenset[str] = self._vaulted.get((results.identity(task), host.get_name()), frozenset())
        variables = {name: value for name, value in written.items() if _is_plain(value) and name not in vaulted}
        access = replace(_access_of(task, variables), vaulted=vaulted)
        async_dir = variables.get(_FOLDER)
        reached = access.delegate_to or host.get_name()
        if _FOLDER not in written and _FOLDER in _untold_of(reached, play):
            access = replace(access, vaulted=access.vaulted | {_FOLDER})
        if has_run:
            place = self._place_of(reached, play)
            if place.is_here and _CONNECTION not in written:
                access = replace(access, connection="local")  # up to ansible-core 2.18 the task does not say so
            if _FOLDER in access.vaulted:
                async_dir = None
            elif async_dir is None and _FOLDER in written:
                async_dir = _filled_in(written[_FOLDER], task, play, host)
            elif async_dir is None:
                set_later = set_in_run(play.get_variable_manager(), reached).get(_FOLDER)
                async_dir = str(set_later) if _is_plain(set_later) else place.async_dir
        site = LaunchSite(
            play=fit(str(play.get_name())),
            task=results.task_label(task),
            path=path or NO_FILE,
            line=line,
            role=results.role_name(task),
            register=results.register_name(task),
            limit_s=max(results.whole(task.async_val), 0),
            poll=results.poll(task),
            no_log=task.no_log is True,
            async_dir=str(async_dir) if async_dir is not None else None,
            access=self._accesses.setdefault(access, access),
        )
        return self._sites.setdefault(site, site)

    def ahead(self, task: Task, play: Play, host: Host) -> LaunchSite:
        """The task as it is about to start on the host: as written, but for the folder of its status files."""
        vaulted = _vaulted_settings(task, play, host)
        self._vaulted.pop((results.identity(task), host.get_name()), None)
        if vaulted:
            self._vaulted[results.identity(task), host.get_name()] = vaulted
        self._reboots[results.identity(task)] = _is_reboot(task)
        site = self._read(task, play, host, has_run=False)
        if site.async_dir is not None or _FOLDER in site.access.vaulted:
            return site
        folder = _filled_in(_connection_variables(task, play).get(_FOLDER), task, play, host)
        return site if folder is None else replace(site, async_dir=folder)

    def declared(self, site: LaunchSite, task: Task, play: Play, host: Host, scope: Mapping[str, object]) -> LaunchSite:
        """The launch with the reason for which a job of it is detached, if it is.

        ``scope`` is what the loop has set for the job's item.
        """
        written = marker.written(task, play)
        is_template = written is not None and written.is_template
        variables = _variables(task, play, host) if is_template else {}
        is_secret = is_template and (site.no_log or _names_vaulted(task, written and written.text, variables))
        try:
            with unsaid(is_secret):
                found = marker.detachment(task, play, lambda value: _template(task, play, variables, scope, value))
        except Exception as error:  # noqa: BLE001 - whatever a template of the user's raises, it gives no reason
            if bool(scope) or not results.is_loop(task):
                self._tell(site, task, "" if is_secret else str(error))
            found = None
        if found is not None and found.is_valid:
            reason = found.reason
            if written is not None and is_secret:
                reason = str(written.text)  # what the template comes to may be what nobody is to see
            declared = replace(site, reason=fit(reason))
        elif self._reboots.get(results.identity(task), False):
            # Of a word that a template has filled in nobody knows how far a host had a part in it.
            declared = replace(site, reason=REBOOT_REASON)
        else:
            declared = replace(site, empty_reason=found is not None)
        return self._sites.setdefault(declared, declared)

    def needs_scope(self, task: Task, play: Play) -> bool:
        """Whether the reason may depend on what the loop has set for the item."""
        written = marker.written(task, play)
        return written is not None and written.is_template

    def _tell(self, site: LaunchSite, task: Task, error: str) -> None:
        """Say once of a task that its reason cannot be worked out."""
        if results.identity(task) in self._untold:
            return
        self._untold.add(results.identity(task))
        why = f": {shown(error, _LONGEST_ERROR).rstrip('.')}" if error else ""
        self._warn(
            f"async_reaper: {site.place}: the {DETACH_VARIABLE} of '{shown(site.task)}' cannot be worked out, "
            f"so it does not detach the job{why}."
        )

    def _place_of(self, name: str, play: Play) -> _Place:
        """What the inventory says of the host's connection and folder; read once a run, for it takes a while."""
        known = self._places.get(name)
        if known is None:
            known = self._places.setdefault(name, _place_of(name, play))
        return known

    def route(self, task: Task, play: Play, scope: Mapping[str, object]) -> Route | None:
        """What a look at a job needs besides ``access``; None where the playbook sets nothing.

        ``scope`` is what the loop has set for the job's item.
        """
        key = results.identity(task)
        known = self._routes.get(key)
        if known is None:
            known = self._routes.setdefault(key, Route(task, play, _connection_variables(task, play)))
        if not known.variables:
            return None
        return replace(known, scope=scope) if scope and not all(map(_is_plain, known.variables.values())) else known


def _is_reboot(task: Task) -> bool:
    """Whether the task does nothing but cut its own connection; to be asked before it runs, of what is written."""
    from ansible_reap.shell.sure_disconnects import surely_cuts_connection  # noqa: PLC0415 - only a launch needs it

    arguments = {name: value for name, value in task.args.items() if not str(name).startswith("_ansible_")}
    return surely_cuts_connection(str(task.action), arguments, max(results.whole(task.async_val), 0))


def _connection_variables(task: Task, play: Play) -> dict[str, object]:
    """Connection variables set in the playbook itself, as written; those of the inventory stay with the host."""
    found: dict[str, object] = {}
    for scope in reversed(marker.scopes(task, play)):
        found.update((name, value) for name, value in scope.items() if results.is_connection_variable(str(name)))
    return found


def _filled_in(text: object, task: Task, play: Play, host: Host) -> str | None:
    """The text with names of plain variables replaced by their values; None where it takes more than that."""
    if not isinstance(text, str):
        return None
    variables = _variables(task, play, host)
    return None if _names_vaulted(task, text, variables) else _with_values(text, variables)


def _vaulted_settings(task: Task, play: Play, host: Host) -> frozenset[str]:
    """What says how the host is reached and comes out of a vault: keywords that stand in an encrypted file or that
    name such a value, and variables that stand there.
    """
    variables = _connection_variables(task, play)
    found = {name for name, value in variables.items() if not _is_template(value) and is_vaulted(value)}
    written = {name: getattr(task, name, None) for name in CONNECTION_KEYWORDS}
    written[_FOLDER] = variables.get(_FOLDER)
    doubtful = {name: value for name, value in written.items() if not _is_plain(value) and value is not None}
    if doubtful:
        known = _variables(task, play, host)
        # Ansible shows to whom it delegates, whatever that was made of.
        found |= {
            name
            for name, value in doubtful.items()
            if _names_vaulted(task, value, known, is_shown=name == "delegate_to")
        }
    loops = {name: loop for name, loop in _loops_around(task).items() if name in variables}
    if loops:
        known = _variables(task, play, host)
        found |= {name for name, loop in loops.items() if _names_vaulted(task, loop, known)}
    return frozenset(found)


def _names_vaulted(task: Task, template: object, variables: Variables, *, is_shown: bool = False) -> bool:
    """Whether a template of the task names a vaulted value, itself or by way of a loop.

    So may what the run itself has set, unless Ansible shows in any case what the template comes to.
    """
    loops = {name: [*found, variables.get(name)] for name, found in _loops_around(task).items()}
    host = str(variables.get("inventory_hostname"))
    names = () if is_shown else untold(task.get_variable_manager(), task.get_loader(), host)
    return names_vaulted(template, {**variables, **dict.fromkeys(names, UNTOLD), **loops})


def _untold_of(host: str, play: Play) -> Iterable[str]:
    """What the run has set for the host, of which is not known whether a vault has a part in it."""
    return untold(play.get_variable_manager(), play.get_loader(), host)


def _loops_around(task: Task) -> dict[str, list[object]]:
    """What the loops of the task, and of the includes around it, go through, by the variables that they set."""
    found: dict[str, list[object]] = {}
    around: Any = task
    while around is not None:
        if hasattr(around, "loop_control"):  # a block has none
            for name in results.loop_variables(around):
                found.setdefault(name, []).append(around.loop)
        around = getattr(around, "_parent", None)
    return found


def _place_of(name: str, play: Play) -> _Place:
    host = play.get_variable_manager()._inventory.get_host(name)  # noqa: SLF001 - no other way
    if host is None:
        return _Place()
    variables = _variables(None, play, host)
    # The connection is no fact: Ansible takes that out of what a host reports.
    is_here = variables.get(_CONNECTION) in LOCAL_CONNECTIONS
    variables = {**variables, **dict.fromkeys(_untold_of(name, play), UNTOLD)}
    # What add_host has said of a host does not tell either what it was made of.
    is_told = not is_fact(_FOLDER, variables) and (variables.get("inventory_file") or not has_vault(play.get_loader()))
    folder = variables.get(_FOLDER) if is_told else None
    return _Place(is_here, _with_values(folder, variables) if isinstance(folder, str) else None)


def _with_values(text: str, variables: Variables) -> str | None:
    """The text with names of plain variables replaced by their values; None where it takes more than that."""
    if names_vaulted(text, variables):
        return None
    values = {name: None if is_fact(name, variables) else variables.get(name) for name in _REFERENCE.findall(text)}
    if not all(map(_is_plain, values.values())):
        return None
    filled = _REFERENCE.sub(lambda match: str(values[match[1]]), text)
    return filled if _is_plain(filled) else None


def _is_plain(value: object) -> TypeGuard[str | int | float | bool]:
    """Neither a template nor something from a vault: encrypted by itself, or read from a file that is."""
    return isinstance(value, str | int | float | bool) and not _is_template(value) and not is_vaulted(value)


def _is_template(value: object) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _template(task: Task, play: Play, variables: Variables, scope: Mapping[str, object], value: object) -> object:
    """What the template comes to for the item; None where that is to be omitted."""
    own = results.loop_variables(task)  # those of a loop around it bear the same names
    around = {name: given for name, given in variables.items() if name not in own}
    templar = Templar(loader=play.get_loader(), variables={**around, **as_data(dict(scope))})
    try:
        found = templar.template(value)
    except AnsibleValueOmittedError:
        return None
    return None if _OMITTED in str(found) else found


def _variables(task: Task | None, play: Play, host: Host) -> Variables:
    return play.get_variable_manager().get_vars(play=play, host=host, task=task)


def _access_of(task: Task, variables: Mapping[str, str | int | float | bool]) -> Access:
    """How the task reached its host; ``variables`` are those of its connection that are plain to read."""
    port = str(task.port or "")
    return Access(
        delegate_to=_text(task.delegate_to),
        become=bool(task.become),
        become_user=_text(task.become_user),
        become_method=_text(task.become_method),
        become_flags=_text(task.become_flags),
        become_exe=_text(getattr(task, "become_exe", None)),
        connection=_text(task.connection),
        remote_user=_text(task.remote_user),
        port=int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None,
        variables=tuple(sorted(variables.items())),
    )


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) and value else None
