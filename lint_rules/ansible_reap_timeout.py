"""async-timeout for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncTimeoutRule(ReapRule):
    """The limit or the wait does not suit the work."""

    id = "async-timeout"
