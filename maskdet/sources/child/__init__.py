"""Common parts of the child processes that read cameras."""
