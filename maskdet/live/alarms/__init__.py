"""Alarms of a run: rules, their list, channels and what is attached to messages."""
