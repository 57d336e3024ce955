"""async-result for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncResultRule(ReapRule):
    """A launch's own result taken for the job's."""

    id = "async-result"
