"""TensorFlow imported without the notes for its developers that it writes to stderr."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from maskdet.system.native_libraries import silent_stderr


@contextmanager
def quiet_import() -> Iterator[None]:
    """Wrap the first import of TensorFlow in it; what fails is raised as ever.

    Its C++ part writes before any setting of its own is heard, so stderr itself is turned away for
    that while. ``TF_CPP_MIN_LOG_LEVEL`` set by a person shows everything again.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ or "tensorflow" in sys.modules:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with silent_stderr():
        yield


@contextmanager
def quiet_logging() -> Iterator[None]:
    """Keeps advice for its developers, which TensorFlow's Python part logs, off the terminal."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl", "tf2onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
