"""Looking at a job from within an action plugin, the way its launch got there.

``async_status`` looks in the folder of the account it runs as, on the host it runs on. So a look needs the launch's
own connection, remote user, delegation and become settings, not those of the task that looks. Action plugins run in a
worker process of one host; what is built here lives as long as that worker. It is the only place where the connection
variables of a launch are worked out, and they never leave it.
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.task import Task
from ansible.plugins.loader import become_loader
from ansible.template import Templar

from ansible_reap.records import dataclass
from ansible_reap.runtime.events.ansible_objects import Action, Values, VariableManager, Variables
from ansible_reap.runtime.events.as_data import as_data
from ansible_reap.runtime.events.launch_way import host_named
from ansible_reap.runtime.events.passwords import is_password, masked
from ansible_reap.runtime.events.replies import NOT_FOUND
from ansible_reap.runtime.events.results import is_connection_variable
from ansible_reap.runtime.remote import status_file
from ansible_reap.runtime.remote.waiting import HostSaidError, NoAnswerError
from ansible_reap.runtime.tracking.display_text import fit
from ansible_reap.runtime.tracking.info import HIDDEN, Access, JobInfo, Route

DEFAULT_FOLDER = "~/.ansible_async"
_LONGEST_TIME = 12
"""Digits of a point in time, in seconds since the epoch."""
_OPEN_NAMES = frozenset({"ansible_connection", "ansible_host", "ansible_port", "ansible_user", "ansible_become_user"})
"""Connection variables that may be named in a message; whatever else there is might hold a secret."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Way:
    """An action handler on a connection of its own, and the variables to run modules with."""

    handler: Action
    variables: Values


