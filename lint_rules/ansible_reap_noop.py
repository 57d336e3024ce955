"""async-noop for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncNoopRule(ReapRule):
    """async or poll where they do nothing."""

    id = "async-noop"
