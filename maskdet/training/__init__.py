"""Training: annotated images become a model folder with its metrics."""
