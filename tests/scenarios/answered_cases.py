"""Playbooks whose jobs are answered for, or only told of: with us they are to run as without us."""

from __future__ import annotations

import sys
from textwrap import indent

from scenarios.plays import launch, play, reap
from scenarios.test_equivalence import FILES, HANDLER, LATER, NOTIFY, TRUE, Case

QUICK = launch("exit 0")
ENDED = "- ansible.builtin.command: sleep 1\n"
DETACHED = launch("sleep 1", vars="{async_reaper_detach: lives on}")
REAPED = QUICK + ENDED + reap()
COUNT = "{{ lookup('ansible.builtin.pipe', 'echo x >> counted; wc -l < counted') }}".replace("'", '"')
"""Each time it is worked out adds a line to a file."""
ONCE = "lookup('ansible.builtin.pipe', 'echo x >> counted')"
PYTHON = f"{{{{ ['{sys.executable}', {ONCE}] | first }}}}".replace("'", '"')
RESULTS = "'{{ job.results }}'"
COUNTED = "- ansible.builtin.command: cat counted\n"
REAPING_HANDLER = """
    handlers:
      - name: Reap it
        ansible.builtin.async_status: {jid: "{{ job.ansible_job_id }}"}
"""
BACKWARDS = """
    handlers:
      - name: first
        ansible.builtin.debug: {msg: FIRST RAN}
      - name: second
        ansible.builtin.command: "true"
        notify: first
"""
AT_LAST = """
    post_tasks:
      - ansible.builtin.command: "true"
        notify: second
"""
ROLE = {
    **FILES,
    "roles/db/tasks/main.yml": REAPED,
    "roles/db/handlers/main.yml": "- name: Role handler\n  ansible.builtin.debug: {msg: handler}\n  listen: later\n",
}
LISTEN = "handlers:\n  - name: Listening\n    ansible.builtin.debug: {msg: heard}\n    listen: [one, two]\n"
REPORT = ("-e", "async_reaper_on_unreaped=report")
NOTIFY_SECOND = "- ansible.builtin.command: 'true'\n  notify: second\n"
ON_H2 = "  when: inventory_hostname == 'h2'\n"
FALSE = "- ansible.builtin.command: 'false'\n"
TELLS = "- ansible.builtin.command: sort counted\n"
"""How often each place was worked out stands in the output of this task, at ``-v``."""
SHOWN = ("-v",)
LAUNCHING_HANDLER = """
    handlers:
      - name: Handle it
        ansible.builtin.command: sleep 1
        async: 30
        poll: 0
        vars: {async_reaper_detach: lives on}
        notify: After it
      - name: After it
        ansible.builtin.debug: {msg: after}
"""
WAITED_FOR_BY_HANDLERS = """
    handlers:
      - name: Handle it
        ansible.builtin.command: "true"
        async: 30
        poll: 0
        register: job
        notify: Wait for it
      - name: Wait for it
        ansible.builtin.async_status: {jid: "{{ job.ansible_job_id }}"}
        register: waited
        until: waited is finished
        retries: 30
        delay: 1
"""
FLUSH = "- ansible.builtin.meta: flush_handlers\n"
IN_BLOCK = indent(QUICK + ENDED, "    ")


def counting(place: str) -> str:
    """A template, to stand in YAML as it is, that writes the name of its place to a file whenever it is worked out."""
    return f"""{{{{ lookup('ansible.builtin.pipe', 'echo {place} >> counted; echo {place}') }}}}"""


def number(place: str, value: str) -> str:
    """The same, for a place that takes a number, a truth or some other text."""
    return f"""{{{{ ['{value}', lookup('ansible.builtin.pipe', 'echo {place} >> counted')] | first }}}}"""


def quoted(template: str) -> str:
    return f'"{template}"'


