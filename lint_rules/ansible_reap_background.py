"""async-background for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncBackgroundRule(ReapRule):
    """Work put in the background inside an async shell."""

    id = "async-background"
