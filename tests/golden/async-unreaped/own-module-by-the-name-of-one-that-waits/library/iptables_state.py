"""It waits for nothing."""
