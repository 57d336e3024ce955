"""Looks that are for a launch's job and go where it is not: to another host, as another user, in another folder."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ansible_reap.checks.evidence.conditions import mentions
from ansible_reap.checks.finding import Level
from ansible_reap.checks.support import constant, contexts
from ansible_reap.content.expressions import is_template
from ansible_reap.content.inventory import NOT_ROOT
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.analysis import Analysis, Launch, Reap, Setting
from ansible_reap.jobs import CONTROLLER, LOCAL_CONNECTIONS

_ROOT = "root"
_NOT_ROOT = "*"
"""A login user whom the inventory names, who is not root."""


class Misplaced(NamedTuple):
    """Why a look misses the job, and the keywords that would mend it (None removes one; empty: none is known)."""

    sub_tag: str
    message: str
    confidence: Level
    keywords: Mapping[str, str | None]
    severity: Level | None = None
    """Where it is not the rule's."""


class _Side(NamedTuple):
    """A launch or a reap in one of its contexts."""

    setting: Setting
    task: Task
    set_elsewhere: frozenset[str]
    """What the inventory or ansible.cfg may set."""
    controllers: frozenset[str]
    """The hosts that are the controller by an inventory."""
    hosts: Mapping[str, frozenset[str]]
    """The hosts behind names, by the inventories."""
    addresses: frozenset[str] | None
    """Where an inventory says that hosts are; None where that is not known."""
    become: bool | None
    """Whether a task becomes another user that is not told to; None where that is not known."""
    become_user: str | None
    """Whom a task becomes that is not told whom; None where that is not known."""
    never_fails: bool = False
    """Of a look: its ``failed_when`` holds on no way on which it is reached."""


def of(analysis: Analysis, reap: Reap, launch: Launch) -> Misplaced | None:
    """The first way in which every context of the reap misses every context of the launch."""
    there_all, here_all = contexts(launch.task, launch.settings), contexts(reap.task, reap.settings)
    where = analysis.set_elsewhere, analysis.controllers, analysis.hosts, analysis.addresses
    known = (*where, analysis.become, analysis.become_user)
    pairs = [
        (_Side(there, launch.task, *known), _Side(here, reap.task, *known, reap.never_fails))
        for there in there_all
        for here in here_all
    ]
    if any(_is_for_hosts_of_its_own(analysis, reap, launch, here) for here in here_all):
        return None
    for way in (_delegate, _hosts, _become, _async_dir):
        found = [way(there, here) for there, here in pairs]
        if found and all(found):
            return min(filter(None, found), key=lambda each: each.confidence.rank)
    return None


def _is_for_hosts_of_its_own(analysis: Analysis, reap: Reap, launch: Launch, here: Setting) -> bool:
    """Whether the look, in a play on none of this launch's hosts, may be for the job of another launch there."""
    if not launch.settings or not all(_are_apart(analysis.hosts, there.hosts, here.hosts) for there in launch.settings):
        return False
    others = (each for each in analysis.launches if each is not launch and reap in (*each.reaps, *each.looks))
    return any(not _are_apart(analysis.hosts, there.hosts, here.hosts) for each in others for there in each.settings)


def _are_apart(known: Mapping[str, frozenset[str]], one: str | None, other: str | None) -> bool:
    """Whether two patterns surely have no host in common, by the inventories of the project."""
    found: list[frozenset[str]] = []
    for pattern in (one, other):
        names = [name for name in re.split(r"[\s,:]+", str(pattern or "")) if name]
        if not names or any(not known.get(name) for name in names):
            return False
        found.append(frozenset().union(*(known[name] for name in names)))
    return found[0].isdisjoint(found[1])


def _fails(here: _Side, who: str = "this task") -> str:
    """What becomes of the look, and of the play, where the job's status file is not there."""
    judged = here.task.keywords.get("failed_when")
    if here.never_fails or constant(judged) is False:
        return f"{who} gets 'could not find job', which its failed_when passes over"
    passed_over = ", which ignore_errors passes over" if constant(here.setting.ignore_errors) is True else ""
    if judged is None or constant(judged) is True:
        return f"{who} fails with 'could not find job'{passed_over}"
    return f"{who} gets 'could not find job', and fails only where its failed_when holds for that{passed_over}"


