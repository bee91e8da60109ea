"""Sinks of observations: event log, snapshots, recordings."""
