#!/usr/bin/python
"""Listen on a port."""
