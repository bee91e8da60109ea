"""Faster R-CNN: proposals, their regions, and what becomes of them."""