def _delegate(there: _Side, here: _Side) -> Misplaced | None:
    target, look = _station(there), _station(here)
    stated = [_is_stated(side) for side in (there, here)]
    if target == look or is_template(look) or not any(stated):
        return None
    if {target, look} <= {"localhost", *there.controllers}:
        return None
    if not all(stated) and _are_called_alike(target, look):
        return None
    if not all(stated) and _may_be_one_place(there if stated[0] else here):
        return None
    if not all(stated) and _runs_only_on(here if stated[0] else there, target if stated[0] else look):
        return None
    if is_template(target) and (stated[1] or not _names_another_host(_of_its_rounds(there), here.setting)):
        return None
    is_another = not stated[0] and _is_another_host(there, here)
    if there.setting.play != here.setting.play and not stated[0] and look != "localhost" and not is_another:
        return None  # the host named may be one of the hosts of the launch's play
    keywords: dict[str, str | None] = {}
    if there.setting.delegate_to and not here.setting.connection:
        keywords = {"delegate_to": _quoted(_in_words_of(here, there.setting.delegate_to, there))}
    elif _connection(there) in LOCAL_CONNECTIONS and not here.setting.delegate_to:
        is_told = "ansible_connection" in here.setting.variables  # by a variable, which a keyword does not change
        keywords = {"delegate_to": "localhost"} if is_told else {"connection": "local"}
    elif is_another and there.setting.play != here.setting.play:
        keywords = {"delegate_to": str(target)}
    elif not stated[0] and here.task.keywords.get("delegate_to") is not None:
        keywords = {"delegate_to": None}
    advice = f" Add '{'; '.join(_as_text(keywords))}'." if keywords and None not in keywords.values() else ""
    if None in keywords.values():
        advice = " Take delegate_to out."
    what = f"The job runs {_where(there)}, but this task looks for it {_where(here)}"
    if not all(stated) and not is_another and _may_hold(here if stated[0] else there, target if stated[0] else look):
        message = f"{what}: if that is another host, {_fails(here, 'it')}.{advice}"
        return Misplaced("delegate", message, Level.LOW, keywords, Level.LOW)
    return Misplaced(
        "delegate", f"{what}: {_fails(here)}.{advice}", Level.MEDIUM if is_template(target) else Level.HIGH, keywords
    )


def _is_of_its_item(side: _Side) -> bool:
    """Whether the task is delegated to the very item of its loop."""
    item = rf"\{{\{{\s*{re.escape(side.task.loop_variable)}\s*\}}\}}"
    return side.task.loop_keyword is not None and bool(re.fullmatch(item, str(side.setting.delegate_to).strip()))


def _of_its_rounds(side: _Side) -> str:
    """What the task is delegated to, or loops over if that is its item."""
    written = side.task.keywords.get(side.task.loop_keyword or "")
    return str(written) if _is_of_its_item(side) else str(_station(side))


def _in_words_of(look: _Side, target: str, launch: _Side) -> str:
    """The launch's target as a look calls it: a result of a loop holds the item that it is of."""
    if not _is_of_its_item(launch) or look.task.loop_keyword is None:
        return target
    return f"{{{{ {look.task.loop_variable}.{launch.task.loop_variable} }}}}"


def _is_another_host(there: _Side, here: _Side) -> bool:
    """Whether the launch's play and the look's target are surely two hosts, as neither name is that of a group.

    The inventories tell it, and so does a look that reads ``hostvars`` by the very name that the play has.
    """
    target, look = _station(there), _host(here.setting.delegate_to)
    if target is None or look is None or is_template(look) or target == "localhost" or there.setting.variables:
        return False
    if _are_apart(here.hosts, target, look):
        return True
    read = rf"\bhostvars(?:\[\s*['\"]{re.escape(target)}['\"]\s*\]|\.{re.escape(target)}\b)"
    return look != "localhost" and re.search(read, str(here.task.args.get("jid"))) is not None


