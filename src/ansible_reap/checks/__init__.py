"""The rules, one a module: each makes findings of what the analysis knows of a project. `registry` has them all."""
