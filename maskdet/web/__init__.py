"""The picture page and its HTTP API: pictures in by upload, annotated pictures and boxes out."""
