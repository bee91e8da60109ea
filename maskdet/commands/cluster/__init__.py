"""``maskdet cluster``: the work of its commands."""