class Reach:
    """Runs modules where jobs live."""

    def __init__(self, action: Action, task_vars: Variables, host: str) -> None:
        """``action`` is the action plugin that asks, for ``host``; ``task_vars`` is what its ``run`` was given."""
        self._action = action
        self._task_vars = task_vars
        self._host = host
        self._ways: dict[tuple[Access, int, bool], _Way] = {}
        self._routes: list[Route] = []
        """Kept, so that no other gets the identity of one that is gone."""
        self._secrets: set[str] = set()

    def status(self, job: JobInfo) -> Values:
        """What ``async_status`` says of the job.

        Raises:
            NoAnswerError: the host does not answer.
        """
        return self._async_status(job, "status")

    def cleanup(self, job: JobInfo) -> None:
        """Remove the job's status file. A file that has gone already is fine, if it is looked for in the right folder.

        Raises:
            NoAnswerError: the host does not answer, or its launch has said that the file is in another folder.
        """
        answer = self._async_status(job, "cleanup")
        if answer.get("msg") == NOT_FOUND and not _is_in(job.told_folder, _folder(self._way_of(job).handler)):
            raise NoAnswerError("it is in another folder than the launch's variables tell")
        if answer.get("failed") and answer.get("msg") != NOT_FOUND:
            raise HostSaidError(self.without_secrets(str(answer.get("msg"))))

    def status_path(self, job: JobInfo) -> str:
        """The job's status file there, for a module to expand: with the HOME that the job's wrapper had too.

        Raises:
            NoAnswerError: no connection can be made.
        """
        return f"{_folder(self._way_of(job).handler)}/{job.jid}"

    def is_windows(self, access: Access, route: Route | None = None) -> bool:
        """Whether a Windows shell is spoken to there.

        Raises:
            NoAnswerError: no connection can be made.
        """
        return _is_windows(self._guarded(lambda: self._way(access, route).handler))

    def module(
        self, access: Access, name: str, arguments: Variables, route: Route | None = None, *, no_log: bool = False
    ) -> Values:
        """Run a module as the account, on the host, that ``access`` and ``route`` lead to.

        ``no_log``: a job under it may have said what comes back, and a connection prints that at ``-vvv``, as does
        Ansible itself with ``ANSIBLE_DEBUG``.

        Raises:
            NoAnswerError: the host does not answer.
        """

        def run() -> Values:
            is_hidden = no_log or self._is_hidden
            way = self._way(access, route, no_log=is_hidden)
            with _without_debug() if is_hidden else contextlib.nullcontext():
                answer = way.handler._execute_module(  # noqa: SLF001 - what every action plugin calls, here on another
                    module_name=name, module_args=dict(arguments), task_vars=way.variables
                )
            return self._readable(dict(answer))

        return self._guarded(run)

    def async_folder(self, access: Access) -> str:
        """The folder of status files there, absolute.

        Raises:
            NoAnswerError: the host does not answer.
        """

        def expand() -> str:
            handler: Any = self._way(access, None).handler
            return str(handler._remote_expand_user(_folder(handler)))  # noqa: SLF001

        return self._guarded(expand)

    def clock(self, access: Access) -> float:
        """The time there, in seconds since the epoch, to the second.

        Raises:
            NoAnswerError: the host does not answer, or does not tell.
        """

        def read() -> str:
            answer = self._way(access, None).handler._low_level_execute_command("date +%s")  # noqa: SLF001 - as above
            return str(answer.get("stdout", "")).strip()

        text = self._guarded(read)
        if not (text.isascii() and text.isdigit() and len(text) < _LONGEST_TIME):
            raise NoAnswerError("the host does not tell the time")
        return float(text)

    def ended_ago(self, job: JobInfo) -> float | None:
        """For how many seconds at least the job has ended; None where its status file does not tell.

        Raises:
            NoAnswerError: the host does not answer.
        """
        handler = self._way_of(job).handler
        return self._guarded(lambda: status_file.age(handler, _folder(handler), job.jid))

    def _async_status(self, job: JobInfo, mode: str) -> Values:
        # The folder as the launch had it, for the module to expand: with the HOME that the job's wrapper had too. What
        # the launch said of the file does not count, since a host may name any file there.
        handler: Any = self._way_of(job).handler
        folder = _folder(handler)
        if _is_windows(handler):
            folder = self._guarded(lambda: str(handler._remote_expand_user(folder)))  # noqa: SLF001 - an action plugin's own
        arguments = {"jid": job.jid, "mode": mode, "_async_dir": folder}
        return self.module(job.access, "ansible.legacy.async_status", arguments, job.route, no_log=job.site.no_log)

    def _way_of(self, job: JobInfo) -> _Way:
        return self._guarded(lambda: self._way(job.access, job.route, no_log=job.site.no_log))

    def _way(self, access: Access, route: Route | None, *, no_log: bool = False) -> _Way:
        no_log = no_log or self._is_hidden
        key = (access, id(route), no_log)
        if key not in self._ways:
            if route is not None:
                self._routes.append(route)
            self._ways[key] = self._open(access, route, no_log)
        return self._ways[key]

    def _open(self, access: Access, route: Route | None, no_log: bool) -> _Way:
        """Build the connection as ansible-core's own task executor does, from a task made for the purpose."""
        if HIDDEN in access.keywords().values():
            raise NoAnswerError("its ledger does not say how its host is reached, for that came out of a vault")
        action = self._action
        loaders = action._shared_loader_obj  # noqa: SLF001 - an action plugin's own, as is all that follows
        variables = self._variables(access, route)
        task = _task_for(access, no_log)
        known = variables if route is None else {**variables, **route.known, **as_data(dict(route.scope))}
        # Up to ansible-core 2.18 lookups of a copy of the action's own would ask that one's variables.
        templar = Templar(loader=action._loader, variables=known)  # noqa: SLF001
        template = templar.template if route is None else _as_then(templar)
        for name, value in variables.items():
            if is_password(name):  # whatever the plugins make of it; one that cannot be worked out, none of them has
                with contextlib.suppress(AnsibleError, NoAnswerError):
                    self._secrets.add(str(template(value)))

        context = action._play_context.set_task_and_variable_override(task, variables, templar)  # noqa: SLF001
        context.remote_addr = template(variables.get("ansible_host") or variables.get("inventory_hostname"))
        context.connection = template(variables.get("ansible_connection") or task.connection)
        connection = loaders.connection_loader.get(
            context.connection,
            context,
            new_stdin=None,
            task_uuid=task._uuid,  # noqa: SLF001
            ansible_playbook_pid="",
        )
        if connection is None:
            raise AnsibleError(f"the connection plugin '{context.connection}' was not found")
        become = _become(variables, task, template)
        connection.set_become_plugin(become)
        if become is not None:
            context.set_become_plugin(become.name)

        keys = _task_keys(task, context)
        self._set_options(connection, "connection", keys, variables, template)
        self._set_options(connection._shell, "shell", keys, variables, template)  # noqa: SLF001
        _lead_home(connection._shell, access.home)  # noqa: SLF001
        if become is not None:
            self._set_options(become, "become", keys, variables, template)
        handler = loaders.action_loader.get(
            "ansible.legacy.normal",
            task=task,
            connection=connection,
            play_context=context,
            loader=action._loader,  # noqa: SLF001
            templar=templar,
            shared_loader_obj=loaders,
        )
        return _Way(handler, variables)

    def _set_options(
        self, plugin: Any, kind: str, keys: Values, variables: Variables, template: Callable[[object], Any]
    ) -> None:
        names = constants.config.get_plugin_vars(kind, plugin._load_name)  # noqa: SLF001
        options = {name: template(variables[name]) for name in names if name in variables}
        self._secrets.update(
            value for name, value in options.items() if name not in _OPEN_NAMES and isinstance(value, str)
        )
        self._secrets.update(str(keys[name]) for name in ("password", "become_pass") if keys.get(name))
        if kind == "connection" and getattr(plugin, "allow_extras", False):
            prefix = f"ansible_{plugin.extras_prefix}_"
            extras = [name for name in variables if name.startswith(prefix) and name not in options]
            options["_extras"] = {name: template(variables[name]) for name in extras}
        plugin.set_options(task_keys=keys, var_options=options)

    def _variables(self, access: Access, route: Route | None) -> Values:
        """What there is to reach the host with, and to run modules there: of a launch of this run as it had it."""
        name = access.delegate_to or self._host
        host = host_named(name, self._manager)
        inventory = self._manager.get_vars(host=host, include_hostvars=False)
        if route is not None:
            now = self._task_vars if name == self._host else inventory
            own = {name: value for name, value in now.items() if not is_connection_variable(name)}
            return {**own, **host.get_magic_vars(), **route.variables, **_ways_in(route.scope)}
        own = inventory
        if name == self._host:
            # The task's variables hold what its own connection was made with, as if the inventory had said so.
            own = {
                name: value
                for name, value in self._task_vars.items()
                if name in inventory or not is_connection_variable(name)
            }
        own.update(host.get_magic_vars())  # a fact of such a name would lead to whichever host it names
        own.update(access.variables)
        return own

    @property
    def _is_hidden(self) -> bool:
        return self._action._task.no_log is True  # noqa: SLF001 - the plugin's own

    @property
    def _manager(self) -> VariableManager:
        return self._action._task.get_variable_manager()  # noqa: SLF001 - the plugin's own

    def _guarded(self, function: Callable[[], _T]) -> _T:
        """Unreachable hosts, wrong passwords and missing plugins are told in one line, without any secret.

        Raises:
            NoAnswerError: instead of whatever the function raises. An answer that is no answer makes Ansible's own code
                raise anything, and so does a connection plugin.
        """
        try:
            return function()
        except NoAnswerError:
            raise
        except AnsibleError as error:
            raise HostSaidError(self.without_secrets(str(error))) from None
        except Exception as error:  # noqa: BLE001 - as above; what it says itself may be secret
            raise NoAnswerError(f"the look at it failed ({type(error).__name__})") from None

    def _readable(self, answer: Values) -> Values:
        """The answer with one message, in which no password of the way is repeated.

        Why a module could not run may stand in the exception alone since ansible-core 2.19.
        """
        event = getattr(answer.get("exception"), "event", None)
        text = answer.get("msg") or getattr(event, "msg", None)
        return {**answer, "msg": self.without_secrets(text)} if isinstance(text, str) else answer

    def without_secrets(self, text: str) -> str:
        """What a host says, in one line that may be shown: a host may repeat the password that it has got."""
        return fit(masked(text, self._secrets))


