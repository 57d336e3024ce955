"""``python -m ansible_reap`` is ``ansible-reap``."""

import sys

from ansible_reap.cli import main

if __name__ == "__main__":
    sys.exit(main())
