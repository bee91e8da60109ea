"""A model folder or a foreign model file becomes a `Detector`."""
