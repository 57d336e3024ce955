"""Where a collection of an earlier version finds the action of ``reap.jobs.wait``."""

from ansible_reap.runtime.actions.wait import ARGUMENTS, wait

__all__ = ["ARGUMENTS", "wait"]
