"""Builds the demo's clip out of the two portraits: `python -m tools.demo_clip.make`.

The scene is described in `tools.demo_clip.scene`; this file only encodes it.
"""

from __future__ import annotations

import os
from pathlib import Path

import av

from maskdet.sources import CLIP
from tools.demo_clip.scene import FPS, FRAMES, HEIGHT, WIDTH, render, truth

__all__ = ["main", "make", "truth"]

CRF = 24
"""Quality of H.264: lower is better and larger."""


def make(path: Path) -> None:
    """Renders the scene and writes it as H.264 (yuv420p) in MP4.

    Args:
        path: of the clip; replaced only when the new one is complete.
    """
    half_written = path.with_name(f".{path.name}.part")
    try:
        with av.open(str(half_written), "w", "mp4", options={"movflags": "+faststart"}) as clip:
            stream = clip.add_stream("libx264", FPS, {"crf": str(CRF), "preset": "slow"})
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for index in range(FRAMES):
                picture = av.VideoFrame.from_ndarray(render(index), "bgr24")
                picture.pts = index
                clip.mux(stream.encode(picture))
            clip.mux(stream.encode())
        os.replace(half_written, path)
    finally:
        half_written.unlink(missing_ok=True)


def main() -> None:
    """Rebuilds the clip that ships with the project."""
    make(CLIP)
    print(f"{CLIP}: {FRAMES} frames, {CLIP.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
