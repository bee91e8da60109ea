"""Command lines: a file for each command, with its options; `maskdet.__main__` lists them."""
