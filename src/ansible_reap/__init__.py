"""Makes fire-and-forget Ansible safe: every ``poll: 0`` job is reaped, or declared detached with a reason."""

__version__ = "0.1.0"

DOCS_URL = "https://ansible-reap.readthedocs.io/en/latest"
"""Where the docs are published; a rule's page is ``{DOCS_URL}/rules/<id>/``."""
