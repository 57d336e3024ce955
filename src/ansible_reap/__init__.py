"""Makes fire-and-forget Ansible safe: every ``poll: 0`` job is reaped, or declared detached with a reason."""

__version__ = "0.1.0"
