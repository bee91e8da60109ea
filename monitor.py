"""The live monitor: `python monitor.py --help`."""

import sys

from maskdet.commands.monitor import main

if __name__ == "__main__":
    sys.exit(main())
