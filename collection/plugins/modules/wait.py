# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of ``reap.jobs.wait``. The action plugin of that name does the work, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wait
short_description: Wait for the async jobs that are outstanding on a host
version_added: "0.1.0"
description:
  - Waits for every job that the run has started on this host with C(async) and C(poll=0), and that nothing has waited
    for yet. Jobs that are declared detached, and those with C(poll) above 0, are left alone.
  - Looks at each job with the connection, remote user, delegation and become settings of the task that launched it.
  - Fails with one message that names every job that failed, was killed at its limit, is lost or did not end in time.
  - With C(until), or in a loop, it looks for no job again that an earlier try or item has reaped. A later try still
    fails for one that failed.
  - It knows the jobs from the callback P(reap.jobs.async_reaper#callback), and fails where that is not enabled.
options:
  timeout:
    description:
      - How long to wait, in seconds.
      - By default each job is waited for up to its own limit, and the few seconds that Ansible takes to kill it there.
        A job is never waited for longer than that.
    type: float
  tasks:
    description:
      - Wait only for the jobs of the tasks whose name matches one of these names or globs.
    type: list
    elements: str
    default: ["*"]
  cleanup:
    description:
      - Remove the status files of the jobs that have ended, as Ansible does with C(poll) above 0.
    type: bool
    default: true
requirements:
  - The Python package C(ansible-reap), in the environment that holds Ansible.
seealso:
  - module: ansible.builtin.async_status
author:
  - The ansible-reap developers (@ansible-reap)
"""

EXAMPLES = r"""
- name: Start the backup of each database
  ansible.builtin.command: /usr/local/bin/backup {{ item }}
  async: 3600
  poll: 0
  loop: [orders, customers]

- name: Wait for all of them
  reap.jobs.wait:

- name: Wait ten minutes at most for what the tasks called "Start ..." have begun
  reap.jobs.wait:
    tasks: ["Start *"]
    timeout: 600
"""

RETURN = r"""
jobs:
  description: The jobs waited for, each in the form that the callback's report gives them.
  returned: always
  type: list
  elements: dict
  sample:
    - jid: j123.456
      host: web1
      task: Start the backup of each database
      path: site.yml
      line: 12
      limit_s: 3600
      state: reaped
      last_seen: finished
"""
