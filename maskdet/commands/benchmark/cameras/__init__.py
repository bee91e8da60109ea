"""``maskdet benchmark --cameras``: how many cameras this machine carries."""
