"""The tasks of a project in the order in which Ansible would run them."""
