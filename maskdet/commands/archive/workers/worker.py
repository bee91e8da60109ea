"""The child process that processes recordings, and how it speaks.

The first JSON line on its stdin has the settings; then each is an order:

    {"order": "hash", "path": …}                      -> {"kind": "hashed", "sha256": …}
    {"order": "process", "path": …, "name": …, "key": …} -> {"kind": "done", "totals": {…}}

Of its messages (`maskdet.system.processes.child_process`) ``ready`` (the model's checksum),
``hashed``, ``done`` and ``failed`` (the recording's fault) wait for the next order;
``progress`` and ``fatal`` (the model's or the disk's fault) do not. A worker whose run was killed
notices it by its next message, and ends.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from maskdet.commands.archive.keys import checksum_of_model, resolve_model, settings_of
from maskdet.commands.archive.result_file import ResultFile
from maskdet.commands.archive.workers.processing import process
from maskdet.contracts import Detector
from maskdet.errors import MaskdetError, SourceError, reason_of
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.system.console import bug_line
from maskdet.system.processes.child_process import send_message, take_output

_HASH_BYTES = 1 << 20
_REPORT_INTERVAL_S = 0.5


def serve() -> None:
    """The child: obeys the orders on stdin until they end."""
    logging.basicConfig(handlers=[logging.NullHandler()])
    output = take_output()
    try:
        _serve(output)
    except BrokenPipeError:
        os._exit(0)  # the run has gone
    except MaskdetError as error:
        _send(output, "fatal", text=str(error), status=error.exit_code)
    except Exception as error:
        _send(output, "fatal", text=bug_line(error), status=1)
    os._exit(0)  # a thread that reads a drive which hangs holds up nothing


def _serve(output: BinaryIO) -> None:
    setup = json.loads(sys.stdin.readline())
    settings = MonitorSettings.model_validate(setup["settings"])
    folder = Path(setup["results"])
    spec = resolve_model(settings)
    from maskdet.runtimes.loading import open_model
    from maskdet.runtimes.looks.multi_look import expect_video

    detector = open_model(spec, looks=settings.looks)
    expect_video(detector)
    _send(output, "ready", model=checksum_of_model(spec))
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        try:
            if order["order"] == "hash":
                _send(output, "hashed", sha256=_hash(order["path"], output))
            else:
                _send(output, "done", totals=_process(order, settings, detector, folder, output))
        except SourceError as error:
            _send(output, "failed", text=str(error))


def _process(
    order: dict[str, Any],
    settings: MonitorSettings,
    detector: Detector,
    folder: Path,
    output: BinaryIO,
) -> dict[str, Any]:
    """Processes a recording; a bug that one of them brings up does not end the others."""
    name = order["name"]
    own = settings_of(settings, name)
    result = ResultFile(folder, order["key"])

    def report(share: float) -> None:
        _send(output, "progress", share=share)

    try:
        return process(order["path"], name, own, detector, result, report)
    except (MaskdetError, BrokenPipeError):
        raise
    except Exception as error:
        raise SourceError(f"{order['path']}: {bug_line(error)}") from None


def _hash(path: str, output: BinaryIO) -> str:
    """The SHA-256 of a file; a large one takes a while, so progress is sent."""
    digest = hashlib.sha256()
    due = time.monotonic() + _REPORT_INTERVAL_S
    try:
        with open(path, "rb") as file:
            for block in iter(partial(file.read, _HASH_BYTES), b""):
                digest.update(block)
                if time.monotonic() >= due:
                    due = time.monotonic() + _REPORT_INTERVAL_S
                    _send(output, "progress", share=0.0)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {reason_of(error)}; check its rights") from None
    return digest.hexdigest()


def _send(output: BinaryIO, kind: str, **facts: object) -> None:
    send_message(output, {"kind": kind, **facts})
