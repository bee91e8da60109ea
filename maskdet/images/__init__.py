"""Image files, and what is done to their pixels."""
