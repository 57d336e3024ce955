# The module's own code.