def _are_called_alike(one: str | None, other: str | None) -> bool:
    """Whether one is the other's first label, as a group ``gate`` of the one host ``gate.example.org`` is."""
    return one is not None and other is not None and one.partition(".")[0] == other.partition(".")[0]


def _may_hold(side: _Side, host: str | None) -> bool:
    """Whether the hosts of this side's play may be just that host, as the name of a group or a variable may say.

    The controller is hardly among the hosts of a group from which a task is delegated to it.
    """
    if _station(side) == "localhost":
        return False
    return host != "localhost" or is_template(side.setting.hosts)


def _runs_only_on(side: _Side, host: str | None) -> bool:
    """Whether the task asks for this very host, by its name: ``when: inventory_hostname == 'web1'``."""
    asked = rf"\binventory_hostname\s*==\s*['\"]{re.escape(host or '')}['\"]"
    return bool(host) and any(re.search(asked, str(when)) for when in as_list(side.task.inherited("when")))


def _may_be_one_place(stated: _Side) -> bool:
    """Whether the inventory may bring a task that says nothing to where the one that does say it runs."""
    if _station(stated) == "localhost":
        return "ansible_connection" in stated.set_elsewhere
    named = {"ansible_host", "ansible_ssh_host"} & stated.set_elsewhere & stated.setting.variables.keys()
    addresses = {str(stated.setting.variables[name]) for name in named}
    return bool(named) and (stated.addresses is None or not stated.addresses.isdisjoint(addresses))


def _as_text(keywords: Mapping[str, str | None]) -> Iterator[str]:
    return (f"{key}: {value}" for key, value in keywords.items())


def _connection(side: _Side) -> object:
    return side.setting.variables.get("ansible_connection", side.setting.connection)


def _is_stated(side: _Side) -> bool:
    """Whether the task itself, or what is around it, says where it runs rather than its play's hosts."""
    named = {"ansible_host", "ansible_ssh_host", "ansible_connection"} & side.setting.variables.keys()
    return bool(named) or _host(side.setting.delegate_to) is not None or side.setting.connection is not None


def _station(side: _Side) -> str | None:
    """The host that the task runs on, ``localhost`` for the controller; None for the hosts of a play that are many."""
    setting = side.setting
    delegate = _host(setting.delegate_to)
    if delegate is None and _connection(side) in LOCAL_CONNECTIONS:
        return "localhost"
    if delegate is not None:
        return delegate
    address = setting.variables.get("ansible_host", setting.variables.get("ansible_ssh_host"))
    if address is not None:
        return _host(str(address))
    hosts = (setting.hosts or "").strip()
    if hosts in CONTROLLER:
        return "localhost"
    return hosts if re.fullmatch(r"[\w.-]+", hosts) and hosts != "all" else None


def _where(side: _Side) -> str:
    if side.setting.delegate_to:
        return f"on {side.setting.delegate_to}"
    if _station(side) == "localhost":
        return "on the controller"
    address = side.setting.variables.get("ansible_host", side.setting.variables.get("ansible_ssh_host"))
    return f"on {address}" if address is not None else "on the play's host"


def _host(name: str | None) -> str | None:
    if name is None or name == "omit":
        return None
    return "localhost" if name in CONTROLLER else name.strip()


def _names_another_host(template: str, here: Setting) -> bool:
    """Whether a templated target is a host out of a group that is not the play's own."""
    return "groups[" in template.replace(" ", "") and "inventory_hostname" not in template and not any(
        word and word in template for word in (here.hosts or "all").replace(",", ":").split(":")
    )  # fmt: skip


