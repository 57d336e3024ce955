# The project's own.
