"""What a host has sent, made into data with types and bounds before anything else looks at it.

A host may send whatever it likes: wrong types, infinities, megabytes, escapes, names of other hosts' jobs. A value
of the wrong type or size counts as missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime

from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass
from ansible_reap.runtime.tracking.display_text import fit

NOT_FOUND = "could not find job"
KILLED = "Timeout exceeded"
_OUT_OF_TIME = "action failed to execute in the expected time frame"
"""Of a task that its ``timeout`` has ended, up to ansible-core 2.17; later ones set ``timedout`` as well."""
_NEVER_CONNECTED = expression(
    r"ssh: connect to host |ssh: Could not resolve hostname |Permission denied \(|Host key verification failed"
    r"|kex_exchange_identification|during banner exchange|Too many authentication failures"
    r"|Unable to connect to port |Authentication failed|Failed to authenticate|Invalid/incorrect (?:username/)?password"
    r"|Failed to establish a new connection|credentials were rejected|Failed to connect to the host via PSRP"
)
"""What is said where a connection could not even be made, so that nothing was sent: by ssh(1) (OpenSSH 7.4 to 10), and
by the connections ssh, paramiko_ssh, winrm and psrp of ansible-core 2.16 to 2.22 with their libraries."""
_CRASHED = "Unexpected failure during module execution"
"""What ansible-core 2.16 to 2.18 says where its own code raised what is no error of Ansible's; a traceback follows."""
_IN_THE_MODULE = expression(r", in (?:_execute_module|_clean_res)\b")
_BEFORE_THE_MODULE = expression(
    r", in (?:_configure_module|_make_tmp_path|_transfer_(?:file|data)|_fixup_perms2|_compute_environment_string)\b"
)
"""Functions of ansible-core 2.16 to 2.18 in such a traceback: behind the launch's answer at times, and before it."""
_CANNOT_DECODE = expression(
    r"Unexpected failure during task execution|Task result omitted due to queue send failure"
    r"|Task failed: (?:Refusing to deserialize |Object of type '[^']*' is not JSON deserializable "
    r"|maximum recursion depth |'\w+' object |argument of type |unhashable type|string indices |sequence item "
    r"|expected )"
)
"""How ansible-core 2.19 to 2.22, which tell no traceback, begin where their own code cannot handle an answer. What goes
wrong before a module is sent begins with the keyword, condition, plugin or argument that it is about."""
_NO_COMMAND = (126, 127)
"""What a shell ends with that cannot run a command, by POSIX."""
_SIGNALLED = 128
"""A process that a signal has ended has a status above it."""
ANSIBLES_OWN = (NOT_FOUND, KILLED)
"""Messages that never come from the module, so ``no_log`` has nothing to hide in them."""

TIMED_OUT = "its task was ended by its timeout, and may have started it"
CUT_OFF = "the connection to its host failed, perhaps after the job had started"
UNREADABLE = "what its host answered to the launch cannot be read"
NAMELESS = "its host gave no id for it"
STANDS_FOR: Mapping[str, Mapping[str, object]] = {
    TIMED_OUT: {"timedout": True},
    CUT_OFF: {"unreachable": True},
    UNREADABLE: {"module_stdout": "", "rc": 0},
}
"""What is kept of a hidden result for why its launch may have started a job."""
_LONGEST_MESSAGE = 20_000
"""Characters of a message that are looked at."""

_JOB_ID = re.compile(r"j?[0-9]{1,20}\.[0-9]{1,20}|[0-9a-f]{16}")
"""What ansible-core 2.16 to 2.22 calls a status file, the launcher's random number and the wrapper's pid; and what
mitogen calls one. No other word of a host gets into a file's name or a message as an id."""
_LONGEST_TIME = 64
"""The longest text, in characters, that is read as a point in time."""
_LONGEST_RUN = 10 * 365 * 86400.0
_LARGEST_RC = 2**31
_LARGEST_NUMBER = 2**63
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a result says of a job. None: it does not say, or says what cannot be true."""

    finished: bool | None
    failed: bool
    not_found: bool
    killed: bool
    rc: int | None
    msg: str | None
    """One printable line."""
    runtime_s: float | None
    """Between the ``start`` and ``end`` that command-like modules report."""
    tries: int
    """How often an ``until`` has looked; 0 without one."""
    suppressed: bool
    """A ``failed_when`` has turned a failure into a success; told from ansible-core 2.19 on."""
    impossible: str | None
    """What in it neither a module nor Ansible would ever say; None where all of it can be true."""


def reply_of(data: Mapping[str, object]) -> Reply:
    """Read a result; never raises, whatever is in it."""
    msg = data.get("msg")
    text = msg if isinstance(msg, str) else ""
    return Reply(
        finished=_truth(data["finished"]) if "finished" in data else None,
        failed=has_failed(data),
        not_found=text == NOT_FOUND,
        killed=KILLED in text[:1000] and "child_pid" in data,
        rc=_return_code(data.get("rc")),
        msg=fit(text) or None,
        runtime_s=_runtime(data.get("start"), data.get("end")),
        tries=_count(data.get("attempts")),
        suppressed="failed_when_suppressed_exception" in data,
        impossible=_impossible(data),
    )


def folder_told(data: Mapping[str, object]) -> str | None:
    """The folder in which the host of a launch has put the job's status file, as it says; None where it does not."""
    file, jid = data.get("results_file"), data.get("ansible_job_id")
    if not isinstance(file, str) or not isinstance(jid, str) or len(file) > _LONGEST_PATH:
        return None
    folder, _, name = file.replace("\\", "/").rpartition("/")
    return folder if name == jid else None


