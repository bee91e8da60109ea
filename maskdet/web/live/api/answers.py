"""The live API's answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from maskdet.web.live.access.accounts import Role

Counts = dict[str, int]
Signal = Literal["ok", "waiting", "no signal", "paused", "ended"]


class SessionAnswer(BaseModel):
    """Who asks.

    Attributes:
        user: the name; empty where nobody has to log in.
        role: what the user may do.
        csrf: to be repeated in the header X-CSRF-Token by what changes something.
        has_login: whether users log in here.
        version: of maskdet.
    """

    user: str
    role: Role
    csrf: str
    has_login: bool
    version: str


class Login(BaseModel):
    """Name and password."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class CameraAnswer(BaseModel):
    """A camera at this moment.

    Attributes:
        id: its number in addresses, from 0 on.
        name: of the source.
        signal: whether it gives frames: ``waiting`` before the first, ``paused`` by a user,
            ``ended`` of a file.
        reason: why there is no signal, as far as is known.
        silent_s: seconds since the last frame of a camera without signal.
        width: of its frames, pixels; 0 before the first.
        height: likewise.
        capture_fps: frames a second that it gives.
        detect_fps: frames a second that are processed.
        faces: in the last frame, by state.
        people: in the image now, by state; empty without images, null where nobody is followed.
        people_today: since its local day began, each counted once, by state; likewise.
        recording: whether it is recorded.
        recording_failed: whether it should be and is not: a full disk, a stream that is away.
        recorded_stream: where the camera's own video is recorded, whether that one comes: ``ok``,
            ``no signal``, or ``off`` while nobody wants it; null of other recordings.
        recorded_stream_reason: why it does not come, as far as is known.
        viewers: who watch its picture.
        can_pause: whether it can be paused and restarted: it is not a file.
    """

    id: int
    name: str
    signal: Signal
    reason: str = ""
    silent_s: float = 0.0
    width: int = 0
    height: int = 0
    capture_fps: float = 0.0
    detect_fps: float = 0.0
    faces: Counts
    people: Counts | None = None
    people_today: Counts | None = None
    recording: bool = False
    recording_failed: bool = False
    recorded_stream: Literal["ok", "no signal", "off"] | None = None
    recorded_stream_reason: str = ""
    viewers: int = 0
    can_pause: bool = False


class StateAnswer(BaseModel):
    """Everything that changes from second to second.

    Attributes:
        utc: the server's clock, Unix time.
        cameras: all of them.
        people: in all pictures now, by state.
        people_today: of all cameras, by state.
        alarms_open: alarms that go on.
        alarms_new: alarms, of the newest hundred, that nobody has acknowledged.
        alarms_version: changes whenever an alarm or a snooze does.
        can_report: whether there is a store to report from.
        has_alarms: whether alarms are set up.
        has_clips: whether there may be clips.
        notices: for operators: what they have to do, such as renew a certificate.
    """

    utc: float
    cameras: list[CameraAnswer]
    people: Counts
    people_today: Counts
    alarms_open: int = 0
    alarms_new: int = 0
    alarms_version: int = 0
    can_report: bool = False
    has_alarms: bool = False
    has_clips: bool = False
    notices: list[str] = []


class CameraRequest(BaseModel):
    """A camera to watch until the monitor ends; the settings file has those that stay.

    Attributes:
        source: a webcam's number or device file, or the address of a stream.
        name: what is shown; null: the address without its password.
        options: keys of a source in the settings file, such as ``read_timeout``.
    """

    source: Annotated[str, Field(min_length=1, max_length=2000)]
    name: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    options: dict[str, str | float | bool | None] = {}


class EventAnswer(BaseModel):
    """An event of one person.

    Attributes:
        number: counts events from 1 on.
        camera: name of the source.
        kind: appeared, state, entered, left, crossed, still, moved, gone.
        person: number of the person within the run of the camera.
        utc: Unix time.
        state: the person's state from then on.
        previous: the state before, of kind state.
        place: of a zone or line.
        direction: in or out, of a line.
        seconds: how long the person was seen, or in the zone.
        reason: of kind gone and left, left or unseen: whether the person was there when the source
            ended.
    """

    number: int
    camera: str
    kind: str
    person: int
    utc: float
    state: str
    previous: str | None = None
    place: str = ""
    direction: str = ""
    seconds: float = 0.0
    reason: str = ""


class AlarmAnswer(BaseModel):
    """An alarm.

    Attributes:
        id: names it.
        rule: that fired.
        kind: what the rule waits for.
        camera: name of the source; empty: of a disk.
        title: what is wrong, in one line.
        began: Unix time.
        cleared: Unix time of its end; null while it goes on.
        people: how many people it is about.
        place: name of a zone or line.
        repeats: how often it was cleared and began again.
        muted: why nothing was sent about it; empty: it was.
        acknowledged: Unix time at which somebody took note of it; null: nobody has.
        acknowledged_by: who that was.
        has_image: whether there is a picture of it.
        has_clip: whether there is a video of it.
    """

    id: str
    rule: str
    kind: str
    camera: str
    title: str
    began: float
    cleared: float | None = None
    people: int = 0
    place: str = ""
    repeats: int = 0
    muted: str = ""
    acknowledged: float | None = None
    acknowledged_by: str = ""
    has_image: bool = False
    has_clip: bool = False


class SnoozeAnswer(BaseModel):
    """A rule that is quiet for a while.

    Attributes:
        rule: its name; empty: all.
        camera: name of the source; empty: all.
        until: Unix time.
    """

    rule: str
    camera: str
    until: float


class AlarmsAnswer(BaseModel):
    """The newest alarms, the newest first, names of all rules, and what is snoozed."""

    alarms: list[AlarmAnswer]
    rules: list[str]
    snoozed: list[SnoozeAnswer]


class SnoozeRequest(BaseModel):
    """A request to snooze: what, and for how long.

    Attributes:
        rule: its name; empty: all.
        camera: name of the source; empty: all.
        minutes: from now on; 0 ends the snooze.
    """

    rule: Annotated[str, Field(max_length=200)] = ""
    camera: Annotated[str, Field(max_length=1000)] = ""
    minutes: Annotated[float, Field(ge=0, le=7 * 24 * 60, strict=True)]


class ClipAnswer(BaseModel):
    """A video that can be played.

    Attributes:
        name: its file's name, which is its address.
        utc: Unix time of its last change.
        bytes: its size.
    """

    name: str
    utc: float
    bytes: int


class Done(BaseModel):
    """It is done."""

    done: Literal[True] = True


class Health(BaseModel):
    """Whether the page is served."""

    status: Literal["ok"] = "ok"
