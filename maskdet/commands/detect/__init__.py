"""``maskdet detect``: images in; annotated images, boxes and states out."""
