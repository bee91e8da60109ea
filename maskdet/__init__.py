"""maskdet: see, live and on any camera, who wears a face mask correctly.

The names in ``__all__`` are for other programs; they are imported when they are first used, so that
``import maskdet`` costs nothing. docs/python.md describes them.

Example:
    >>> import maskdet
    >>> detector = maskdet.load_detector(device="cpu")
    >>> frame = next(maskdet.read_frames("demo"))
    >>> (faces,) = detector.detect([frame.image])
    >>> faces.counts()["without_mask"]
    1
    >>> maskdet.annotate(frame.image, faces).shape
    (480, 640, 3)
    >>> detector.close()
"""

from __future__ import annotations

import os
from importlib import import_module

TYPE_CHECKING = False  # as in typing, whose import takes ten times as long as all of this
if TYPE_CHECKING:
    from typing import Any

    from maskdet.contracts import Detector, Source
    from maskdet.detections import Detections, MaskState
    from maskdet.drawing.blur import blur_faces
    from maskdet.drawing.overlay import annotate
    from maskdet.errors import MaskdetError
    from maskdet.frame import Frame
    from maskdet.runtimes.loading import load_detector
    from maskdet.sources.files.image_files import read_image
    from maskdet.sources.opening import open_source, read_frames
    from maskdet.sources.options import SourceOptions

# OpenCV reads this once, when it is first imported: an image that claims more pixels is refused
# before it is decoded, so that a small file cannot fill the memory.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")

__version__ = "0.1.0"

__all__ = [
    "Detections",
    "Detector",
    "Frame",
    "MaskState",
    "MaskdetError",
    "Source",
    "SourceOptions",
    "__version__",
    "annotate",
    "blur_faces",
    "load_detector",
    "open_source",
    "read_frames",
    "read_image",
]

_HOMES = {
    "Detections": "detections",
    "Detector": "contracts",
    "Frame": "frame",
    "MaskState": "detections",
    "MaskdetError": "errors",
    "Source": "contracts",
    "SourceOptions": "sources.options",
    "annotate": "drawing.overlay",
    "blur_faces": "drawing.blur",
    "load_detector": "runtimes.loading",
    "open_source": "sources.opening",
    "read_frames": "sources.opening",
    "read_image": "sources.files.image_files",
}
"""The module of each public name."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskdet' has no attribute {name!r}")
    module = import_module(f"maskdet.{_HOMES[name]}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
