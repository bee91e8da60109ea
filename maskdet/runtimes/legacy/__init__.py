"""Models of older systems: keras-retinanet and the Object Detection API."""
