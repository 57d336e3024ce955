"""async-noop for ansible-lint."""

from ansible_reap_transform import FixingRule


class AsyncNoopRule(FixingRule):
    """async or poll where they do nothing."""

    id = "async-noop"
