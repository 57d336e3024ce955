"""The callback's options, checked here and not by Ansible.

Ansible drops a plugin that has an option outside its ``choices``, with a warning and exit status 0, and the run would
pass unguarded. So a bad value is one warning and the default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from ansible_reap.records import dataclass, field
from ansible_reap.runtime.tracking.display_text import OutOfVault

# Every run that the callback is active in waits for this module: what few runs need is imported where it is needed.
if TYPE_CHECKING:
    from ansible_reap.ansible_cfg import AnsibleCfg
    from ansible_reap.runtime.policy.known_jobs import IgnoreRule, KnownJobs
    from ansible_reap.runtime.tracking.info import JobInfo

NAMES = (
    "enabled",
    "on_unreaped",
    "gate",
    "on_failed",
    "on_swallowed",
    "on_error",
    "on_running_twin",
    "look",
    "clean_secrets",
    "ignore",
    "recap",
    "report_path",
    "junit_path",
    "metrics_path",
    "webhook",
    "history",
    "ledger_dir",
)
PATHS = ("report_path", "junit_path", "metrics_path", "history", "ledger_dir")
"""Options that name a file or a folder; ``history`` may be a database's URL as well."""
FILE_PREFIX = "file:"
"""How an entry of ``ignore`` begins that names a file of known jobs."""
EXTRA_VAR_PREFIX = "async_reaper_"
ENVIRONMENT_PREFIX = "ASYNC_REAPER_"


class OnUnreaped(str, Enum):
    """What to do about a job that nobody has waited for."""

    FAIL = "fail"
    REPORT = "report"
    REAP = "reap"


class GatePlace(str, Enum):
    """Where jobs are judged: at the end of each play (AUTO: unless a later one may reap them), or of the run."""

    AUTO = "auto"
    PLAY = "play"
    RUN = "run"


class Reaction(str, Enum):
    """Whether a problem fails the run, or is reported only."""

    FAIL = "fail"
    REPORT = "report"


class OnRunningTwin(str, Enum):
    REPORT = "report"
    FAIL = "fail"
    WAIT = "wait"
    IGNORE = "ignore"


class RecapWhen(str, Enum):
    """When the recap is shown."""

    PROBLEMS = "problems"
    ALWAYS = "always"
    NEVER = "never"


_E = TypeVar("_E", bound=Enum)
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Options:
    """All options with valid values. Empty paths mean: do not write. None means: the default place."""

    enabled: bool = True
    on_unreaped: OnUnreaped = OnUnreaped.FAIL
    gate: GatePlace = GatePlace.AUTO
    on_failed: Reaction = Reaction.FAIL
    on_swallowed: Reaction = Reaction.REPORT
    on_error: Reaction = Reaction.FAIL
    on_running_twin: OnRunningTwin = OnRunningTwin.REPORT
    look: bool = True
    clean_secrets: bool = True
    ignore: tuple[IgnoreRule, ...] = ()
    ignore_files: tuple[str, ...] = ()
    """The files of known jobs that ``ignore`` names, as written there."""
    known: KnownJobs | None = None
    """What stands in those files; None where none is named."""
    recap: RecapWhen = RecapWhen.PROBLEMS
    report_path: str = ""
    junit_path: str = ""
    metrics_path: str = ""
    webhook: str = field(default="", repr=False)
    """An address of HTTP, which may hold a secret; empty for none."""
    history: str | None = None
    ledger_dir: str | None = None

    @property
    def wants_report(self) -> bool:
        """A run without jobs is reported as well."""
        return bool(self.report_path or self.junit_path or self.metrics_path or self.webhook)

    def ignores(self, job: JobInfo) -> bool:
        """The job is to be left alone."""
        return any(rule.covers(job) for rule in self.ignore)

    def knows(self, job: JobInfo) -> bool:
        """The job is a known offender: it is told of, and fails nothing."""
        return self.known is not None and self.known.entry(job) is not None


def parse(raw: Mapping[str, object], warn: Callable[[str], None]) -> Options:
    """Options from what ini, environment or extra vars say; ``warn`` is called once for each bad value.

    ``known`` is still empty: the files that ``ignore`` names have not been read.
    """
    ignored = _listed(raw, "ignore", warn)
    return Options(
        enabled=_boolean(raw, "enabled", True, warn),
        on_unreaped=_choice(raw, "on_unreaped", OnUnreaped.FAIL, warn),
        gate=_choice(raw, "gate", GatePlace.AUTO, warn),
        on_failed=_choice(raw, "on_failed", Reaction.FAIL, warn),
        on_swallowed=_choice(raw, "on_swallowed", Reaction.REPORT, warn),
        on_error=_choice(raw, "on_error", Reaction.FAIL, warn),
        on_running_twin=_choice(raw, "on_running_twin", OnRunningTwin.REPORT, warn),
        look=_boolean(raw, "look", True, warn),
        clean_secrets=_boolean(raw, "clean_secrets", True, warn),
        ignore=tuple(_rules(ignored, warn)),
        ignore_files=tuple(text.removeprefix(FILE_PREFIX).strip() for text in ignored if _is_file(text)),
        recap=_choice(raw, "recap", RecapWhen.PROBLEMS, warn),
        report_path=_text(raw, "report_path", warn) or "",
        junit_path=_text(raw, "junit_path", warn) or "",
        metrics_path=_text(raw, "metrics_path", warn) or "",
        webhook=_web_address(raw, "webhook", warn),
        history=_text(raw, "history", warn),
        ledger_dir=_text(raw, "ledger_dir", warn) or None,
    )


