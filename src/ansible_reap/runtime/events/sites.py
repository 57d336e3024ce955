"""A launching task read as a ``LaunchSite``: what it is called, how it is reached, whether it is detached.

Nothing that Ansible evaluates is evaluated here once more: a lookup may do anything, and secrets stay where they are.
Keywords are taken from the task as its worker has filled it in. Connection variables that the playbook sets are kept as
written, for the worker that looks at the job to work them out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.template import Templar

from ansible_reap.jobs import DETACH_VARIABLE, REBOOT_REASON
from ansible_reap.records import replace
from ansible_reap.runtime.events import configured, marker, results
from ansible_reap.runtime.events.ansible_objects import Host, Play, Task, Variables
from ansible_reap.runtime.events.as_data import as_data
from ansible_reap.runtime.events.launch_way import (
    Routes,
    host_named,
    is_template,
    route_of,
    variables_at_start,
    variables_for,
)
from ansible_reap.runtime.events.own_words import is_fact
from ansible_reap.runtime.events.plain_values import home_set, is_plain, with_values
from ansible_reap.runtime.events.results import is_connection_variable
from ansible_reap.runtime.events.set_in_run import has_vault, untold
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


class _Way(NamedTuple):
    """How a launch gets to its host."""

    route: Route
    is_here: bool
    """The host is the controller itself."""
    async_dir: str | None
    """The folder of its jobs, where it may be told."""


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
        self._routes = Routes()
        self._ways: dict[tuple[str, str], dict[str | None, _Way]] = {}
        """The ways that a task takes for a host, by the task's identity and the host: to that host, or to another to
        which it is delegated."""
        self._vaulted: dict[tuple[str, str], frozenset[str]] = {}
        """What of the way to a launch's host comes out of a vault, by the task's identity and the host, if anything."""
        self._homes: dict[tuple[str, str], str | None] = {}
        """The HOME that a task's ``environment`` sets for a host, by the task's identity and the host."""
        self._reboots: dict[str, bool] = {}
        """Whether a launch surely reboots by what stands in the playbook, by the task's identity."""

    def read(self, task: Task, play: Play, host: Host) -> LaunchSite:
        """The task as it stood for a result of the host. Whether it is detached is said by ``declared``.

        At the end of a loop the host to which an item was delegated is not told any more, but a template for it.
        """
        return self._read(task, play, host, has_run=True)

    def _read(self, task: Task, play: Play, host: Host, *, has_run: bool) -> LaunchSite:
        """The task for the host; as long as it has not run, its templates stand as written."""
        path, line = results.task_place(task, self._base)
        written = _connection_variables(task, play)
        vaulted: frozenset[str] = self._vaulted.get((results.identity(task), host.get_name()), frozenset())
        variables = {name: value for name, value in written.items() if is_plain(value) and name not in vaulted}
        delegate_to = _text(task.delegate_to)
        if _FOLDER not in written and _FOLDER in _untold_of(delegate_to or host.get_name(), play):
            vaulted |= {_FOLDER}
        # What a template may come to is no host.
        way = None if is_template(delegate_to) else self._way(task, play, host, delegate_to)
        async_dir = variables.get(_FOLDER) if way is None else way.async_dir
        if _FOLDER in vaulted:
            async_dir = None
        access = replace(_access_of(task, variables), vaulted=vaulted)
        told = variables if way is None else way.route.variables
        becomes = access.become or "ansible_become" in told
        if access.become_user is None and becomes:
            access = replace(access, become_user=configured.account(access.become_method))
        if has_run and way is not None and way.is_here and _CONNECTION not in written:
            access = replace(access, connection="local")  # up to ansible-core 2.18 the task does not say so
        is_here = told.get(_CONNECTION, access.connection) in LOCAL_CONNECTIONS
        home = self._homes.get((results.identity(task), host.get_name()))
        access = replace(access, home=home or (_home_here() if is_here and not becomes else None))
        if is_here and isinstance(async_dir, str):
            async_dir = _from_here(async_dir)
            kept = tuple((name, async_dir if name == _FOLDER else value) for name, value in access.variables)
            access = replace(access, variables=kept)
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
        variables = variables_at_start(task, play, host)
        home = home_set(task.environment, _known(task, play, host, variables)) if task.environment else None
        self._homes[results.identity(task), host.get_name()] = home
        own = self._way_by(variables, task, play, host, host)
        self._ways[results.identity(task), host.get_name()] = {None: own}
        return self._read(task, play, host, has_run=False)

    def forget_ways(self) -> None:
        """A play is over: none of its tasks will be told of any more."""
        self._ways.clear()
        self._homes.clear()

    def _way(self, task: Task, play: Play, host: Host, delegate_to: str | None) -> _Way:
        """The way that the task takes for the host, as it was when it began.

        The host to which a template has delegated it is known by the result, and its way read then.
        """
        known = self._ways.setdefault((results.identity(task), host.get_name()), {})
        if delegate_to not in known:
            reached = host if delegate_to is None else host_named(delegate_to, play.get_variable_manager())
            known[delegate_to] = self._way_by(variables_for(task, play, reached), task, play, host, reached)
        return known[delegate_to]

    def _way_by(self, variables: Variables, task: Task, play: Play, host: Host, reached: Host) -> _Way:
        route = self._routes.same(route_of(variables, reached, host), reached.get_name())
        # The connection is no fact: Ansible takes that out of what a host reports.
        is_here = variables.get(_CONNECTION) in LOCAL_CONNECTIONS
        return _Way(route, is_here, _folder_told(task, play, reached, variables))

    def declared(self, site: LaunchSite, task: Task, play: Play, host: Host, scope: Mapping[str, object]) -> LaunchSite:
        """The launch with the reason for which a job of it is detached, if it is.

        ``scope`` is what the loop has set for the job's item.
        """
        written = marker.written(task, play)
        is_template = written is not None and written.is_template
        variables = variables_for(task, play, host) if is_template else {}
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

    def needs_scope(self, site: LaunchSite, task: Task, play: Play, host: Host, scope: Mapping[str, object]) -> bool:
        """Whether the reason or the way to the job's host may depend on what the loop has set for the item."""
        written = marker.written(task, play)
        is_in_reason = written is not None and written.is_template
        return is_in_reason or bool(self.route(site, task, play, host, scope).scope)

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

    def route(self, site: LaunchSite, task: Task, play: Play, host: Host, scope: Mapping[str, object]) -> Route:
        """How the launch got to the host of its job, which is where a look at it goes.

        ``site`` names the host to which the job was delegated, and ``scope`` is what the loop has set for its item.
        """
        route = self._way(task, play, host, site.access.delegate_to).route
        is_led_by_it = any(is_connection_variable(str(name)) for name in scope)
        if scope and (is_led_by_it or any(map(is_template, route.variables.values()))):
            return replace(route, scope=scope)
        return route


