"""Pictures and clips of alarms that show people who are to be deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_CLIP_MARGIN_S = 125.0
"""Seconds before and after its alarm that a clip may show: the longest of `clips.before`, its key
frame, and the longest time of alarms that share a clip."""
_VISIT_END = "v.first_seen + v.seconds"
_ALARM_END = "coalesce(a.cleared, a.changed)"


@dataclass(frozen=True)
class Visits:
    """Visits to delete, and the time span of alarms to delete.

    Attributes:
        where: condition on a visit ``v``.
        values: of its placeholders.
        began: Unix time from which on all alarms are deleted; None: none are.
        ended: Unix time before which; None likewise.
    """

    where: str
    values: tuple[object, ...]
    began: float | None = None
    ended: float | None = None


def visits_between(began: float, ended: float) -> Visits:
    """Those of people who were there in a time, and all alarms that began in it."""
    return Visits(f"v.first_seen < ? AND {_VISIT_END} >= ?", (ended, began), began, ended)


def visit_of(run: str, camera: str, track_id: int) -> Visits:
    """One visit."""
    return Visits("v.run = ? AND v.camera = ? AND v.track_id = ?", (run, camera, track_id))


def files_of(connection: sqlite3.Connection, visits: Visits) -> list[str]:
    """Paths of pictures and clips that may show the people of some visits.

    These are the ones of their own alarms, and those of other alarms of the same camera whose
    picture or clip was taken while they were there.
    """
    own = "v.run = a.run AND v.track_id = a.track_id"
    found: set[str] = set()
    for column, margin in (("snapshot", 0.0), ("clip", _CLIP_MARGIN_S)):
        rows = connection.execute(
            f"SELECT DISTINCT a.{column} FROM alarms a JOIN visits v ON v.camera = a.camera"
            f" WHERE {visits.where} AND ({own} OR (a.began - ? <= {_VISIT_END}"
            f" AND {_ALARM_END} + ? >= v.first_seen))",
            (*visits.values, margin, margin),
        ).fetchall()
        if visits.began is not None:
            rows += connection.execute(
                f"SELECT DISTINCT {column} FROM alarms WHERE began >= ? AND began < ?",
                (visits.began, visits.ended),
            ).fetchall()
        found |= {path for (path,) in rows if path}
    return sorted(found)


def remove_files(paths: Iterable[str], near: Path) -> int:
    """Deletes files; returns how many there were.

    Args:
        paths: as the monitor wrote them; those of earlier versions may be relative to the folder it
            was started in.
        near: the store's folder, where relative ones are looked for, too.

    Raises:
        OSError: a file is there and cannot be deleted.
    """
    removed = 0
    for name in paths:
        for path in dict.fromkeys((Path(name), near / name)):
            try:
                path.unlink()
                removed += 1
                break
            except (FileNotFoundError, NotADirectoryError):
                continue
    return removed


def forget_files(connection: sqlite3.Connection, paths: Sequence[str]) -> None:
    """Takes the paths of deleted files from the alarms that are left."""
    for column in ("snapshot", "clip"):
        connection.executemany(
            f"UPDATE alarms SET {column} = '' WHERE {column} = ?", [(path,) for path in paths]
        )


def delete_with_files(
    connection: sqlite3.Connection, visits: Visits, near: Path, delete: Callable[[], int]
) -> tuple[int, int]:
    """Deletes the files first, so that what fails on the way can be repeated, then the rows.

    Args:
        connection: of `open_for_writing`.
        visits: whose files go.
        near: the store's folder.
        delete: deletes the rows; returns how many.

    Returns:
        The number of rows, and that of files.

    Raises:
        OSError: a file cannot be deleted; no row was deleted then.
    """
    paths = files_of(connection, visits)
    removed = remove_files(paths, near)
    rows = delete()
    forget_files(connection, paths)
    return rows, removed