def has_failed(data: Mapping[str, object]) -> bool:
    """Whether Ansible takes the result for a failure: by the truth of ``failed``, and by ``rc`` where that is missing.

    So does the task executor up to ansible-core 2.20. Later versions say ``failed`` of every result of a module.
    """
    return bool(data["failed"]) if "failed" in data else data.get("rc", 0) not in (0, "0")


def unheard_launch(data: Mapping[str, object]) -> str | None:
    """Why a launch whose result names no job may have started one all the same; None where it surely has not.

    Ansible ends a task by its ``timeout`` whatever the host has begun by then, and a connection may break behind the
    command that starts the job. A wrapper that has started its job says so, also where its answer cannot be read, as
    behind a shell that prints something of its own, or where Ansible's own code fails over what it says.
    """
    msg = data.get("msg")
    text = msg[:_LONGEST_MESSAGE] if isinstance(msg, str) else ""
    if "timedout" in data or _OUT_OF_TIME in text[:1000]:
        return TIMED_OUT
    if data.get("unreachable"):
        return None if _NEVER_CONNECTED.search(text) else CUT_OFF
    if "module_stdout" in data:
        return UNREADABLE if _has_run(data) else None
    return UNREADABLE if _has_crashed(data, text) else None


def _has_crashed(data: Mapping[str, object], text: str) -> bool:
    """Whether Ansible itself has fallen over what may have been the wrapper's answer."""
    if not text.startswith(_CRASHED):
        return _CANNOT_DECODE.match(text) is not None
    traceback = str(data.get("exception"))[:_LONGEST_MESSAGE]
    return bool(_IN_THE_MODULE.search(traceback)) and not _BEFORE_THE_MODULE.search(traceback)


def _has_run(data: Mapping[str, object]) -> bool:
    """Whether the wrapper may have come as far as to its answer, which cannot be read."""
    rc, said, complaint = data.get("rc"), str(data["module_stdout"]).strip(), str(data.get("module_stderr", "")).strip()
    if rc == 0 or not isinstance(rc, int) or rc > _SIGNALLED:
        return True
    return bool(said) and rc not in _NO_COMMAND and not any(map(_is_traceback, (said, complaint)))


def _is_traceback(text: str) -> bool:
    return text.startswith("Traceback")


def _impossible(data: Mapping[str, object]) -> str | None:
    if "ansible_job_id" in data and job_id(data["ansible_job_id"]) is None:
        return "ansible_job_id is no job's id"
    if "finished" in data and _truth(data["finished"]) is None:
        return "finished is neither true nor false"
    for name in ("rc", "attempts", "start", "end"):
        value = data.get(name)
        if isinstance(value, float) and not math.isfinite(value):
            return f"{name} is {value}"
        if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
            return f"{name} is out of all bounds"
    return None


def job_id(value: object) -> str | None:
    """The id, or None where the value cannot be one. Of a status file's path the name is taken."""
    if isinstance(value, float):
        value = str(value)  # jinja2_native makes a number of an id that looks like one
    if not isinstance(value, str) or len(value) > _LONGEST_PATH:
        return None
    name = value.replace("\\", "/").rpartition("/")[2]
    return name if _JOB_ID.fullmatch(name) else None


_LONGEST_PATH = 4096


def _truth(value: object) -> bool | None:
    """Up to ansible-core 2.18 these are 0 and 1."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str):
        return _TRUTHS.get(value.strip().lower()) if len(value) < _LONGEST_TIME else None
    return None


def _return_code(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST_RC:
        return None
    return value


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST_RC else 0


def _runtime(start: object, end: object) -> float | None:
    try:
        seconds = (_moment(end) - _moment(start)).total_seconds()
    except (TypeError, ValueError, OverflowError):  # one with a time zone and one without, for one
        return None
    return seconds if math.isfinite(seconds) and 0.0 <= seconds <= _LONGEST_RUN else None


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        raise TypeError("no point in time")
    return datetime.fromisoformat(value)
