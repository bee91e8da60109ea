"""Sources of frames: webcams, streams, files, the demo clip."""

from pathlib import Path

CLIP = Path(__file__).with_name("clip.mp4")
"""The demo clip that ships: H.264 in MP4, 640×480, loops without a seam.

`tools/demo_clip/make.py` builds it from two public-domain portraits; CREDITS.md names them.
"""
