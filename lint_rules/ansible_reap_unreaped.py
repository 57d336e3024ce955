"""async-unreaped for ansible-lint."""

from ansible_reap_transform import FixingRule


class AsyncUnreapedRule(FixingRule):
    """A launch whose jobs nobody waits for, all or in part."""

    id = "async-unreaped"
