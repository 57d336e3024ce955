"""async-scope: the reap looks where the job is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence.conditions import mentions
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, contexts, is_template, speak, variable
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch, Reap, Setting

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_ROOT = "root"


def check(context: RuleContext) -> Iterator[Finding]:
    for reap in context.analysis.reaps:
        launches = [each for each in context.analysis.launches if reap in each.reaps or reap in each.looks]
        if reap.misses_results:
            yield _results(context.analysis, reap, launches or _named(context.analysis, reap))
            continue
        for launch in launches:
            finding = _first(reap, launch)
            if finding:
                yield finding
                break


def _named(analysis: Analysis, reap: Reap) -> list[Launch]:
    """The looped launches whose register the reap names in its job id or its loop."""
    texts = [reap.task.args.get("jid"), reap.task.keywords.get("loop"), reap.task.keywords.get("with_items")]
    return [each for each in analysis.launches if each.is_looped and each.register and
            any(mentions(text, each.register) for text in texts)]  # fmt: skip


def _results(analysis: Analysis, reap: Reap, launches: list[Launch]) -> Finding:
    register = next((launch.register for launch in launches if launch.register), None) or "the_register"
    return speak(
        RULE,
        reap.task,
        f"The launch runs in a loop, so the job ids stand in {register}.results, one for each item; "
        f"{register}.ansible_job_id does not exist.",
        sub_tag="results",
        related=[(launch.task, "launched here, in a loop") for launch in launches],
        settings=reap.settings,
        suggestion=f'jid: "{{{{ item.ansible_job_id }}}}"\nloop: "{{{{ {register}.results }}}}"',
        fix=fixes.results.loop_over(analysis, reap.task, register),
    )


def _first(reap: Reap, launch: Launch) -> Finding | None:
    """The first way in which every context of the reap misses every context of the launch."""
    there_all, here_all = contexts(launch.task, launch.settings), contexts(reap.task, reap.settings)
    pairs = [(there, here) for there in there_all for here in here_all]
    for sub_tag, differs in _DIFFERENCES.items():
        reasons = [differs(there, here, launch.task, reap.task) for there, here in pairs]
        if not reasons or any(reason is None for reason in reasons):
            continue
        message, suggestion, confidence = next(reason for reason in reasons if reason)
        return speak(
            RULE,
            reap.task,
            message,
            sub_tag=sub_tag,
            confidence=confidence,
            related=[(launch.task, "launched here")],
            settings=reap.settings,
            suggestion=suggestion,
        )
    return None


_Reason = tuple[str, str, Level] | None


def _delegate(there: Setting, here: Setting, launch: Task, reap: Task) -> _Reason:
    del launch, reap
    target, look = _host(there.delegate_to), _host(here.delegate_to)
    if target == look or is_template(look) or (_stays(there, target) and _stays(here, look)):
        return None
    if is_template(target) and (look is not None or not _names_another_host(str(target), here)):
        return None
    where = f"on {there.delegate_to}" if there.delegate_to else "on the play's host"
    there_too = f"delegate_to: {_quoted(there.delegate_to)}" if there.delegate_to else "(no delegate_to)"
    looks = f"on {here.delegate_to}" if here.delegate_to else "on the play's host"
    message = f"The job runs {where}, but this task looks for it {looks}: Ansible will say 'could not find job'."
    return message, there_too, Level.MEDIUM if is_template(target) else Level.HIGH


def _host(name: str | None) -> str | None:
    return "localhost" if name in _LOCAL else None if name in (None, "omit") else name.strip()


def _stays(setting: Setting, target: str | None) -> bool:
    """Whether the task runs on the controller, by its play or by delegation."""
    return target == "localhost" or (target is None and (setting.hosts or "").strip() in _LOCAL)


def _names_another_host(template: str, here: Setting) -> bool:
    """Whether a templated target is a host out of a group that is not the play's own."""
    return "groups[" in template.replace(" ", "") and "inventory_hostname" not in template and not any(
        word and word in template for word in (here.hosts or "all").replace(",", ":").split(":")
    )  # fmt: skip


