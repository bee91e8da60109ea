"""Child processes, programs of others, and the signals that end our own."""
