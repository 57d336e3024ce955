"""async-swallowed for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncSwallowedRule(ReapRule):
    """A reap that cannot surface the failure it finds."""

    id = "async-swallowed"
