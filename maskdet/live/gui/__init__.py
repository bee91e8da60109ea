"""The window of the monitor."""
