"""Looking at a job from within an action plugin, the way its launch got there.

``async_status`` looks in the folder of the account it runs as, on the host it runs on. So a look needs the launch's
own connection, remote user, delegation and become settings, not those of the task that looks. Action plugins run in a
worker process of one host; what is built here lives as long as that worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.task import Task
from ansible.plugins.loader import become_loader

from ansible_reap.runtime.events.results import NOT_FOUND, is_connection_variable
from ansible_reap.runtime.remote import status_file
from ansible_reap.runtime.remote.waiting import NoAnswerError
from ansible_reap.runtime.tracking.info import Access, JobInfo

DEFAULT_FOLDER = "~/.ansible_async"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Way:
    """An action handler on a connection of its own, and the variables to run modules with."""

    handler: Any
    variables: dict[str, Any]


class Reach:
    """Runs modules where jobs live."""

    def __init__(self, action: Any, task_vars: Mapping[str, Any]) -> None:
        """``action`` is the action plugin that asks, ``task_vars`` what its ``run`` was given."""
        self._action = action
        self._task_vars = task_vars
        self._ways: dict[str, _Way] = {}

    def status(self, job: JobInfo) -> dict[str, Any]:
        """What ``async_status`` says of the job.

        Raises:
            NoAnswerError: the host does not answer.
        """
        return self._async_status(job, "status")

    def cleanup(self, job: JobInfo) -> None:
        """Remove the job's status file. A file that has gone already is fine.

        Raises:
            NoAnswerError: the host does not answer.
        """
        answer = self._async_status(job, "cleanup")
        if answer.get("failed") and answer.get("msg") != NOT_FOUND:
            raise NoAnswerError(" ".join(str(answer.get("msg")).split()))

    def module(self, access: Access, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run a module as the account, on the host, that ``access`` leads to.

        Raises:
            NoAnswerError: the host does not answer.
        """

        def run() -> dict[str, Any]:
            way = self._way(access)
            answer = way.handler._execute_module(  # noqa: SLF001 - what every action plugin calls, here on another
                module_name=name, module_args=dict(arguments), task_vars=way.variables
            )
            return dict(answer)

        return _one_line_errors(run)

    def async_folder(self, access: Access) -> str:
        """The folder of status files there, absolute.

        Raises:
            NoAnswerError: the host does not answer.
        """

        def expand() -> str:
            handler = self._way(access).handler
            folder = handler.get_shell_option("async_dir", default=DEFAULT_FOLDER)
            return str(handler._remote_expand_user(folder))  # noqa: SLF001

        return _one_line_errors(expand)

    def clock(self, access: Access) -> float:
        """The time there, in seconds since the epoch, to the second.

        Raises:
            NoAnswerError: the host does not answer, or does not tell.
        """

        def read() -> str:
            answer = self._way(access).handler._low_level_execute_command("date +%s")  # noqa: SLF001 - as above
            return str(answer.get("stdout", "")).strip()

        text = _one_line_errors(read)
        if not text.isdigit():
            raise NoAnswerError("the host does not tell the time")
        return float(text)

    def ended_ago(self, job: JobInfo) -> float | None:
        """For how many seconds at least the job has ended; None where its status file does not tell.

        Raises:
            NoAnswerError: the host does not answer.
        """
        return self.age(job.access, "/".join(self._place(job)))

    def age(self, access: Access, path: str) -> float | None:
        """For how many seconds at least nobody has written to the file there; None where that cannot be told.

        Raises:
            NoAnswerError: the host does not answer.
        """
        return _one_line_errors(lambda: status_file.age(self._way(access).handler, path))

    def _async_status(self, job: JobInfo, mode: str) -> dict[str, Any]:
        folder, jid = self._place(job)
        arguments = {"jid": jid, "mode": mode, "_async_dir": folder}
        return self.module(job.access, "ansible.legacy.async_status", arguments)

    def _place(self, job: JobInfo) -> tuple[str, str]:
        """Folder and name of the job's status file.

        The path that the launch gave finds it even where HOME is not the home the account is listed with. A path that
        does not end in the job's id is not ours to touch. Windows joins paths with a backslash.
        """
        path = job.results_file or ""
        cut = max(path.rfind("/"), path.rfind("\\"))
        if cut > 0 and path[cut + 1 :] == job.jid:
            return path[:cut], job.jid
        return self.async_folder(job.access), job.jid

    def _way(self, access: Access) -> _Way:
        key = repr(access)  # the values of variables need not be hashable
        if key not in self._ways:
            self._ways[key] = self._open(access)
        return self._ways[key]

    def _open(self, access: Access) -> _Way:
        """Build the connection as ansible-core's own task executor does, from a task made for the purpose."""
        action = self._action
        loaders = action._shared_loader_obj  # noqa: SLF001 - an action plugin's own, as is all that follows
        variables = self._variables(access)
        task = _task_for(access)
        templar = action._templar.copy_with_new_env(available_variables=variables)  # noqa: SLF001
        template = templar.template

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
        _set_options(connection, "connection", keys, variables, template)
        _set_options(connection._shell, "shell", keys, variables, template)  # noqa: SLF001
        if become is not None:
            _set_options(become, "become", keys, variables, template)
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

    def _variables(self, access: Access) -> dict[str, Any]:
        here = str(self._task_vars["inventory_hostname"])
        host = access.delegate_to or here
        found = self._task_vars["hostvars"].raw_get(host)
        # A host outside the inventory has no variables; Ansible then takes its name for its address.
        inventory = dict(found) if isinstance(found, Mapping) else {"inventory_hostname": host}
        own = inventory
        if host == here:
            # The task's variables hold what its own connection was made with, as if the inventory had said so.
            own = {
                name: value
                for name, value in self._task_vars.items()
                if name in inventory or not is_connection_variable(name)
            }
        own.update(access.variables)
        return own