CASES = {
    "reaped": Case(play(REAPED) + LATER),
    "detached": Case(play(DETACHED) + LATER),
    "loop": Case(
        play(launch("exit 0", loop="[1, 2]") + ENDED + reap(jid="item.ansible_job_id", loop="'{{ job.results }}'"))
    ),
    "a handler that reaps": Case(play(launch("exit 0", notify="Reap it"), ENDED, more=REAPING_HANDLER)),
    "handlers around jobs": Case(play(TRUE + NOTIFY, REAPED, TRUE + NOTIFY, more=HANDLER) + LATER),
    "handlers backwards": Case(play(REAPED, NOTIFY_SECOND, more=BACKWARDS) + LATER),
    "handlers backwards, detached": Case(play(DETACHED, NOTIFY_SECOND, more=BACKWARDS) + LATER),
    "handlers backwards, told of": Case(play(launch("sleep 3"), more=BACKWARDS + AT_LAST) + LATER, REPORT),
    "handlers that listen": Case(play(REAPED, TRUE + "  notify: [one, two]\n", more=LISTEN) + LATER),
    "a handler that fails": Case(play(REAPED, TRUE + NOTIFY, more=HANDLER.replace('"true"', '"false"')) + LATER),
    "force_handlers": Case(play(DETACHED, TRUE + NOTIFY, FALSE + ON_H2, more=HANDLER, force_handlers="true") + LATER),
    "role with handlers": Case(play(TRUE + "  notify: later\n", more="roles: [db]") + LATER),
    "role included": Case(play("- ansible.builtin.include_role: {name: db}\n", TRUE + "  notify: later\n") + LATER),
    "told of": Case(play(launch("sleep 3")) + LATER, REPORT),
    "told of on one host": Case(play(launch("sleep 3") + ON_H2, TRUE + NOTIFY, more=HANDLER) + LATER, REPORT),
    "told of, serial": Case(play(launch("sleep 3"), TRUE + NOTIFY, more=HANDLER, serial=1) + LATER, REPORT),
    "told of, a play that fails": Case(play(launch("sleep 3"), FALSE + ON_H2) + LATER, REPORT),
    "free": Case(play(REAPED, hosts="h1", strategy="free") + LATER),
    "free with handlers": Case(play(DETACHED, TRUE + NOTIFY, more=HANDLER, hosts="h1", strategy="free") + LATER),
    "free, told of": Case(
        play(launch("sleep 3"), more=BACKWARDS + AT_LAST, hosts="h1", strategy="free") + LATER, REPORT
    ),
    "host_pinned": Case(play(REAPED, hosts="h1", strategy="host_pinned") + LATER),
    "rescued": Case(
        play("- block:\n    - ansible.builtin.command: 'false'\n  rescue:\n", indent(REAPED, "    ")) + LATER
    ),
    "run_once": Case(play(launch("exit 0", run_once="true") + ENDED + reap(run_once="true")) + LATER),
    "delegated": Case(play(launch("exit 0", delegate_to="h1") + ENDED + reap(delegate_to="h1")) + LATER),
    "no_log": Case(play(launch("exit 0", no_log="true") + ENDED + reap(no_log="true")) + LATER),
    "ignored failure": Case(play(launch("exit 1") + ENDED + reap(ignore_errors="true")) + LATER),
    "any_errors_fatal": Case(play(REAPED, FALSE + ON_H2, any_errors_fatal="true") + LATER),
    "a lookup with side effects in a name": Case(
        play(launch("exit 0", name=f"'Start {COUNT}'"), ENDED, reap(), COUNTED)
    ),
    "a lookup with side effects in vars": Case(
        play(launch("exit 0", vars=f"{{async_reaper_detach: lives, ansible_python_interpreter: '{PYTHON}'}}"), COUNTED)
    ),
    "a lookup with side effects in a loop": Case(
        play(launch("exit 0", loop=f"['{COUNT}']"), ENDED, reap(jid="job.results[0].ansible_job_id"), COUNTED)
    ),
    "tags": Case(play(launch("exit 0", tags="[a]") + ENDED + reap(tags="[a]"), TRUE) + LATER, ("--tags", "a")),
    "poll": Case(play("- ansible.builtin.command: sleep 0.1\n  async: 10\n  poll: 1\n") + LATER),
    # A document on standard output
    "json, reaped": Case(play(REAPED) + LATER, stdout="json"),
    "json, detached": Case(play(DETACHED, TRUE + NOTIFY, more=HANDLER) + LATER, stdout="json"),
    "json, told of": Case(play(launch("sleep 3"), TRUE + NOTIFY, more=HANDLER) + LATER, REPORT, "json"),
    "json, a handler that fails": Case(
        play(REAPED, TRUE + NOTIFY, more=HANDLER.replace('"true"', '"false"')) + LATER, stdout="json"
    ),
    "json, handlers backwards, told of": Case(play(launch("sleep 3"), more=BACKWARDS + AT_LAST), REPORT, "json"),
    "json, a reap that fails": Case(play(launch("exit 1") + ENDED + reap()) + LATER, stdout="json"),
    "json, free": Case(play(DETACHED, TRUE, hosts="h1", strategy="free") + LATER, stdout="json"),
    "minimal, reaped": Case(play(REAPED), stdout="minimal"),
    "oneline, reaped": Case(play(REAPED), stdout="oneline"),
    # Lookups with side effects, in each place that takes a template
    "lookup in arguments": Case(play(launch(f"echo {counting('args')}") + ENDED + reap(), TELLS), SHOWN),
    "lookup in async": Case(play(launch("exit 0", limit=quoted(number("async", "30"))) + ENDED + reap(), TELLS), SHOWN),
    "lookup in when": Case(
        play(
            launch("exit 0", when="lookup('ansible.builtin.pipe', 'echo when >> counted; echo when') == 'when'"),
            ENDED,
            reap(),
            TELLS,
        ),
        SHOWN,
    ),
    "lookup in environment": Case(
        play(launch("exit 0", environment=f"{{WHERE: {quoted(counting('env'))}}}") + ENDED + reap(), TELLS), SHOWN
    ),
    "lookup in no_log": Case(
        play(launch("exit 0", no_log=quoted(number("no_log", "false"))) + ENDED + reap(), TELLS), SHOWN
    ),
    "lookup in become": Case(
        play(launch("exit 0", become=quoted(number("become", "false"))) + ENDED + reap(), TELLS), SHOWN
    ),
    "lookup in delegate_to": Case(
        play(
            launch("exit 0", delegate_to=quoted(number("delegate", "h2"))),
            ENDED,
            reap(delegate_to="h2"),
            TELLS,
            hosts="h1",
        ),
        SHOWN,
    ),
    "lookup in changed_when": Case(
        play(
            launch("exit 0", changed_when="lookup('ansible.builtin.pipe', 'echo changed >> counted; echo') == ''"),
            ENDED,
            reap(),
            TELLS,
        ),
        SHOWN,
    ),
    "lookup in failed_when": Case(
        play(
            launch("exit 0", failed_when="lookup('ansible.builtin.pipe', 'echo failed >> counted; echo') != ''"),
            ENDED,
            reap(),
            TELLS,
        ),
        SHOWN,
    ),
    "lookup in ignore_errors": Case(
        play(launch("exit 0", ignore_errors=quoted(number("ignore", "true"))) + ENDED + reap(), TELLS), SHOWN
    ),
    "lookup in a label": Case(
        play(
            launch("exit 0", loop="[1, 2]", loop_control=f"{{label: {quoted(counting('label'))}}}"),
            ENDED,
            reap(jid="item.ansible_job_id", loop=RESULTS),
            TELLS,
        ),
        SHOWN,
    ),
    "lookup in a wait's id": Case(
        play(QUICK + ENDED + reap(jid=f"[job.ansible_job_id, {ONCE}] | first"), TELLS), SHOWN
    ),
    "lookup in a wait's retries": Case(
        play(QUICK + ENDED + reap().replace("retries: 30", f"retries: {quoted(number('retries', '30'))}"), TELLS), SHOWN
    ),
    "lookup in a wait's name": Case(play(QUICK + ENDED + reap(name=quoted(counting("waits"))), TELLS), SHOWN),
    "lookup in the play's variables": Case(
        play(launch("echo {{ from_play }}") + ENDED + reap(), TELLS, vars=f"{{from_play: {quoted(counting('play'))}}}"),
        SHOWN,
    ),
    "lookup in the play's name": Case(play(REAPED, TELLS, name=quoted(counting("named"))) + LATER, SHOWN),
    "lookup in variables of the connection": Case(
        play(REAPED, TELLS, vars=f"{{ansible_python_interpreter: '{PYTHON}'}}"), SHOWN
    ),
    "lookup in a detached job's arguments": Case(
        play(launch(f"echo {counting('detached')}", vars="{async_reaper_detach: lives on}"), TELLS) + LATER, SHOWN
    ),
    "lookup in a block's variables": Case(
        play(
            f"- vars: {{ansible_async_dir: {quoted(number('folder', 'jobs-of-the-block'))}}}\n  block:\n{IN_BLOCK}",
            TELLS,
        ),
        (*SHOWN, *REPORT),
    ),
    "lookup in a loop of a job told of": Case(
        play(launch("sleep 3", loop=f"[{quoted(counting('item'))}]"), TELLS), (*SHOWN, *REPORT)
    ),
    "lookup in a delegated job told of": Case(
        play(launch("sleep 3", delegate_to=quoted(number("delegate", "h2"))), TELLS, hosts="h1"), (*SHOWN, *REPORT)
    ),
    # Handlers
    "a handler that launches": Case(play(TRUE + NOTIFY, more=LAUNCHING_HANDLER) + LATER),
    "handlers that launch and wait": Case(play(TRUE + NOTIFY, more=WAITED_FOR_BY_HANDLERS) + LATER),
    "handlers that launch, told of": Case(
        play(TRUE + NOTIFY, more=WAITED_FOR_BY_HANDLERS.replace("        notify: Wait for it\n", "")) + LATER, REPORT
    ),
    "handlers between launch and wait": Case(
        play(launch("exit 0", notify="Handle it"), FLUSH, ENDED, reap(), TRUE + NOTIFY, more=HANDLER) + LATER
    ),
    "handlers of a wait": Case(play(QUICK, ENDED, reap(notify="Handle it", changed_when="true"), more=HANDLER) + LATER),
    "handlers of two sections": Case(
        play(REAPED, TRUE + NOTIFY, more=HANDLER + AT_LAST.replace("second", "Handle it"))
    ),
    "handlers of a host that fails": Case(play(DETACHED, TRUE + NOTIFY, FALSE + ON_H2, more=HANDLER) + LATER),
    # How plays go on
    "free, a failure": Case(play(DETACHED, FALSE, hosts="h1", strategy="free") + LATER),
    "free with handlers backwards": Case(
        play(DETACHED, NOTIFY_SECOND, more=BACKWARDS, hosts="h1", strategy="free") + LATER
    ),
    "debug strategy": Case(play(REAPED, strategy="debug") + LATER),
    "serial": Case(play(REAPED, TRUE + NOTIFY, more=HANDLER, serial=1) + LATER),
    "max_fail_percentage": Case(play(REAPED, FALSE + ON_H2, max_fail_percentage=20) + LATER),
    "end_host": Case(play(REAPED, "- ansible.builtin.meta: end_host\n" + ON_H2, TRUE) + LATER),
    "end_play": Case(play(DETACHED, "- ansible.builtin.meta: end_play\n") + LATER),
    "end_batch": Case(play(REAPED, "- ansible.builtin.meta: end_batch\n", serial=1) + LATER),
    "clear_host_errors": Case(play(DETACHED, FALSE + ON_H2, "- ansible.builtin.meta: clear_host_errors\n") + LATER),
    "reaped in a later play": Case(play(QUICK) + play(ENDED, reap()) + LATER),
    "reaped in always": Case(
        play(f"- block:\n{IN_BLOCK}    - ansible.builtin.command: 'false'\n  always:\n{indent(reap(), '    ')}") + LATER
    ),
    "a reap that fails": Case(play(launch("exit 1") + ENDED + reap()) + LATER),
    "a reap that fails and is rescued": Case(
        play(
            f"- block:\n{indent(launch('exit 1') + ENDED + reap(), '    ')}  rescue:\n    - ansible.builtin.debug:\n",
            TRUE + NOTIFY,
            more=HANDLER,
        )
        + LATER
    ),
    "skipped on one host": Case(play(launch("exit 0") + ON_H2, ENDED, reap() + ON_H2) + LATER),
    "throttle": Case(play(launch("exit 0", throttle=1) + ENDED + reap()) + LATER),
    "limited to a host": Case(play(REAPED) + LATER, ("--limit", "h1")),
    "from a task on": Case(play(TRUE, REAPED) + LATER, ("--start-at-task", "Start it")),
    "diff and all words": Case(play(DETACHED) + LATER, ("--diff", "-v")),
}
