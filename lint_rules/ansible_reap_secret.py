"""async-secret for ansible-lint."""

from ansible_reap_adapter import ReapRule


class AsyncSecretRule(ReapRule):
    """A job that holds a secret, and whose status file nothing cleans up."""

    id = "async-secret"
