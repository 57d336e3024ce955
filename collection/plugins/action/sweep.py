# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists and removes old status files of this host. ``ansible_reap.runtime`` says which ones ledgers claim."""

from __future__ import annotations

from ..plugin_utils.action import ActionFromPackage


class ActionModule(ActionFromPackage):
    """``reap.jobs.sweep``; its options are documented in the module of that name."""

    ACTION = "sweep"