def _hosts(there: Setting, here: Setting, launch: Task, reap: Task) -> _Reason:
    del launch
    if there.delegate_to or here.delegate_to:
        return None
    if there.play != here.play:
        here_local, there_local = (here.hosts or "") in _LOCAL, (there.hosts or "") in _LOCAL
        if here_local == there_local or not _is_plain(there.hosts) or not _is_plain(here.hosts):
            return None
        message = (
            f"The job runs on {there.hosts}, but this play looks for it on {here.hosts}: Ansible will say "
            f"'could not find job'."
        )
        return message, "delegate_to: the host that runs the job", Level.MEDIUM
    if constant(there.run_once) is not True or constant(here.run_once) is True or _is_one_host(here.hosts):
        return None
    if any(mentions(reap.inherited("when"), name) for name in ("inventory_hostname", "ansible_play_hosts", "groups")):
        return None
    message = (
        "The launch has run_once, so the job runs on the first host only, but its id is registered for every host: "
        "on all the others this task will say 'could not find job'."
    )
    return message, "run_once: true", Level.MEDIUM


def _is_plain(hosts: str | None) -> bool:
    """A pattern that is written out and cannot mean every host."""
    return bool(hosts) and not is_template(hosts) and "all" not in str(hosts) and "*" not in str(hosts)


def _is_one_host(hosts: str | None) -> bool:
    return not hosts or hosts in _LOCAL or is_template(hosts) or hosts.endswith("]")


def _become(there: Setting, here: Setting, launch: Task, reap: Task) -> _Reason:
    if _reads_path(reap) or _share_a_folder(there, here):
        return None
    users = _user(there, launch), _user(here, reap)
    if users[0] == users[1] or any(user is None or is_template(user) for user in users):
        return None
    if any(_is_left_to_callers(setting, task) for setting, task in ((there, launch), (here, reap))) and (
        not {users[0], users[1]} - {"", _ROOT}
    ):
        return None
    named = (there.async_dir or "~/.ansible_async").rstrip("/")
    folder = named.replace("~", f"~{users[0]}", 1) if users[0] else f"{named} of the login user"
    looked = f"as {users[1]}" if users[1] else "without become"
    message = (
        f"The job's status file lies in {folder}, but this task looks for it {looked}: Ansible will say "
        f"'could not find job'."
    )
    if not users[0]:
        suggestion = "become: false"
    elif users[0] == _ROOT and not there.become_user:
        suggestion = "become: true"
    else:
        suggestion = f"become: true\nbecome_user: {users[0]}"
    certain = bool(users[0] and users[1]) or bool(there.become_user and users[0] != _ROOT)
    return message, suggestion, Level.HIGH if certain else Level.MEDIUM


def _share_a_folder(there: Setting, here: Setting) -> bool:
    """Both name one folder that is nobody's home, so it is the same for every user."""
    return there.async_dir is not None and there.async_dir == here.async_dir and "~" not in there.async_dir


def _is_left_to_callers(setting: Setting, task: Task) -> bool:
    """Whether who calls the file decides on become: nothing here says it, and no play of the project comes by."""
    return setting.become is None and setting.play is None and not (setting.hosts or task.inherited("hosts"))


def _user(setting: Setting, task: Task) -> str | None:
    """The user as whom the task runs: a name, an empty string for the login user, None where that is not known."""
    become = constant(setting.become) if setting.become is not None else False
    if become is None or _sets_become_by_variable(task):
        return None
    if become:
        return str(setting.become_user or _ROOT).strip()
    remote = task.inherited("remote_user")
    return str(remote).strip() if remote else ""


def _sets_become_by_variable(task: Task) -> bool:
    return any(variable(task, f"ansible_{name}") is not None for name in ("become", "become_user", "become_method"))


def _reads_path(reap: Task) -> bool:
    """A whole path as the job id is found whatever the user's home is."""
    jid = str(reap.args.get("jid", ""))
    return "results_file" in jid or ".ansible_async" in jid


def _async_dir(there: Setting, here: Setting, launch: Task, reap: Task) -> _Reason:
    del launch
    if there.async_dir == here.async_dir or _reads_path(reap):
        return None
    if is_template(there.async_dir) and is_template(here.async_dir):
        return None
    there_dir, here_dir = (folder or "the default folder" for folder in (there.async_dir, here.async_dir))
    message = f"The job's status file lies in {there_dir}, but this task looks in {here_dir} (ansible_async_dir)."
    return (
        message,
        f"vars:\n  ansible_async_dir: {_quoted(there.async_dir) if there.async_dir else '(none)'}",
        Level.HIGH,
    )


def _quoted(text: str) -> str:
    return f'"{text}"' if is_template(text) else text


_DIFFERENCES: dict[str, Callable[[Setting, Setting, Task, Task], _Reason]] = {
    "delegate": _delegate,
    "hosts": _hosts,
    "become": _become,
    "async-dir": _async_dir,
}

RULE = Rule(
    id="async-scope",
    sub_tags=("become", "delegate", "async-dir", "hosts", "results"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="The reap looks where the job is not",
    check=check,
)
