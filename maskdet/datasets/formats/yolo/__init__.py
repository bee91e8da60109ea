"""YOLO txt: a file of labels beside each image, and the data.yaml."""