def _hosts(there_side: _Side, here_side: _Side) -> Misplaced | None:
    there, here, reap = there_side.setting, here_side.setting, here_side.task
    if _is_stated(there_side) or _is_stated(here_side):
        return None
    if there.play != here.play:
        here_local, there_local = (here.hosts or "") in CONTROLLER, (there.hosts or "") in CONTROLLER
        is_plain = here_local != there_local and _is_plain(there.hosts) and _is_plain(here.hosts)
        is_apart = _are_apart(here_side.hosts, there.hosts, here.hosts)
        if is_apart and "hostvars" in f"{reap.args} {reap.keywords}":
            is_apart = (
                not {there.hosts, here.hosts} <= here_side.controllers
            )  # the file lies on the controller for both
        if not is_plain and not is_apart:
            return None
        message = (
            f"The job runs on {there.hosts}, but this play looks for it on {here.hosts}: {_fails(here_side)}. Wait in "
            f"a play on the hosts of the launch, or delegate this task to the host that runs the job."
        )
        return Misplaced("hosts", message, Level.MEDIUM, {})
    if constant(there.run_once) is not True or constant(here.run_once) is True or _is_one_host(here.hosts):
        return None
    if any(mentions(reap.inherited("when"), name) for name in ("inventory_hostname", "ansible_play_hosts", "groups")):
        return None
    is_own = constant(there_side.task.inherited("run_once")) is True
    message = (
        "The launch has run_once, so the job runs on the play's first host, but its id is registered for every host: "
        if is_own
        else "The launch is run for the play's first host alone, by run_once of what calls its file: "
    )
    message += f"on each of the others {_fails(here_side)}. Add 'run_once: true'."
    return Misplaced("hosts", message, Level.MEDIUM, {"run_once": "true"})


def _is_plain(hosts: str | None) -> bool:
    """A pattern that is written out and cannot mean every host."""
    return bool(hosts) and not is_template(hosts) and "all" not in str(hosts) and "*" not in str(hosts)


def _is_one_host(hosts: str | None) -> bool:
    return not hosts or hosts in CONTROLLER or is_template(hosts) or hosts.endswith("]")


def _become(there_side: _Side, here_side: _Side) -> Misplaced | None:
    there, here = there_side.setting, here_side.setting
    if _reads_path(here_side.task) or _share_a_folder(there, here):
        return None
    users = _user(there_side), _user(here_side)
    if users[0] == users[1] or any(user is None or is_template(user) for user in users):
        return None
    if _NOT_ROOT in users and _ROOT not in users:
        return None
    if any(map(_is_left_to_callers, (there_side, here_side))) and not {users[0], users[1]} - {"", _ROOT}:
        return None
    users = "" if users[0] == _NOT_ROOT else users[0], "" if users[1] == _NOT_ROOT else users[1]
    named = (there.async_dir or "~/.ansible_async").rstrip("/")
    folder = named.replace("~", f"~{users[0]}", 1) if users[0] else f"{named} of the login user"
    looked = f"as {users[1]}" if users[1] else "as the login user"
    keywords, advice = _to_become(users[0] or "", there_side, here_side)
    by = [" (by ansible.cfg)" if _is_left_to_settings(side) else "" for side in (there_side, here_side)]
    what = f"The job's status file lies in {folder}{by[0]}, but this task looks for it {looked}{by[1]}"
    message = f"{what}: {_fails(here_side)}. {advice}."
    certain = bool(users[0] and users[1]) or bool(_become_user(there) and users[0] != _ROOT)
    certain = certain and not any(by)
    return Misplaced("become", message, Level.HIGH if certain else Level.MEDIUM, keywords)


def _to_become(user: str, there: _Side, here: _Side) -> tuple[Mapping[str, str | None], str]:
    """What has the look run as the user of the launch, and the advice that says so.

    Where a variable decides for the look, a keyword would change nothing (ansible-core 2.16 and 2.22).
    """
    values = {"become": "true" if user else "false"}
    named = (_become_user(there.setting), _become_user(here.setting), here.become_user != _ROOT)
    if user and (user != _ROOT or any(named)):
        values["become_user"] = user
    how = there.setting.variables.get("ansible_become_method", there.task.inherited("become_method"))
    own = here.setting.variables.get("ansible_become_method", here.task.inherited("become_method"))
    if user and how != own and how is not None and not is_template(how):
        values["become_method"] = str(how)
    names = {f"ansible_{keyword}": value for keyword, value in values.items()}
    if here.setting.variables.keys().isdisjoint(names):
        return values, "Add " + " and ".join(f"'{text}'" for text in _as_text(values))
    written = ", ".join(_as_text(names))
    has_vars = "vars" in here.task.keywords
    return {} if has_vars else {"vars": f"{{{written}}}"}, f"Set '{written}' in its vars"


