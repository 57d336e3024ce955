"""``python -m ansible_reap`` is ``ansible-reap``."""

from ansible_reap.cli import run

if __name__ == "__main__":
    run()
