# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at what killed runs left outstanding on this host. ``ansible_reap.runtime`` does the work."""

from __future__ import annotations

from ..plugin_utils.action import ActionFromPackage


class ActionModule(ActionFromPackage):
    """The task of the playbook ``reap.jobs.collect``; its options are documented in the module of that name."""

    ACTION = "collect"
