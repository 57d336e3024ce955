"""Jobs that another run has handed on by its artifact, an extra variable, in the place of a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ansible import context
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_reap.runtime.events.ansible_objects import Action, Variables
from ansible_reap.runtime.events.custom_stats import OUTSTANDING
from ansible_reap.runtime.events.own_words import without_facts
from ansible_reap.runtime.ledger import artifact
from ansible_reap.runtime.ledger.leftovers import JOB_ID, Leftovers
from ansible_reap.runtime.ledger.lines import LineError
from ansible_reap.runtime.tracking.info import LOCAL_CONNECTIONS, JobInfo


def handed_on(
    action: Action, left: Leftovers, task_vars: Variables, wanted: Callable[[JobInfo], bool], warnings: list[str]
) -> Iterator[JobInfo]:
    """The wanted jobs of this host that another run has handed on, and that no ledger names on the same machine.

    They are an extra variable, and are read as such: a variable of that name may also be a fact, which is the host's. A
    job that is said to be where the inventory does not lead adds a line to ``warnings``.

    Raises:
        AnsibleActionFail: the variable is none of ours.
    """
    jobs = extra_variables(action).get(OUTSTANDING, {})
    if not isinstance(jobs, Mapping):
        raise AnsibleActionFail(f"the extra variable {OUTSTANDING} is no mapping of jobs")
    try:
        known = artifact.read(jobs)
    except LineError as error:
        raise AnsibleActionFail(
            f"the extra variable {OUTSTANDING} is not what a run has put into its artifact: {error}"
        ) from error
    for job in known:
        if job.host == left.host and wanted(job):
            try:
                if not JOB_ID.fullmatch(job.jid):
                    raise artifact.NotTakenError("no job has such an id")  # noqa: TRY301
                ours = artifact.taken(
                    job, lambda name: _inventory_of(name, task_vars), lambda name: _is_here(name, action)
                )
            except artifact.NotTakenError as error:
                warnings.append(f"job {job.jid} of the artifact is left alone: {error}")
                continue
            # What a ledger here says of it counts, and that may be that its run is still going.
            if ours.jid not in left.named_at(ours.access):
                yield ours


def extra_variables(action: Action) -> Mapping[str, object]:
    """What was given with ``-e``, apart from all that a host may have returned under such a name."""
    return action._task.get_variable_manager().extra_vars  # noqa: SLF001 - the plugin's own


def machine_of(name: str, action: Action) -> str:
    """The machine that a host of the inventory stands for, by what the host itself has no say in."""
    connection, address = _way_to(name, action)
    return "localhost" if connection in LOCAL_CONNECTIONS else address or name


def _is_here(name: str, action: Action) -> bool:
    """Whether a host of the inventory is the controller, or may be: how it is reached cannot be told."""
    return _way_to(name, action)[0] in (None, *LOCAL_CONNECTIONS)


def _way_to(name: str, action: Action) -> tuple[str | None, str | None]:
    """Connection and address of a host by the inventory; None where it does not say, or by a template needing more."""
    manager = action._task.get_variable_manager()  # noqa: SLF001 - the plugin's own
    host = manager._inventory.get_host(name)  # noqa: SLF001 - no other way
    if host is None:
        return None, None
    known = without_facts(manager.get_vars(host=host), host)
    templar = action._templar.copy_with_new_env(available_variables=known)  # noqa: SLF001

    def filled_in(value: object) -> str | None:
        try:
            return str(templar.template(value)) if value else None
        except AnsibleError:
            return None

    # Without a variable of the host's the command line decides, else ansible.cfg.
    connection = known.get("ansible_connection") or context.CLIARGS.get("connection")
    return filled_in(connection), filled_in(known.get("ansible_host"))


def _inventory_of(host: str, task_vars: Variables) -> Mapping[str, object] | None:
    """What the inventory says of a host; None where it has no such."""
    hosts = task_vars["hostvars"]
    found = hosts.raw_get(host) if host in hosts else None
    return found if isinstance(found, Mapping) else None
