# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of the collecting task. The action plugin of that name does the work, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collect
short_description: Look at the async jobs that killed runs left outstanding on a host
version_added: "0.1.0"
description:
  - Reads the ledgers of runs that ended without accounting for all their jobs, and looks at those of this host, with
    the connection, remote user, delegation and become settings of the task that launched them.
  - Jobs whose end is known by then are closed in the ledger, and their status files removed.
  - A worker of a killed run may have started jobs that nobody heard of. The folder in which they would be is searched,
    and status files that no ledger names are listed as RV(unclaimed). They are left where they are.
  - Jobs that another run has handed on instead of a ledger, as it does in a container that is gone after it, come by
    the extra variable C(async_reaper_outstanding). AWX hands the artifact of that name of one workflow node to the
    next. Only account, folder and delegation are taken from there; the machine, and how it is reached, are the
    inventory's.
  - Fails with one message that names every job that failed, was killed at its limit or is lost.
  - The playbook C(reap.jobs.collect) runs it on all hosts of an inventory.
options:
  wait:
    description: Wait for the jobs that still run, up to the limit of each.
    type: bool
    default: false
  timeout:
    description: How long to wait at most, in seconds.
    type: float
  timeout_variable:
    description:
      - The extra variable (C(-e)) that gives O(timeout) where the task leaves it out. A variable of that name from
        anywhere else, as a fact of the host, does not count.
    type: str
  cleanup:
    description: Remove the status files of the jobs that have ended.
    type: bool
    default: true
  stopped:
    description:
      - RV(reap.jobs.stop#module:stopped) of a task before this one. Of the jobs that the extra variable
        C(async_reaper_outstanding) names, these are not looked at again.
    type: list
    elements: str
    default: []
  ledger_dir:
    description:
      - The folder of the ledgers. By default the callback's option of that name.
    type: path
requirements:
  - The Python package C(ansible-reap), in the environment that holds Ansible.
author:
  - The ansible-reap developers (@ansible-reap)
"""

EXAMPLES = r"""
- name: See what killed runs left on the web servers, and wait for it
  hosts: web
  gather_facts: false
  tasks:
    - name: Collect
      reap.jobs.collect:
        wait: true
"""

RETURN = r"""
jobs:
  description: The jobs that were outstanding on this host, each in the form that the callback's report gives them.
  returned: always
  type: list
  elements: dict
unclaimed:
  description: Jobs found in their folders that no run had heard of, in the same form as far as it is known.
  returned: always
  type: list
  elements: dict
"""
