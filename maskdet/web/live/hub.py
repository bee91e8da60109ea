"""The newest of every camera, taken from the pipeline and given to those who ask for it.

A sink that never makes the pipeline wait: it keeps references, and everything that takes time is
done in the threads of those who watch.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
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
        newest: the last observation; None before the first, and while it is paused.
        counts: people by state, as of the last observation; None where nobody is followed.
    """

    name: str
    feed: Feed
    frames: int = 0
    faces: Counter[str] = field(default_factory=lambda: Counter({s.name: 0 for s in MaskState}))
    newest: Observation | None = None
    counts: PeopleCounts | None = None


class LiveHub:
    """A sink that holds every camera's newest observation.

    Attributes:
        cameras: by number, those of now; none before `begin`.
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
        self.cameras: dict[int, Camera] = {}
        self._by_name: dict[str, Camera] = {}
        self._events: deque[tuple[int, str, PersonEvent]] = deque(maxlen=_EVENTS)
        self._number = 0
        self._lock = Lock()

    def begin(self, names: Sequence[str]) -> None:
        """Names the cameras; nothing was written before."""
        for name in names:
            if name not in self._by_name:
                self.add(name)

    def add(self, name: str) -> None:
        """Takes a camera in; one of a name that was there before has its number and its counts."""
        number = list(self._by_name).index(name) if name in self._by_name else len(self._by_name)
        camera = Camera(name, Feed(name, self._new_draw(), self._new_encoder, self._fps))
        if (old := self._by_name.get(name)) is not None:
            camera.frames, camera.faces, camera.counts = old.frames, old.faces, old.counts
        self._by_name[name] = camera
        self.cameras = dict(sorted({**self.cameras, number: camera}.items()))

    def remove(self, name: str) -> None:
        """Ends a camera's picture; its counts of today stay."""
        self.cameras = {n: one for n, one in self.cameras.items() if one.name != name}
        self.clear(name)
        self._by_name[name].feed.close()

    def clear(self, name: str) -> None:
        """A camera gives no picture for a while: the last one is shown to nobody."""
        camera = self._by_name[name]
        camera.newest = None
        camera.feed.forget()

    def write(self, observation: Observation) -> None:
        """Takes an observation, from the pipeline's thread."""
        camera = self._by_name.get(observation.frame.source)
        if camera is None:
            return
        camera.counts = observation.people_counts
        camera.frames += not observation.is_end
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

    def people_today(self) -> dict[str, int]:
        """People of all cameras, removed ones too, since each one's local day began, by state."""
        counts = [camera.counts for camera in list(self._by_name.values())]
        return sum_by_state(one.day for one in counts if one is not None)

    @property
    def viewers(self) -> int:
        """Number of pictures that are watched at the moment."""
        return sum(camera.feed.viewers for camera in self.cameras.values())

    def close(self) -> None:
        """Ends the cameras' threads; may be called twice."""
        for camera in self.cameras.values():
            camera.feed.close()
