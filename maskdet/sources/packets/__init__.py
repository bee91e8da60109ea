"""Encoded video of network cameras, as they send it."""
