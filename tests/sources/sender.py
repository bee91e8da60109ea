"""Sends a moving picture by PyAV until it is killed: sender.py URL FORMAT [KEY=VALUE]."""

from __future__ import annotations

import sys
import time

import av
import numpy as np


def main(url: str, form: str, *options: str) -> None:
    """Sends 25 pictures a second."""
    with av.open(url, "w", format=form, options=dict(o.split("=") for o in options)) as container:
        stream = container.add_stream("libx264", rate=25, options={"tune": "zerolatency", "g": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        began = time.monotonic()
        for number in range(100_000):
            image = np.full((48, 64, 3), 20 + 8 * (number % 25), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            time.sleep(max(0.0, began + number / 25 - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
