"""``maskdet archive``: folders of recordings are processed once, by several processes."""
