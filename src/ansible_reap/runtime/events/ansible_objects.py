"""What the runtime relies on of Ansible's own objects, as seen on ansible-core 2.16 to 2.22.

Ansible ships no types. These protocols name what is read or called, and nothing else; whoever needs one more attribute
adds it here, with the versions that have it. Attributes whose value may be anything a playbook writes are ``object``.
Names that begin with an underscore have no public counterpart on all of these versions, except where it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, Protocol, TypeAlias

Variables: TypeAlias = "Mapping[str, Any]"
"""Variables as Ansible hands them out: values are whatever playbooks, inventories and hosts make of them."""

Values: TypeAlias = "dict[str, Any]"
"""Arguments and results of modules and actions, before anybody has looked at their types."""


class Host(Protocol):
    """A host of the inventory."""

    address: str

    def get_name(self) -> str: ...
    def get_magic_vars(self) -> Values:
        """Its name and its groups, as variables."""


class Role(Protocol):
    """The role that a task came from."""

    def get_name(self) -> str: ...


class LoopControl(Protocol):
    """``loop_control`` of a task."""

    loop_var: object
    index_var: object
    extended: object


class Task(Protocol):
    """A task. Before it runs its templates stand as written; in a result they have been filled in."""

    name: object
    action: object
    args: Variables
    vars: Variables
    async_val: object
    poll: object
    register: object
    """A name; from 2.21 a mapping of names to the expression that each takes of the result."""
    loop: object
    loop_with: object
    loop_control: LoopControl | None
    no_log: object
    run_once: object
    ignore_errors: object
    failed_when: object
    delegate_to: object
    become: object
    become_user: object
    become_method: object
    become_flags: object
    become_exe: object
    connection: object
    remote_user: object
    port: object
    environment: object
    resolved_action: str | None
    fattributes: Mapping[str, object]

    _uuid: str
    _role: Role | None

    def get_path(self) -> str | None: ...
    def get_vars(self) -> Variables: ...
    def get_dep_chain(self) -> Sequence[object] | None: ...
    def get_variable_manager(self) -> VariableManager: ...
    def get_loader(self) -> Loader: ...
    def _validate_register(self, attr: object, name: str, value: object) -> None: ...


class Result(Protocol):
    """The result of a task or loop item. Public names exist from 2.19 only."""

    _host: Host
    _task: Task
    _result: Variables
    """What callbacks may see: censored under ``no_log``, and from 2.22 with every registered secret masked."""


class Inventory(Protocol):
    """The inventory manager."""

    def get_host(self, name: str) -> Host | None: ...
    def get_hosts(self, *, ignore_limits: bool, ignore_restrictions: bool) -> list[Host]: ...


class VariableManager(Protocol):
    """Keeps all variables of a run."""

    extra_vars: Variables
    _inventory: Inventory
    _nonpersistent_fact_cache: Mapping[str, MutableMapping[str, Any]]
    """What tasks have registered, by host. These are the true values on every version."""

    def get_vars(
        self, *, play: object = None, host: object, task: object = None, include_hostvars: bool = True
    ) -> Values: ...
    def set_nonpersistent_facts(self, host: str, facts: Variables) -> None: ...


class BlockLike(Protocol):
    """A block of tasks and blocks."""

    block: list[Any]


class Vault(Protocol):
    """Opens what is encrypted."""

    secrets: Sequence[object] | None
    """The passwords of the run."""


class Loader(Protocol):
    """Reads files for a run."""

    _vault: Vault

    def get_basedir(self) -> str: ...

    cleanup_all_tmp_files: Callable[[], None]


class Play(Protocol):
    """A play, or the copy of it that runs."""

    vars: Variables | None
    handlers: list[BlockLike]
    hosts: object
    strategy: object
    serial: object

    _uuid: str

    def get_name(self) -> str: ...
    def get_variable_manager(self) -> VariableManager: ...
    def get_loader(self) -> Loader: ...

    compile: Callable[[], list[BlockLike]]

    def compile_roles_handlers(self) -> list[BlockLike]: ...
    def get_ds(self) -> object: ...


class Playbook(Protocol):
    """A playbook; none of this has a public name."""

    _file_name: str
    _basedir: str
    _loader: Loader

    def get_plays(self) -> list[Play]: ...


class Stats(Protocol):
    """The counts behind PLAY RECAP."""

    dark: Mapping[str, int]
    """Unreachable hosts."""
    failures: Mapping[str, int]
    """How often a host has failed, what was rescued left out."""


class PlayContext(Protocol):
    """The settings of a connection, as an action plugin has them."""

    check_mode: bool

    def set_task_and_variable_override(self, task: Any, variables: Variables, templar: Any) -> Any: ...


class Action(Protocol):
    """An action plugin at work in a worker process."""

    _task: Task
    _connection: Any
    _play_context: PlayContext
    _shared_loader_obj: Any
    _templar: Any
    _loader: Any

    def _execute_module(self, *, module_name: str, module_args: Values, task_vars: Values) -> Values: ...
    def _low_level_execute_command(self, command: str) -> Values: ...
