# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends chosen jobs of this host. ``ansible_reap.runtime`` finds them; the module of this name works on the host."""

from __future__ import annotations

from ..plugin_utils.action import ActionFromPackage


class ActionModule(ActionFromPackage):
    """``reap.jobs.stop``; its options are documented in the module of that name."""

    ACTION = "stop"
