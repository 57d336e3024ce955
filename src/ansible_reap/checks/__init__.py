"""The checks, one a module: (analysis, options, history) -> findings."""
