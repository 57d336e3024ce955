"""What happens in which order, what values are known, and which reap belongs to which launch."""
