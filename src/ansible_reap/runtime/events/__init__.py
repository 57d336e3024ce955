"""Ansible's objects and events, read into our own terms."""
