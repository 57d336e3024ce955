"""async-finished for ansible-lint."""

from ansible_reap_transform import FixingRule


class AsyncFinishedRule(FixingRule):
    """finished read as a number or truth value, whose type changed in ansible-core 2.19."""

    id = "async-finished"
