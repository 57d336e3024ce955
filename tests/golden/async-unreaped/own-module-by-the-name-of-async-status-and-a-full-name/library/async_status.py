"""It says that it has finished."""
