"""Run ``python -m hiermix``."""

import sys

from hiermix.cli import main

if __name__ == "__main__":
    sys.exit(main())
