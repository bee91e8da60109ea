"""Processes that work on recordings, on this machine or on those of a Ray cluster."""
