"""What the task of ``reap.jobs.collect`` does on one host."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.validation import check_type_float

from ansible_reap.records import replace
from ansible_reap.runtime.actions.handed_on import extra_variables, handed_on, machine_of
from ansible_reap.runtime.actions.ledgers import ledgers_for
from ansible_reap.runtime.actions.this_task import as_ours, is_in_check_mode, look_of, place_of, tell_run
from ansible_reap.runtime.entry import current
from ansible_reap.runtime.events.ansible_objects import Action, Values, Variables
from ansible_reap.runtime.events.callers import host_of_worker
from ansible_reap.runtime.ledger.leftovers import (
    Leftovers,
    StatusFile,
    claim,
    close,
    leftovers,
    status_files,
    strangers,
    unclaimed,
    without_closed,
)
from ansible_reap.runtime.ledger.lines import Intent
from ansible_reap.runtime.ledger.reader import RunLedger
from ansible_reap.runtime.remote.bounded import PATIENCE as ANSWER_PATIENCE
from ansible_reap.runtime.remote.bounded import bounded_by, within
from ansible_reap.runtime.remote.expected import ExpectedEnds
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import (
    HIDDEN_ANSWER,
    HostSaidError,
    NoAnswerError,
    Terms,
    Waited,
    clean_up,
    failure_message,
    wait_for,
)
from ansible_reap.runtime.session import CORE, PATIENCE
from ansible_reap.runtime.tracking.as_json import entry
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.info import Access, JobInfo
from ansible_reap.runtime.tracking.tracker import Origin
from ansible_reap.wording import counted

ARGUMENTS: dict[str, dict[str, object]] = {
    "wait": {"type": "bool", "default": False},
    "timeout": {"type": "float"},
    "timeout_variable": {"type": "str"},
    "cleanup": {"type": "bool", "default": True},
    "stopped": {"type": "list", "elements": "str", "default": []},
    "ledger_dir": {"type": "path"},
}
MOST_STRAYS = 1000
"""Status files of one folder that no ledger names and that are looked at one by one; the host says how many it has."""


def collect(action: Action, arguments: Variables, task_vars: Variables) -> Values:
    """The task's result: ``jobs`` and ``unclaimed`` in the report's form; ``failed`` where any did not end well.

    Raises:
        AnsibleActionFail: the ledgers cannot be read, or an extra variable makes no sense.
    """
    host = host_of_worker().get_name()
    timeout = _timeout(action, arguments)
    warnings: list[str] = []
    ledgers = ledgers_for(arguments, warnings)
    if host == next(iter(task_vars.get("ansible_play_hosts_all") or []), host):
        warnings += _missing_hosts(ledgers, task_vars)
    left = leftovers(ledgers, host, lambda name: machine_of(name, action))
    # Those of a ledger are closed there by the task that has stopped them; an artifact cannot be written to.
    handed = list(handed_on(action, left, task_vars, lambda job: job.jid not in arguments["stopped"], warnings))
    if not left.jobs and not left.intents and not handed:
        return {"changed": False, "jobs": [], "unclaimed": [], "warnings": as_ours(warnings)}

    check_mode = is_in_check_mode(action)
    reach = Reach(action, task_vars, host)
    terms = Terms(
        core=CORE,
        reap=place_of(action, host, None),
        wait=arguments["wait"],
        timeout=timeout,
        cleanup=arguments["cleanup"] and not check_mode,
        expected=_expected(left),
    )
    strays, searched = _search(left, reach, warnings)
    bounded = bounded_by(terms, reach)
    seen = wait_for([*left.jobs, *handed], bounded, terms, lambda text: say(host, text))
    # Whose the others are is a guess, however good: their files stay.
    found = wait_for(strays, bounded, terms, lambda text: say(host, text))
    claimed = without_closed(left, seen)
    closed = 0
    if not check_mode:
        done = _without_running(searched, found)
        closed = close(left, claimed, done, warnings.append)
        # Only now: whoever collects at the same time, or after us should we be killed, finds a file or a closed job.
        claimed = clean_up(claimed, bounded_by(replace(terms, wait=False), reach), terms)
    waited = [*claimed, *found]
    message = failure_message(waited, terms)
    session = current()
    if session is not None:
        looks = [look_of(one, Origin.LEDGER) for one in claimed] + [look_of(one, Origin.UNCLAIMED) for one in found]
        tell_run(session, action, host, looks)
    result: Values = {
        "changed": closed > 0,
        "jobs": [entry(one.job) for one in claimed],
        "unclaimed": [entry(one.job) for one in found],
        "msg": message or _told(claimed, found, len(seen) - len(claimed)),
        "warnings": as_ours([*warnings, *_silent(waited, terms)]),
    }
    if message:
        result["failed"] = True
    return result


def _expected(left: Leftovers) -> Callable[[JobInfo, float], str]:
    """When a job is expected to end, by what was measured in the project of its run."""
    session = current()
    ends = ExpectedEnds(session.options.history if session is not None else None, PATIENCE)
    bases = {job.jid: ledger.run.base for ledger in left.ledgers for job in ledger.launches}
    return lambda job, age: ends.text(bases.get(job.jid, ""), job, age)


def _timeout(action: Action, arguments: Variables) -> float | None:
    """How long to wait at most.

    Raises:
        AnsibleActionFail: the extra variable is no number.
    """
    given, name = arguments["timeout"], arguments["timeout_variable"]
    if given is None and name is not None:
        value = action._templar.template(extra_variables(action).get(name))  # noqa: SLF001 - the plugin's own
        if value is not None:
            try:
                given = check_type_float(value)
            except TypeError as error:
                raise AnsibleActionFail(f"reap.jobs.collect: the extra variable {name}: {error}") from error
    return None if given is None else float(given)


def _missing_hosts(ledgers: Sequence[RunLedger], task_vars: Variables) -> list[str]:
    hosts = [*task_vars.get("groups", {}).get("all", []), *(task_vars.get("ansible_play_hosts_all") or [])]
    return [
        f"{counted(count, 'outstanding job')} on '{name}', which is not in this inventory: not looked at"
        for name, count in sorted(strangers(ledgers, hosts).items())
    ]


def _search(left: Leftovers, reach: Reach, warnings: list[str]) -> tuple[list[JobInfo], list[Intent]]:
    """The jobs that no ledger names, and the intents whose folder could be searched for them."""
    strays: dict[str, JobInfo] = {}
    searched: list[Intent] = []
    for access, intents in left.folders().items():
        try:
            if "{{" in repr(access):
                raise NoAnswerError("where they went depended on what only the run knew")  # noqa: TRY301
            files = within(ANSWER_PATIENCE, partial(_files, reach, access))
            found = unclaimed(files, intents, left.named_at(access))
            if len(found) > MOST_STRAYS:
                raise NoAnswerError(f"it holds more than {MOST_STRAYS} that may be theirs")  # noqa: TRY301
        except NoAnswerError as error:
            place = f"'{shown(intents[0].site.task)}' at {intents[0].site.place}"
            is_hidden = any(intent.site.no_log for intent in intents) and isinstance(error, HostSaidError)
            why = HIDDEN_ANSWER if is_hidden else str(error)
            warnings.append(f"the folder of the jobs of {place} cannot be searched: {why}")
            continue
        searched += intents
        strays.update((job.jid, claim(job)) for job in found)
    return list(strays.values()), searched


def _files(reach: Reach, access: Access) -> list[StatusFile]:
    folder = reach.async_folder(access)
    offset = reach.clock(access) - time.time()
    answer = reach.module(
        access, "ansible.legacy.find", {"paths": [folder], "patterns": ["j*.*", "[0-9]*.*"], "file_type": "file"}
    )
    if answer.get("failed"):
        raise HostSaidError(fit(str(answer.get("msg"))))
    return status_files(answer, offset)


def _without_running(searched: Sequence[Intent], found: Sequence[Waited]) -> list[Intent]:
    """The intents in whose folders no job is running any more."""
    running = {repr(one.job.info.access) for one in found if not one.has_ended}
    return [intent for intent in searched if repr(intent.site.access) not in running]


def _told(claimed: Sequence[Waited], found: Sequence[Waited], others: int) -> str:
    ended = sum(one.has_ended for one in (*claimed, *found))
    still = len(claimed) + len(found) - ended
    text = f"{len(claimed)} outstanding, {len(found)} unclaimed: {ended} ended well, {still} still running"
    return f"{text}; {others} closed by somebody else meanwhile" if others else text


def _silent(waited: Sequence[Waited], terms: Terms) -> list[str]:
    """Jobs that a look could not reach; where we wait, the failure's message names them."""
    if terms.wait:
        return []
    return [f"job {one.job.info.jid} cannot be looked at: {one.error}" for one in waited if one.error]
