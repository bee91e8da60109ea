"""The work of `python -m maskdet …`; the command lines themselves are in `maskdet.__main__`."""
