"""Who is who from frame to frame: `tracker.py` has a frame's steps and how long a track lives.

Detections get their tracks in `association.py`, by the numbers of `affinity.py`.
"""
