"""Alarms as values, and what a page or a window reads and changes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

AlarmKind = Literal["people", "camera_gone", "camera_covered", "camera_moved", "disk_full"]
AlarmPhase = Literal["began", "updated", "cleared", "flapping", "clip", "test"]
Mute = Literal["", "snoozed", "cool-down", "hourly limit"]


@dataclass(frozen=True)
class Alarm:
    """One occurrence of what a rule waits for, from its beginning until it is cleared.

    Attributes:
        alarm_id: unique over all runs; of letters, digits and hyphens.
        rule: name of the rule.
        kind: what the rule waits for.
        camera: name of the source; empty for a disk.
        began: Unix time at which the condition of the rule was first met.
        changed: Unix time of the newest change.
        title: what is wrong, in a line: ``no mask: person 7 in zone door``.
        cleared: Unix time of its end; None while it is open.
        track_id: number of the person; None where it is of no single person.
        people: how many people it is about, at most at one time.
        states: how the masks are worn, names of `MaskState`.
        place: name of the zone or line.
        repeats: how often it was cleared and began again.
        muted: why nothing is sent about it; empty: it is sent.
        snapshot: path of its image; empty before there is one.
        clip: path of its video; empty before there is one.
        acknowledged: Unix time at which somebody took note of it; None: nobody has.
        acknowledged_by: name of the person.
    """

    alarm_id: str
    rule: str
    kind: AlarmKind
    camera: str
    began: float
    changed: float
    title: str
    cleared: float | None = None
    track_id: int | None = None
    people: int = 0
    states: tuple[str, ...] = ()
    place: str = ""
    repeats: int = 0
    muted: Mute = ""
    snapshot: str = ""
    clip: str = ""
    acknowledged: float | None = None
    acknowledged_by: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is not cleared."""
        return self.cleared is None


@dataclass(frozen=True)
class AlarmMessage:
    """News of an alarm, for the channels of its rule.

    Attributes:
        phase: what the news is; `flapping` says that nothing more comes until it is steady, `clip`
            that the video is finished.
        alarm: as of this news.
        text: a line for people.
        channels: names of the channels that get it; None: all.
        others: numbers of alarms that were muted meanwhile and are reported by this news, too.
        message_id: the same at every attempt to send it, so that a receiver can know; empty
            before it is queued.
    """

    phase: AlarmPhase
    alarm: Alarm
    text: str
    channels: tuple[str, ...] | None = None
    others: tuple[str, ...] = ()
    message_id: str = ""


@dataclass(frozen=True)
class Snooze:
    """A time in which nothing is sent; it ends without anybody's doing.

    Attributes:
        rule: name of the rule; empty: all rules.
        camera: name of the source; empty: all.
        until: Unix time of its end.
    """

    rule: str
    camera: str
    until: float


class AlarmControl(Protocol):
    """Open and past alarms, to be shown and answered; every method is for any thread."""

    @property
    def version(self) -> int:
        """Raised at every change, so that a page knows when to ask again."""

    def rules(self) -> Sequence[str]:
        """Names of the rules, in the order of the settings."""

    def alarms(self, limit: int = 100, *, only_open: bool = False) -> Sequence[Alarm]:
        """The newest alarms, newest first; those of earlier runs too, where they are stored."""

    def find(self, alarm_id: str) -> Alarm | None:
        """One alarm; None: there is none of that number."""

    def acknowledge(self, alarm_id: str, by: str = "") -> bool:
        """Notes that somebody has seen an alarm; False: there is none of that number."""

    def snooze(self, seconds: float, *, rule: str = "", camera: str = "") -> Snooze:
        """Sends nothing for so long, of a rule or all, of a camera or all; 0 ends a snooze.

        What happens meanwhile is in the list of alarms. What still goes on at the end is sent then.
        """

    def snoozes(self) -> Sequence[Snooze]:
        """The snoozes that are not over."""
