"""Settings of the monitor."""
