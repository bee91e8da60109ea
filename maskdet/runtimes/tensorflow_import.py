"""TensorFlow imported without notes for its developers, and without what is not used of it."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from maskdet.system.extras import is_unused_left_out
from maskdet.system.native_libraries import silent_stderr
from maskdet.system.threads import get_ident

_UNUSED = ("jax", "matplotlib", "pandas")
"""Packages that Keras and TensorFlow import where they are installed, for functions that nothing
here calls. Neither has a setting that leaves them out; with None in `sys.modules`, the way without
a hook, they would be missing for other threads, too."""


@contextmanager
def quiet_import() -> Iterator[None]:
    """Wrap the first import of TensorFlow in it; what fails is raised as ever.

    Its C++ part writes before any setting of its own is read, so stderr itself is turned away for
    that while. ``TF_CPP_MIN_LOG_LEVEL`` set by a person shows everything again.
    """
    with _without_unused():
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


@contextmanager
def _without_unused() -> Iterator[None]:
    """Keeps from an import of Keras or TensorFlow what is not used of them, in our own commands."""
    finder = _Missing()
    if is_unused_left_out():
        sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.meta_path.remove(finder)


class _Missing:
    """Makes packages missing for this thread, but for the one that Keras computes with."""

    def __init__(self) -> None:
        self._thread = get_ident()
        self._names = {*_UNUSED} - {_keras_backend()}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Part of Python's import.

        Raises:
            ModuleNotFoundError: it is one of them.
        """
        if name in self._names and get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _keras_backend() -> str:
    """The back-end that Keras is going to take: that of the environment, or of its own file."""
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen:
        return chosen
    folder = os.environ.get("KERAS_HOME") or "~/.keras"
    with suppress(OSError, ValueError, KeyError, TypeError, RuntimeError):
        return str(json.loads(Path(folder, "keras.json").expanduser().read_bytes())["backend"])
    return "tensorflow"