def _is_reboot(task: Task) -> bool:
    """Whether the task does nothing but cut its own connection; to be asked before it runs, of what is written."""
    from ansible_reap.shell.sure_disconnects import surely_cuts_connection  # noqa: PLC0415 - only a launch needs it

    arguments = {name: value for name, value in task.args.items() if not str(name).startswith("_ansible_")}
    return surely_cuts_connection(str(task.action), arguments, max(results.whole(task.async_val), 0))


def _connection_variables(task: Task, play: Play) -> dict[str, object]:
    """Connection variables set in the playbook itself, as written; those of the inventory stay with the host."""
    found: dict[str, object] = {}
    for scope in reversed(marker.scopes(task, play)):
        found.update((name, value) for name, value in scope.items() if is_connection_variable(str(name)))
    return found


def _vaulted_settings(task: Task, play: Play, host: Host) -> frozenset[str]:
    """What says how the host is reached and comes out of a vault: keywords that stand in an encrypted file or that
    name such a value, and variables that stand there.
    """
    variables = _connection_variables(task, play)
    found = {name for name, value in variables.items() if not is_template(value) and is_vaulted(value)}
    written = {name: getattr(task, name, None) for name in CONNECTION_KEYWORDS}
    written[_FOLDER] = variables.get(_FOLDER)
    doubtful = {name: value for name, value in written.items() if not is_plain(value) and value is not None}
    if doubtful:
        known = variables_for(task, play, host)
        # Ansible shows to whom it delegates, whatever that was made of.
        found |= {
            name
            for name, value in doubtful.items()
            if _names_vaulted(task, value, known, is_shown=name == "delegate_to")
        }
    loops = {name: loop for name, loop in _loops_around(task).items() if name in variables}
    if loops:
        known = variables_for(task, play, host)
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


def _known(task: Task, play: Play, host: Host, variables: Variables) -> dict[str, object]:
    """The variables without those of the task's loop, and without what may have been made of a vault's secrets."""
    of_loop = results.loop_variables(task)
    known = {name: value for name, value in variables.items() if name not in of_loop}
    known.update(dict.fromkeys(_untold_of(host.get_name(), play), UNTOLD))
    return known


def _home_here() -> str | None:
    """What ``~`` comes to for a job on the controller."""
    home = os.path.expanduser("~")  # noqa: PTH111 - as the job's wrapper does it, which raises nothing
    return home if home.startswith("/") else None


def _from_here(folder: str) -> str:
    """A folder on the controller, absolute: the job's wrapper starts where the run does."""
    if folder.startswith(("/", "~")):
        return folder
    with contextlib.suppress(OSError):  # the folder that the run was started from has gone
        return str(Path.cwd() / folder)
    return folder


def _folder_told(task: Task, play: Play, host: Host, variables: Variables) -> str | None:
    """The folder of the host's jobs, where no vault and no word of the host has a part in it."""
    if _FOLDER not in variables:
        return configured.folder(variables.get("ansible_shell_type"), variables.get(_CONNECTION) or task.connection)
    known = _known(task, play, host, variables)
    folder = known.get(_FOLDER)
    # What add_host has said of a host does not tell either what it was made of.
    is_told = not is_fact(_FOLDER, known) and (known.get("inventory_file") or not has_vault(play.get_loader()))
    if not is_told or not isinstance(folder, str) or _names_vaulted(task, folder, known):
        return None
    return with_values(folder, known)


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