def _one_line_errors(function: Callable[[], _T]) -> _T:
    try:
        return function()
    except AnsibleError as error:  # unreachable hosts, wrong passwords and missing plugins are all of this class
        raise NoAnswerError(" ".join(str(error).split())) from error


def _task_for(access: Access) -> Any:
    data = {name: value for name, value in access.keywords().items() if value is not None and name != "delegate_to"}
    # check_mode: a look changes nothing, and ansible-core 2.16 would skip it.
    return Task.load({"action": "ansible.legacy.async_status", "args": {"jid": ""}, "check_mode": False, **data})


def _task_keys(task: Any, context: Any) -> dict[str, Any]:
    """The task's keywords as plugin options take them; passwords given on the command line travel in the context."""
    keys: dict[str, Any] = task.dump_attrs()
    keys["timeout"] = context.timeout
    keys.pop("retries", None)
    if context.password:
        keys["password"] = context.password
    if context.become_pass:
        keys["become_pass"] = context.become_pass
    return keys


def _become(variables: Mapping[str, Any], task: Any, template: Callable[[Any], Any]) -> Any:
    """The become plugin, or None. Variables beat keywords, as everywhere in Ansible."""
    wanted = variables.get("ansible_become")
    if not (task.become if wanted is None else boolean(template(wanted), strict=False)):
        return None
    method = template(variables.get("ansible_become_method") or task.become_method)
    plugin = become_loader.get(method)
    if plugin is None:
        raise AnsibleError(f"the become plugin '{method}' was not found")
    return plugin


def _set_options(
    plugin: Any, kind: str, keys: dict[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> None:
    names = constants.config.get_plugin_vars(kind, plugin._load_name)  # noqa: SLF001
    options = {name: template(variables[name]) for name in names if name in variables}
    if kind == "connection" and getattr(plugin, "allow_extras", False):
        prefix = f"ansible_{plugin.extras_prefix}_"
        extras = [name for name in variables if name.startswith(prefix) and name not in options]
        options["_extras"] = {name: template(variables[name]) for name in extras}
    plugin.set_options(task_keys=keys, var_options=options)
