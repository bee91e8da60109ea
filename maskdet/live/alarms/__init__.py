"""Alarms of a run: rules, book, channels and what is attached to messages."""
