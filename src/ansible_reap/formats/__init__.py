"""How findings and reports are written out, one format a module."""
