"""async-cleanup for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncCleanupRule(ReapRule):
    """A reaped job whose status file is never cleaned up."""

    id = "async-cleanup"
