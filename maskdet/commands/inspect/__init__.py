"""``maskdet inspect``: contents and faults of a data set."""