@contextlib.contextmanager
def _without_debug() -> Iterator[None]:
    """Keep ansible-core from printing what a host answers, as it does with ``ANSIBLE_DEBUG`` whatever ``no_log`` says.

    Nobody else acts in a worker meanwhile.
    """
    before, constants.DEFAULT_DEBUG = constants.DEFAULT_DEBUG, False
    try:
        yield
    finally:
        constants.DEFAULT_DEBUG = before


def _as_then(templar: Any) -> Callable[[object], Any]:
    """Works out templates of a launch with what it had.

    It is better not to look at all than on the wrong machine.
    """

    def template(value: object) -> Any:
        try:
            return templar.template(value)
        except AnsibleError as error:
            raise NoAnswerError("how its launch got there cannot be worked out any more") from error

    return template


def _ways_in(scope: Variables) -> Values:
    """What a loop has set for the connection itself."""
    found: Values = as_data({name: value for name, value in scope.items() if is_connection_variable(name)})
    return found


def _is_windows(handler: Action) -> bool:
    return bool(getattr(handler._connection._shell, "_IS_WINDOWS", False))  # noqa: SLF001 - an action plugin's own


def _folder(handler: Any) -> str:
    """The folder of status files, as the shell's option says."""
    return str(handler.get_shell_option("async_dir", default=DEFAULT_FOLDER))


