"""The live monitor: `python monitor.py --help`."""

import sys

from maskdet.system.signals import ended_by_ctrl_c

with ended_by_ctrl_c():
    from maskdet.commands.monitor import main

if __name__ == "__main__":
    sys.exit(main())
