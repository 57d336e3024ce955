"""async-timeout for ansible-lint."""

from ansible_reap_transform import FixingRule


class AsyncTimeoutRule(FixingRule):
    """The limit or the wait does not suit the work."""

    id = "async-timeout"
