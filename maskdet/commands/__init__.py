"""What `python -m maskdet …` does; the command lines themselves are in `maskdet.__main__`."""