def _share_a_folder(there: Setting, here: Setting) -> bool:
    """Both name one folder that is nobody's home, so it is the same for every user."""
    folder = _folder(there.async_dir)
    return folder is not None and folder == _folder(here.async_dir) and "~" not in folder


def _is_left_to_callers(side: _Side) -> bool:
    """Whether who calls the file decides on become: nothing here says it, and no play of the project comes by."""
    setting = side.setting
    if setting.become is not None or "ansible_become" in setting.variables:
        return False
    return setting.play is None and not (setting.hosts or side.task.inherited("hosts"))


def _is_left_to_settings(side: _Side) -> bool:
    """Whether it is by ansible.cfg whom the task becomes: another one may be in effect in a run."""
    setting = side.setting
    is_told = setting.become is not None or "ansible_become" in setting.variables
    is_plain = is_told and side.become_user == _ROOT
    return _user(side) == side.become_user and _become_user(setting) is None and not is_plain


def _become_user(setting: Setting) -> str | None:
    user = setting.variables.get("ansible_become_user", setting.become_user)
    return None if user is None else str(user)


def _user(side: _Side) -> str | None:
    """The user as whom the task runs: a name, an empty string for the login user, None where that is not known.

    Variables take precedence over keywords, whether a ``vars:`` sets them or the inventory.
    """
    setting = side.setting
    stated = setting.variables.get("ansible_become", setting.become)
    if "ansible_become" not in setting.variables and "ansible_become" in side.set_elsewhere:
        return None
    become = constant(stated) if stated is not None else side.become
    if become is None:
        return None
    if become:
        if "ansible_become_user" not in setting.variables and "ansible_become_user" in side.set_elsewhere:
            return None
        user = _become_user(setting) or side.become_user
        return user and user.strip()
    if not side.set_elsewhere.isdisjoint({"ansible_user", "ansible_ssh_user"}):
        return _NOT_ROOT if NOT_ROOT in side.set_elsewhere else None
    remote = setting.variables.get("ansible_user", side.task.inherited("remote_user"))
    return str(remote).strip() if remote else ""


def _reads_path(reap: Task) -> bool:
    """A whole path as the job id is found whatever the user's home is."""
    jid = str(reap.args.get("jid", ""))
    return "results_file" in jid or ".ansible_async" in jid


def _async_dir(there_side: _Side, here_side: _Side) -> Misplaced | None:
    there, here = (_folder(side.setting.async_dir) for side in (there_side, here_side))
    if there == here or _reads_path(here_side.task):
        return None
    if None in (there, here) and "ansible_async_dir" in here_side.set_elsewhere:
        return None
    if (is_template(there) and here is not None) or (is_template(here) and there is not None):
        return None
    there_dir, here_dir = (folder or "the default folder" for folder in (there, here))
    keywords = {}
    if there and "vars" not in here_side.task.keywords:
        keywords = {"vars": f"{{ansible_async_dir: {json.dumps(there)}}}"}
    todo = f"Set 'ansible_async_dir: {there}' in the vars of both" if there else "Take ansible_async_dir out here"
    what = f"The job's status file lies in {there_dir}, but this task looks in {here_dir}"
    message = f"{what}: {_fails(here_side)}. {todo}."
    return Misplaced("async-dir", message, Level.HIGH, keywords)


def _folder(named: str | None) -> str | None:
    """The folder of status files, spelled in one way; None for the default."""
    if named is None:
        return None
    folder = posixpath.normpath(named.strip())
    return None if folder in ("~/.ansible_async", "$HOME/.ansible_async") else folder


def _quoted(text: str) -> str:
    return f'"{text}"' if is_template(text) else text
