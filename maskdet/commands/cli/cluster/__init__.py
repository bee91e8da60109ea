"""``maskdet cluster``: its options."""
