"""Launched jobs, written down as they start, and read back."""
