"""maskdet: see, live and on any camera, who wears a face mask rightly."""

__version__ = "0.1.0"