def for_ad_hoc(options: Options) -> Options:
    """The options for an ad-hoc command: its jobs are meant to be left, and go to the ledger.

    Nothing tells one ad-hoc command from another, so there are no twins and no run times; and the files in which
    playbooks tell of themselves stay theirs.
    """
    return Options(
        enabled=options.enabled,
        on_unreaped=OnUnreaped.REPORT,
        on_failed=Reaction.REPORT,
        on_error=Reaction.REPORT,
        on_running_twin=OnRunningTwin.IGNORE,
        look=False,
        recap=RecapWhen.NEVER,
        history="",
        ledger_dir=options.ledger_dir,
    )


def from_the_file(raw: Mapping[str, object], config: AnsibleCfg, environment: Mapping[str, str]) -> dict[str, object]:
    """``raw`` with the paths from the ansible.cfg resolved against its folder, as Ansible resolves its own.

    Those of the environment and of extra vars are relative to the current folder.
    """
    from ansible_reap.ansible_cfg import CALLBACK_SECTION, resolve_path  # noqa: PLC0415 - see the top

    found = dict(raw)
    for name in PATHS:
        written = config.get(CALLBACK_SECTION, name)
        is_from_there = found.get(name) == written and ENVIRONMENT_PREFIX + name.upper() not in environment
        if config.path is not None and written and is_from_there and "://" not in written:
            found[name] = str(resolve_path(written, config.path.parent)) + ("/" if written.endswith("/") else "")
    return found


def _choice(raw: Mapping[str, object], name: str, default: _E, warn: Callable[[str], None]) -> _E:
    value = raw.get(name)
    if value is None:
        return default
    kind = type(default)
    try:
        return kind(value.strip().lower() if isinstance(value, str) else value)
    except ValueError:
        allowed = ", ".join(str(member.value) for member in kind)
        warn(f"async_reaper: {name} is {_shown(value)}; using {default.value}. It can be one of: {allowed}.")
        return default


def _boolean(raw: Mapping[str, object], name: str, default: bool, warn: Callable[[str], None]) -> bool:
    value = raw.get(name)
    if value is None:
        return default
    word = str(value).strip().lower()
    if isinstance(value, str | bool | int) and (word in _TRUE or word in _FALSE):
        return word in _TRUE
    warn(f"async_reaper: {name} is {_shown(value)}; using {str(default).lower()}. It can be one of: true, false.")
    return default


def _listed(raw: Mapping[str, object], name: str, warn: Callable[[str], None]) -> list[str]:
    """The entries of a list, or of text with commas between them."""
    value = raw.get(name)
    if value is None:
        return []
    parts: Sequence[object] = (None,)
    if isinstance(value, str):
        parts = (value,) if _is_template(value) else [_alike(value, part) for part in re.split("[\n,]", value)]
    elif isinstance(value, list | tuple):
        parts = value
    texts = [part for part in parts if isinstance(part, str) and not _is_template(part)]
    if len(texts) < len(parts):
        warn(f"async_reaper: {name} is {_shown(value)}; using none. It is a list of text, or text with commas.")
        return []
    return [_alike(text, entry) for text in texts if (entry := text.strip())]


def _alike(text: str, part: str) -> str:
    """The part of a text, as little to be shown as that."""
    return OutOfVault(part) if isinstance(text, OutOfVault) else part


def _is_file(entry: str) -> bool:
    return entry.startswith(FILE_PREFIX) and entry.strip() != FILE_PREFIX


def _rules(entries: Iterable[str], warn: Callable[[str], None]) -> Iterable[IgnoreRule]:
    texts = [text for text in entries if not _is_file(text)]
    if not texts:
        return
    from ansible_reap.runtime.policy.known_jobs import parse_rule  # noqa: PLC0415 - see the top

    for text in texts:
        rule = parse_rule(text)
        if rule is not None:
            yield rule
        else:
            warn(
                f"async_reaper: ignore has {_shown(text)}, which is left out. "
                "An entry is task:GLOB, role:GLOB, path:GLOB, host:GLOB or file:PATH."
            )


def _text(raw: Mapping[str, object], name: str, warn: Callable[[str], None]) -> str | None:
    value = raw.get(name)
    if value is None:
        return None
    # Ansible knows {{CWD}} in paths.
    if isinstance(value, str) and not _is_template(value.replace("{{CWD}}", "")) and _may_be_path(value):
        return value.strip()
    warn(f"async_reaper: {name} is {_shown(value)}; using its default. It is plain text.")
    return None


def _may_be_path(text: str) -> bool:
    """Whether a file may be called so; the calls that would find out raise another error than OSError."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON can name it
        return False


def _web_address(raw: Mapping[str, object], name: str, warn: Callable[[str], None]) -> str:
    """The address, or nothing. It may hold a secret anywhere, so a warning does not show it."""
    value = raw.get(name)
    if value is None or value == "":
        return ""
    from ansible_reap.posting import is_web_address  # noqa: PLC0415 - see the top

    if isinstance(value, str) and not _is_template(value) and is_web_address(value.strip()):
        return value.strip()
    warn(f"async_reaper: {name} is not an http or https address; using none.")
    return ""


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


def _shown(value: object) -> str:
    """The value on one line; a database's URL without what may be a password, and nothing of a vault."""
    parts = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(part, OutOfVault) for part in parts):
        return "what a vault holds"
    text = re.sub(r"//[^/@]*@", "//...@", str(value))
    return repr(text if len(text) <= 40 else text[:37] + "...")
