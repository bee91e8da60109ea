"""The soak of a cluster."""
