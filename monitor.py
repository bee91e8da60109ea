"""The live monitor: `python monitor.py --help`."""

import signal
import sys

if is_usual := signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of what is imported

from maskdet.commands.monitor import main  # noqa: E402

if is_usual:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if __name__ == "__main__":
    sys.exit(main())
