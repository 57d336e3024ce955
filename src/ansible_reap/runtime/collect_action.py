"""Where a collection of an earlier version finds the action of ``reap.jobs.collect``."""

from ansible_reap.runtime.actions.collect import ARGUMENTS, collect

__all__ = ["ARGUMENTS", "collect"]
