"""``maskdet convert``: data sets and models from one format to another."""
