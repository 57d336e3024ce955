"""async-reboot for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncRebootRule(ReapRule):
    """A hand-rolled reboot."""

    id = "async-reboot"
