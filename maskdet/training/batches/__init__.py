"""Batches by number: how they are drawn, made ahead of their use, and answered by a teacher."""
