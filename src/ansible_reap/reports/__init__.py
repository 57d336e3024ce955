"""What a run knew of its jobs, read back and written for other programs. Both halves may use it."""
