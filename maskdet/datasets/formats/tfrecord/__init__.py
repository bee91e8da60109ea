"""TFRecord of the Object Detection API, read and written without TensorFlow."""
