"""The event store: people, what they did, and totals in one SQLite file."""
