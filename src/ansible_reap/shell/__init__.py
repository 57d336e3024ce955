"""What a command line does, for both halves."""
