# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits on this host for the jobs that the play has launched there. ``ansible_reap.runtime`` does the work."""

from __future__ import annotations

from ..plugin_utils.action import ActionFromPackage


class ActionModule(ActionFromPackage):
    """``reap.jobs.wait``; its options are documented in the module of that name."""

    ACTION = "wait"
