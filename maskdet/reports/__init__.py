"""Reports: what an event store knows, as a page, a table, a file."""
