"""Drawing on images: boxes, labels, the status bar."""
