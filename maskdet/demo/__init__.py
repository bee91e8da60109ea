"""The clip that ships with the project: people in motion, with and without a mask.

`maskdet.demo.make` builds it from two public-domain portraits; CREDITS.md names them.
"""

from pathlib import Path


def clip_path() -> Path:
    """Where the demo's clip lies (H.264 in MP4, 640×480, loops without a seam)."""
    return Path(__file__).with_name("clip.mp4")
