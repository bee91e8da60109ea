"""Pascal VOC xml: a file for each image."""
