"""Annotated images: reading, checking, dividing and writing data sets."""
