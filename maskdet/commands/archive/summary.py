"""The summary of an archive: a line for each recording and the totals, as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskdet.commands.archive.run_state import Outcome
from maskdet.detections import CLASS_NAMES, MaskState
from maskdet.observation import sum_by_state
from maskdet.system.atomic_files import write_output

_STATES = tuple(state.name for state in MaskState)
COLUMNS = (
    *("file", "status", "seconds", "frames", "width", "height"),
    *("people", *(f"people_{state}" for state in _STATES)),
    *("face_frames", *(f"face_frames_{state}" for state in _STATES)),
    *("events", "reason"),
)
assert set(CLASS_NAMES) <= set(_STATES)


def write_summary(output: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes ``summary.csv`` and ``summary.json``, each whole or not at all.

    Raises:
        SinkError: one of them cannot be written.
    """
    write_output(output / "summary.csv", _as_csv(output, outcomes))
    write_output(output / "summary.json", _as_json(output, outcomes))


def totals_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The totals; a copy is not a second recording, and counts as a file alone."""
    counted = [one.result for one in outcomes if one.status == "done" and one.result is not None]
    statuses = Counter(one.status for one in outcomes)
    return {
        "files": len(outcomes),
        "done": statuses["done"],
        "copies": statuses["copy"],
        "failed": statuses["failed"],
        "missing": statuses["missing"],
        "seconds": round(sum(result.seconds for result in counted), 3),
        "frames": sum(result.frames for result in counted),
        "people": sum_by_state(result.people or {} for result in counted),
        "face_frames": sum_by_state(result.faces for result in counted),
    }


def _record(output: Path, one: Outcome) -> dict[str, Any]:
    record: dict[str, Any] = {"file": one.recording.name, "status": one.status}
    if one.result is not None:
        result = one.result
        record |= {
            "seconds": result.seconds,
            "frames": result.frames,
            "width": result.width,
            "height": result.height,
            "people": None if result.people is None else dict(result.people),
            "face_frames": dict(result.faces),
            "notes": list(result.notes),
        }
    if one.file is not None:
        record["events"] = os.path.relpath(one.file, output)
    if one.reason:
        record["reason"] = one.reason
    return record


def _as_json(output: Path, outcomes: Sequence[Outcome]) -> str:
    records = [_record(output, one) for one in outcomes]
    return json.dumps({"totals": totals_of(outcomes), "files": records}, indent=1) + "\n"


def _as_csv(output: Path, outcomes: Sequence[Outcome]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for one in outcomes:
        record = _record(output, one)
        for kind in ("people", "face_frames"):
            by_state: Mapping[str, int] | None = record.pop(kind, None)
            if by_state is not None:
                record[kind] = sum(by_state.values())
                record |= {f"{kind}_{state}": by_state.get(state, 0) for state in _STATES}
        if record.get("notes") and "reason" not in record:
            record["reason"] = "; ".join(record["notes"])
        writer.writerow(record)
    return text.getvalue()
