"""maskdet: see, live and on any camera, who wears a face mask correctly."""

import os

# OpenCV reads this once, when it is first imported: a picture that claims more pixels is refused
# before it is decoded, so that a small file cannot fill the memory.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")

__version__ = "0.1.0"
