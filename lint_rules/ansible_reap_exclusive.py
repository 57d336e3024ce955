"""async-exclusive for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncExclusiveRule(ReapRule):
    """Jobs that fight over an exclusive lock, side by side."""

    id = "async-exclusive"
