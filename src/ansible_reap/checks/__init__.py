"""The rules, one module each: they turn what the analysis knows of a project into findings. `registry` lists them."""
