"""Commands around the event store: report, export, deletion."""
