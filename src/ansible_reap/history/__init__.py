"""Measured run times: kept by the callback, asked by the checks."""
