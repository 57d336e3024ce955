"""async-unreaped for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncUnreapedRule(ReapRule):
    """A launch whose jobs nobody waits for, all or in part."""

    id = "async-unreaped"
