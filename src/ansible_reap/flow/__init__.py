"""What happens in which order, what values are known, and which reap belongs to which launch."""

from ansible_reap.flow.engine import analyse

__all__ = ["analyse"]
