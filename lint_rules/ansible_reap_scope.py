"""async-scope for ansible-lint."""

from ansible_reap_transform import FixingRule


class AsyncScopeRule(FixingRule):
    """The reap looks where the job is not."""

    id = "async-scope"
