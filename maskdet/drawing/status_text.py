"""Text of the status bar, in order; nothing here draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maskdet.detections import MaskState
from maskdet.drawing.styles import Color
from maskdet.observation import Observation, PeopleCounts, sum_of_margins

BRIGHT, DIM, RED, AMBER = (240, 240, 240), (175, 175, 175), (80, 80, 255), (66, 200, 255)


@dataclass(frozen=True)
class Status:
    """Content of the bar beside the faces; None where a value is not known yet.

    Attributes:
        source: the source's name; empty: the frame's own.
        capture_fps: frames a second out of the source.
        detect_fps: frames a second through the detector.
        age_ms: milliseconds since the frame was captured.
        device: what the detector computes on.
        recording: whether the image is being recorded.
        not_recording: whether it should be and cannot.
        paused: whether the user holds the image.
        no_signal: whether the source gives nothing at the moment.
        signal_loss_reason: why, as far as is known.
        blurred: whether faces are made unrecognizable.
        help: whether the help panel is shown.
        is_file: whether the source is a file: it has a progress instead of rates and an age.
        progress: position in a file or folder, as text.
        share: part of the file that is done, 0 to 1.
        clock: date and time of the frame, with time zone, instead of rates and device: the bar of
            recordings and snapshots.
        compact: two lines without device, for a place in a grid.
    """

    source: str = ""
    capture_fps: float | None = None
    detect_fps: float | None = None
    age_ms: float | None = None
    device: str = ""
    recording: bool = False
    not_recording: bool = False
    paused: bool = False
    no_signal: bool = False
    signal_loss_reason: str = ""
    blurred: bool = False
    help: bool = False
    is_file: bool = False
    progress: str = ""
    share: float | None = None
    clock: str = ""
    compact: bool = False


@dataclass(frozen=True)
class Segment:
    """A piece of the bar: a text, led by a state's mark if there is one.

    Attributes:
        text: the text.
        color: of the text.
        state: whose mark leads it.
        is_name: whether it is a camera's name, which is shortened before anything else.
        is_alarm: whether it names an alarm's rule, shortened to leave room for the camera's name;
            the line at the image's lower edge has it whole.
        short: what stands for the text beside a camera's name where there is no room for all of it;
            empty: the text has no shorter form.
    """

    text: str
    color: Color = BRIGHT
    state: MaskState | None = None
    is_name: bool = False
    is_alarm: bool = False
    short: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the bar: what stands left, and what stands right and goes before it."""

    left: Sequence[Segment]
    right: Sequence[Segment] = ()


def bar_height(width: int, text: int, *, compact: bool = False) -> int:
    """Pixels of the bar above an image of that width, with text of that size."""
    return round(text * 1.5) * (3 if is_narrow(width, text) and not compact else 2)


def is_narrow(width: int, text: int) -> bool:
    """Whether a bar of that width needs three lines."""
    return widest_text(width) < text


def widest_text(width: int) -> int:
    """Size of the largest text with which a bar of that width needs two lines only."""
    return width // 56


def bar_rows(status: Status, observation: Observation, *, narrow: bool) -> list[Row]:
    """The bar's lines: always two, or three for a narrow image that is no part of a grid."""
    name = Segment(status.source or observation.frame.source, is_name=True)
    marks = _marks(status, observation.alerts)
    faces = count_segments(None if status.no_signal else _counts(observation))
    names = [name]
    if not status.no_signal and observation.people_counts is not None:
        names += _people([observation.people_counts], with_today=not (narrow and status.compact))
    if status.clock:
        return _evidence_rows(status, names, marks, faces, narrow=narrow)
    device = Segment(status.device, DIM)
    speed = (
        _progress(status) if status.is_file else _speed(status, short=narrow and not status.compact)
    )
    if status.compact:
        return [Row(names, marks), Row(faces, speed[-1:] if narrow else speed)]
    if narrow:
        return [Row(names, marks), Row(faces), Row([device], speed)]
    return [Row([*names, device], marks), Row(faces, speed)]


def total_row(
    sources: int, counts: Mapping[str, int], people: Sequence[PeopleCounts], device: str
) -> Row:
    """The line above a grid: what all its sources show together.

    Args:
        sources: how many.
        counts: faces by state.
        people: of each source that follows people.
        device: what the detector computes on.
    """
    title = Segment(f"all {sources} sources", DIM)
    right = [Segment(device, DIM), *_people(people)]  # the device goes first where room is short
    return Row([title, *count_segments(counts)], right)


def count_segments(counts: Mapping[str, int] | None) -> list[Segment]:
    """Faces per state; None, where nothing is seen at the moment, is a dash."""
    if counts is None:
        return [Segment(f"{s.title} –", DIM, s) for s in MaskState]
    return [Segment(f"{s.title} {counts.get(s.name, 0)}", BRIGHT, s) for s in MaskState]


def _people(counts: Sequence[PeopleCounts], *, with_today: bool = True) -> list[Segment]:
    """People in the images and since midnight; nothing where nobody is followed."""
    if not counts:
        return []
    now, today = (
        sum(sum(by_state.values()) for by_state in part)
        for part in ([one.now for one in counts], [one.day for one in counts])
    )
    if not with_today:
        return [Segment(f"people {now}", DIM, short=f"people {now}")]
    margin = sum_of_margins(one.margin_today for one in counts)
    text = f"people {now}, today {today}" + (f" ± {margin}" if margin else "")
    return [Segment(text, DIM, short=f"people {now}")]


def _counts(observation: Observation) -> Mapping[str, int]:
    return observation.counts or observation.detections.counts()


def _evidence_rows(
    status: Status,
    names: list[Segment],
    marks: list[Segment],
    faces: list[Segment],
    *,
    narrow: bool,
) -> list[Row]:
    clock, progress = Segment(status.clock), _progress(status)
    if narrow:
        return [Row(names, marks), Row(faces, progress), Row([clock])]
    return [Row(names, [*marks, clock]), Row(faces, progress)]


def _progress(status: Status) -> list[Segment]:
    fps = status.detect_fps
    rate = [Segment(f"detect {fps:.1f} fps", DIM)] if fps and status.share is not None else []
    return [*rate, Segment(status.progress)] if status.progress else rate


def _marks(status: Status, alerts: Sequence[str]) -> list[Segment]:
    flags = (
        (status.no_signal, "▲ NO SIGNAL", "", AMBER),
        (status.paused, "‖ PAUSED", "‖", AMBER),
        (status.blurred, "■ BLUR", "■", BRIGHT),
        (status.not_recording, "▲ NOT RECORDING", "▲ NO REC", AMBER),
        (status.recording, "● REC", "●", RED),
    )
    marks = [Segment(text, color, short=short) for is_on, text, short, color in flags if is_on]
    return [Segment(f"▲ {alert}", AMBER, is_alarm=True) for alert in alerts] + marks


def _speed(status: Status, *, short: bool) -> list[Segment]:
    """Rates and age; short enough to leave room for the device on an image of 320 pixels."""
    digits = 0 if short else 1
    camera, detect = (
        "–" if fps is None or status.no_signal else f"{fps:.{digits}f}"
        for fps in (status.capture_fps, status.detect_fps)
    )
    age = _age(status.age_ms)
    texts = (
        (f"camera {camera}", f"detect {detect} fps", age)
        if short
        else (f"camera {camera} fps", f"detect {detect} fps", f"age {age}")
    )
    return [Segment(text, DIM) for text in texts]


def _age(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "–"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else duration(milliseconds / 1000)


def duration(seconds: float) -> str:
    """A length of time as people say it: ``2.5 s``, ``3 min 20 s``, ``5 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
