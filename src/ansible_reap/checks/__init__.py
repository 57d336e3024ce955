"""The rules, one a module: what is known of a project in, findings out. `registry` has them all."""
