"""``maskdet benchmark``: speed, latency, start-up and memory on this machine."""
