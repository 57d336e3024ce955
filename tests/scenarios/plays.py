"""Pieces of playbooks that the scenarios are put together from."""

from __future__ import annotations

from textwrap import dedent, indent


def launch(
    command: str = "sleep 1", *, name: str = "Start it", register: str = "job", limit: int | str = 30, **more: object
) -> str:
    """A launching task; further keywords are YAML as written."""
    module = {"ansible.builtin.shell": command}
    lines = [
        f"- name: {name}",
        *(f"  {key}: {value}" for key, value in module.items()),
        f"  async: {limit}",
        "  poll: 0",
    ]
    if register:
        lines.append(f"  register: {register}")
    lines += [f"  {key}: {value}" for key, value in more.items()]
    return "\n".join(lines) + "\n"


def reap(register: str = "job", *, name: str = "Wait for it", jid: str = "", **more: object) -> str:
    """A reap that waits; further keywords are YAML as written."""
    source = jid or f"{register}.ansible_job_id"
    lines = [
        f"- name: {name}",
        "  ansible.builtin.async_status:",
        f'    jid: "{{{{ {source} }}}}"',
        "  register: waited",
        "  until: waited is finished",
        "  retries: 30",
        "  delay: 1",
        *(f"  {key}: {value}" for key, value in more.items()),
    ]
    return "\n".join(lines) + "\n"


def say(text: str, **more: object) -> str:
    """A task that shows ``<host> <text>``, to see what later plays did."""
    lines = ["- ansible.builtin.debug:", f'    msg: "{{{{ inventory_hostname }}}} {text}"']
    return "\n".join([*lines, *(f"  {key}: {value}" for key, value in more.items())]) + "\n"


def play(*tasks: str, hosts: str = "all", section: str = "tasks", more: str = "", **keywords: object) -> str:
    """A play; ``more`` is YAML of the play's level, for handlers, roles and the like."""
    head = [f"- hosts: {hosts}", *(f"  {key}: {value}" for key, value in keywords.items())]
    body = [f"  {section}:", indent("".join(tasks), "    ")] if tasks else []
    rest = indent(dedent(more).strip("\n"), "  ")
    return "\n".join([*head, *([rest] if rest else []), *body]) + "\n"
