"""async-reboot for ansible-lint."""

from ansible_reap_transform import FixingRule


class AsyncRebootRule(FixingRule):
    """A hand-rolled reboot."""

    id = "async-reboot"
