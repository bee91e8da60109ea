"""Annotated video: encoding, segments, retention, recovery."""
