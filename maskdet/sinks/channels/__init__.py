"""Channels that send alarms: each with a queue of its own."""