def _lead_home(shell: Any, home: str | None) -> None:
    """Have the folder of status files begin with the home that the job's wrapper had, where that is told."""
    folder = shell.get_option("async_dir") if home is not None else None
    if isinstance(folder, str) and folder.startswith("~/"):
        shell.set_option("async_dir", f"{home}{folder[1:]}")


def _is_in(told: str | None, folder: str) -> bool:
    """Whether the folder is the one in which a host has said that a file is, if it has said anything."""
    if told is None:
        return True
    told, folder = told.rstrip("/"), folder.replace("\\", "/").rstrip("/")
    home, _, rest = folder.partition("/")
    # Whose home it begins with, the account says that both have used.
    return (
        told.endswith(f"/{rest}")
        if home.startswith(("~", "%", "$"))
        else posixpath.normpath(told) == posixpath.normpath(folder)
    )


def _task_for(access: Access, no_log: bool) -> Any:
    data = {name: value for name, value in access.keywords().items() if value is not None and name != "delegate_to"}
    if no_log:  # else ANSIBLE_NO_LOG decides
        data["no_log"] = True
    # check_mode: a look changes nothing, and ansible-core 2.16 would skip it.
    return Task.load({"action": "ansible.legacy.async_status", "args": {"jid": ""}, "check_mode": False, **data})


def _task_keys(task: Any, context: Any) -> Values:
    """The task's keywords as plugin options take them; passwords given on the command line travel in the context."""
    keys: Values = task.dump_attrs()
    keys["timeout"] = context.timeout
    keys.pop("retries", None)
    if context.password:
        keys["password"] = context.password
    if context.become_pass:
        keys["become_pass"] = context.become_pass
    return keys


def _become(variables: Variables, task: Any, template: Callable[[object], Any]) -> Any:
    """The become plugin, or None. Variables beat keywords, as everywhere in Ansible."""
    wanted = variables.get("ansible_become")
    if not (task.become if wanted is None else boolean(template(wanted), strict=False)):
        return None
    method = template(variables.get("ansible_become_method") or task.become_method)
    plugin = become_loader.get(method)
    if plugin is None:
        raise AnsibleError(f"the become plugin '{method}' was not found")
    return plugin
