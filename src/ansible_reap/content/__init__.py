"""Ansible content as data: files, positions, plays, tasks, roles, expressions."""
