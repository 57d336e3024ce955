"""The work of the actions of the collection ``reap.jobs``, one a module."""
