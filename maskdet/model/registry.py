"""Names of the models that ship."""

DEFAULT_MODEL = "retinanet-mobilenet"
"""What is opened where no model is named."""
