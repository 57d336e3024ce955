"""async-scope for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncScopeRule(ReapRule):
    """The reap looks where the job is not."""

    id = "async-scope"
