"""Every rule, and the function that applies them all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from ansible_reap.checks import (
    background,
    cleanup,
    exclusive,
    finished,
    fixes,
    noop,
    reboot,
    result,
    scope,
    secret,
    swallowed,
    timeout,
    unreaped,
    unsupported,
)
from ansible_reap.checks.finding import Finding, Rule, RuleContext
from ansible_reap.content.model import Place
from ansible_reap.records import replace

if TYPE_CHECKING:
    from ansible_reap.flow.analysis import Analysis
    from ansible_reap.history.estimate import Estimates

RULES: tuple[Rule, ...] = (
    unreaped.RULE,
    result.RULE,
    timeout.RULE,
    scope.RULE,
    swallowed.RULE,
    noop.RULE,
    unsupported.RULE,
    reboot.RULE,
    secret.RULE,
    exclusive.RULE,
    background.RULE,
    finished.RULE,
    cleanup.RULE,
)
"""Every rule, in the order in which the docs list them."""

_OPT_IN = frozenset(tag for rule in RULES for tag in rule.opt_in)

CAUSES = frozenset({"async-unsupported[action]", "async-noop[keyword]", "async-noop[zero]"})
"""Findings at a task that starts no job at all: no other rule reports anything at that task."""


def run(
    analysis: Analysis,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    history: Estimates | None = None,
    *,
    enable: Collection[str] | None = None,
    on_crash: Callable[[Rule, Exception], None] | None = None,
) -> list[Finding]:
    """Apply every rule; the findings are sorted by place.

    ``options`` are the rules' own, by rule id; ``enable`` names the opt-in rules and full tags to report, None reports
    all. A rule that crashes is passed to ``on_crash`` (by default a RuntimeWarning); the others still report.
    """
    found: list[Finding] = []
    for rule in RULES:
        if enable is not None and rule.id in rule.opt_in and rule.id not in enable:
            continue
        try:
            own = {**rule.defaults, **((options or {}).get(rule.id) or {})}
            found += rule.check(RuleContext(analysis, own, history))
        except Exception as error:  # noqa: BLE001 - one broken check must not hide what the others found
            (on_crash or _warn)(rule, error)
    on = [each for each in found if enable is None or each.tag in enable or each.tag not in _OPT_IN]
    refused, unloaded = _refused(analysis), _unloaded(analysis)
    on = [each for each in on if each.place not in refused and each.place.path not in unloaded]
    first = {(*_by_place(each), each.message): each for each in reversed(on)}  # an alias brings a task in twice
    return [_with_suggestion(each, analysis) for each in sorted(_causes_first([*first.values()]), key=_by_place)]


def _refused(analysis: Analysis) -> set[Place]:
    """Where Ansible does not load a task, as its arguments are a list (ansible-core 2.16 and 2.22 refuse that)."""
    steps = (step for steps in analysis.steps.values() for step in steps)
    return {step.place for step in steps if isinstance(step.args.get("_raw_params"), list)}


def _unloaded(analysis: Analysis) -> set[str]:
    """The files that Ansible does not load, as a task of theirs has two modules (ansible-core 2.16 and 2.22)."""
    return {path for path, steps in analysis.steps.items() if any(step.other_action for step in steps)}


def _with_suggestion(finding: Finding, analysis: Analysis) -> Finding:
    """The finding with the text of its fix, the same for every output format."""
    if finding.fix is None and finding.proposal is None:
        return finding
    path = finding.place.path
    text, steps = analysis.texts.get(path, ""), analysis.steps.get(path, ())
    return replace(finding, suggestion=fixes.suggestion.suggestion(finding, text, steps))


def _causes_first(findings: list[Finding]) -> list[Finding]:
    """Where two rules report one task and one of them names the cause, the other finding is left out."""
    caused = {finding.place for finding in findings if finding.tag in CAUSES}
    return [finding for finding in findings if finding.place not in caused or finding.tag in CAUSES]


def _by_place(finding: Finding) -> tuple[str, int, int, str]:
    return (finding.place.path, finding.place.line, finding.place.column, finding.tag)


def _warn(rule: Rule, error: Exception) -> None:
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    line = f" (line {where.tb_lineno} of {where.tb_frame.f_code.co_filename})" if where else ""
    warnings.warn(f"{rule.id} was not checked: {type(error).__name__}: {error}{line}", RuntimeWarning, stacklevel=3)
