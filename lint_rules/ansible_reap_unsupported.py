"""async-unsupported for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncUnsupportedRule(ReapRule):
    """An action, or a mode of running, that refuses async."""

    id = "async-unsupported"
