"""The newest of every camera, taken from the pipeline and given to those who ask for it.

A sink that never makes the pipeline wait: it keeps references, and everything that takes time is
done in the threads of those who watch.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from maskdet.detections import MaskState
from maskdet.observation import Observation, PeopleCounts, PersonEvent, sum_by_state
from maskdet.system.threads import Lock
from maskdet.web.live.feed import Draw, Feed, NewEncoder

_EVENTS = 500
"""Events of people that are kept for the page; the store keeps all."""


@dataclass
class Camera:
    """State of one camera.

    Attributes:
        name: the source's.
        feed: its picture, for those who watch.
        frames: processed so far.
        faces: found so far, by state.
        newest: the last observation.
    """

    name: str
    feed: Feed
    frames: int = 0
    faces: Counter[str] = field(default_factory=lambda: Counter({s.name: 0 for s in MaskState}))
    newest: Observation | None = None

    @property
    def people(self) -> PeopleCounts | None:
        """People by state, as of the last observation; None where nobody is followed."""
        return None if self.newest is None else self.newest.people_counts


class LiveHub:
    """A sink that holds every camera's newest observation.

    Attributes:
        cameras: in the order of the sources; empty before `begin`.
    """

    def __init__(self, new_draw: Callable[[], Draw], new_encoder: NewEncoder, fps: float) -> None:
        """Holds nothing yet.

        Args:
            new_draw: gives what draws observations; called once for each camera, whose thread
                alone uses it.
            new_encoder: opens an encoder of video.
            fps: pictures a second of each camera, at most.
        """
        self._new_draw = new_draw
        self._new_encoder = new_encoder
        self._fps = fps
        self.cameras: tuple[Camera, ...] = ()
        self._by_name: dict[str, Camera] = {}
        self._events: deque[tuple[int, str, PersonEvent]] = deque(maxlen=_EVENTS)
        self._number = 0
        self._lock = Lock()

    def begin(self, names: Sequence[str]) -> None:
        """Names the cameras; nothing was written before."""
        self.cameras = tuple(
            Camera(name, Feed(name, self._new_draw(), self._new_encoder, self._fps))
            for name in names
        )
        self._by_name = {camera.name: camera for camera in self.cameras}

    def write(self, observation: Observation) -> None:
        """Takes an observation, from the pipeline's thread."""
        camera = self._by_name.get(observation.frame.source)
        if camera is None:
            return
        camera.frames += 1
        camera.faces.update(observation.counts)
        camera.newest = observation
        camera.feed.offer(observation)
        if observation.events:
            with self._lock:
                for event in observation.events:
                    self._number += 1
                    self._events.append((self._number, camera.name, event))

    def events(self, after: int = 0, limit: int = 100) -> list[tuple[int, str, PersonEvent]]:
        """Number, camera and event of the newest events of people, the newest first."""
        with self._lock:
            newest = [one for one in reversed(self._events) if one[0] > after]
        return newest[:limit]

    def people(self) -> dict[str, Mapping[str, int]]:
        """People of all cameras by state: ``now`` and, since its local day began, ``today``."""
        counts = [camera.people for camera in self.cameras]
        known = [one for one in counts if one is not None]
        return {
            "now": sum_by_state(one.now for one in known),
            "today": sum_by_state(one.day for one in known),
        }

    @property
    def viewers(self) -> int:
        """Number of pictures that are watched at the moment."""
        return sum(camera.feed.viewers for camera in self.cameras)

    def close(self) -> None:
        """Ends the cameras' threads; may be called twice."""
        for camera in self.cameras:
            camera.feed.close()
