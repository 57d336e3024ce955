"""Reaching a host to look at a job there."""
