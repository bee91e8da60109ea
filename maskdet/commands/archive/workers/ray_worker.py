"""The part of an archive run that works on a node of a Ray cluster.

Each worker keeps the same process as a run without Ray does, and gives it one recording after the
other: a decoder that crashes or hangs costs that process, never Ray's own, and three of them are
enough to leave a recording out.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Mapping
from functools import partial
from typing import Any

from maskdet import __version__
from maskdet.commands.archive.workers.worker_process import (
    MAX_ATTEMPTS,
    SILENCE_TIMEOUT_S,
    WorkerProcess,
)
from maskdet.errors import reason_of
from maskdet.system.threads import Closed, Condition

_HASH_BYTES = 1 << 20

Row = dict[str, Any]


def hash_recording(row: Row) -> Row:
    """The SHA-256 of a recording, or why it cannot be read.

    Args:
        row: `number` and `path` of a recording.
    """
    digest = hashlib.sha256()
    try:
        with open(row["path"], "rb") as file:
            for block in iter(partial(file.read, _HASH_BYTES), b""):
                digest.update(block)
    except OSError as error:
        reason = reason_of(error)
        where = f"{row['path']} cannot be read on {_here()}"
        text = f"{where}: {reason}; share its folder, check its rights"
        return {"number": row["number"], "sha256": "", "text": text}
    return {"number": row["number"], "sha256": digest.hexdigest(), "text": ""}


class ArchiveWorker:
    """Processes recordings, for Ray Data, which keeps one of these in each of its actors."""

    def __init__(self, setup: str, model: str, version: str) -> None:
        """Starts nothing yet.

        Args:
            setup: the first line of the process, as JSON.
            model: the model's checksum, which this node has to have, too.
            version: of maskdet, likewise.
        """
        self._setup: Mapping[str, Any] = json.loads(setup)
        self._model, self._version = model, version
        self._process: WorkerProcess | None = None

    def __call__(self, row: Row) -> Row:
        """Processes a recording.

        Args:
            row: `number`, `path`, `name` and `key` of a recording.

        Returns:
            `number`, and either `totals` as JSON, or a `text` that gives the reason; `is_fatal`:
            model, disk or node fail, and every further recording would.
        """
        if self._version != __version__:
            text = f"{_here()} has maskdet {__version__}, this machine {self._version}; update one"
            return _outcome(row, text=text, is_fatal=True)
        order = {"order": "process", **{name: row[name] for name in ("path", "name", "key")}}
        for _ in range(MAX_ATTEMPTS):
            outcome = self._attempt(row, order)
            if outcome is not None:
                return outcome
        text = (
            f"{row['path']}: the process that read it on {_here()} ended or hung {MAX_ATTEMPTS} "
            "times; convert or remove the file"
        )
        return _outcome(row, text=text)

    def _attempt(self, row: Row, order: Mapping[str, Any]) -> Row | None:
        """One attempt; None: the process ended, or hung."""
        is_new = self._process is None
        if self._process is None:
            try:
                self._process = WorkerProcess(self._setup, Condition())
            except OSError as error:
                text = f"no process can be started on {_here()}: {reason_of(error)}"
                return _outcome(row, text=text, is_fatal=True)
        if not is_new:
            self._process.order(order)
        while (message := self._hear(self._process)) is not None:
            match message["kind"]:
                case "ready" if message["model"] != self._model:
                    text = f"the model's files on {_here()} are not those of this machine"
                    return _outcome(row, text=f"{text}; copy them", is_fatal=True)
                case "ready":
                    self._process.order(order)
                case "done":
                    return _outcome(row, totals=json.dumps(message["totals"]))
                case "failed":
                    return _outcome(row, text=message["text"])
                case "fatal":
                    text = f"{message['text']} (on {_here()})"
                    return _outcome(row, text=text, is_fatal=True)
        self._process.kill()
        self._process = None
        return None

    def _hear(self, process: WorkerProcess) -> Mapping[str, Any] | None:
        try:
            return process.messages.get(SILENCE_TIMEOUT_S)
        except Closed:
            return None


def _outcome(row: Row, *, totals: str = "", text: str = "", is_fatal: bool = False) -> Row:
    return {"number": row["number"], "totals": totals, "text": text, "is_fatal": is_fatal}


def _here() -> str:
    return socket.gethostname()
