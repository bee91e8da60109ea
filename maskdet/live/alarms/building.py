"""The alarm desk of a run, built as the settings say."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import cv2

from maskdet.alarm import Alarm, AlarmPhase
from maskdet.contracts import Sink
from maskdet.drawing.blur import blur_observation
from maskdet.drawing.overlay import Overlay
from maskdet.errors import ConfigError, reason_of
from maskdet.live.alarms.channels import ChannelMaker, phases_of
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.live.alarms.tidying import CLIP_BEGINNING, clip_folder, new_tidying
from maskdet.live.alarms.watching import AlarmAnalysis
from maskdet.live.cameras.source_state import FrameAnalysis
from maskdet.live.messaging.uplink import new_alarm_channel
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.observation import Observation
from maskdet.people.alarms.rules import AlarmRules
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.channels.home_assistant import Sensor
from maskdet.sinks.output_files import write_new
from maskdet.sinks.retry_state import RetryState
from maskdet.sinks.store.alarm_store import AlarmStore, Delivery
from maskdet.sinks.store.event_store import EventStore
from maskdet.sinks.store.run_mark import RUN_LENGTH
from maskdet.system.folders import make_folder
from maskdet.system.secrets import Secrets

STORE_NAME = "alarms.db"
"""Beside the snapshots, where neither alarms nor people have a file of their own."""


def open_desk(
    settings: MonitorSettings,
    cameras: Sequence[str],
    outputs: Iterable[Sink],
    on_began: Callable[[Alarm], None] | None = None,
) -> AlarmDesk | None:
    """The desk, begun; None where there are no rules.

    Args:
        settings: of the monitor.
        cameras: names of the sources.
        outputs: of which the event store, if there is one, names the run.
        on_began: called with each new alarm that has a picture.
    """
    run = next((one.run for one in outputs if isinstance(one, EventStore)), "")
    desk = new_desk(settings, cameras, run=run, on_began=on_began)
    if desk is not None:
        desk.start()
    return desk


def with_alarms(
    settings: MonitorSettings, analyses: Sequence[FrameAnalysis | None], desk: AlarmDesk
) -> list[FrameAnalysis | None]:
    """The analyses of the sources with the rules behind them."""
    kinds = {rule.when for rule in settings.alarms.rules}
    sees_views = bool(kinds & {"camera_covered", "camera_moved"})
    return [AlarmAnalysis(one, desk, sees_views=sees_views) for one in analyses]


def new_desk(
    settings: MonitorSettings,
    cameras: Sequence[str],
    *,
    run: str = "",
    on_began: Callable[[Alarm], None] | None = None,
) -> AlarmDesk | None:
    """The desk; None where there are no rules.

    Args:
        settings: of the monitor.
        cameras: names of the sources.
        run: what names this run in the event store; empty: there is none.
        on_began: called with each new alarm that has a picture.

    Raises:
        ConfigError: a name, a secret or a package is not there.
        SinkError: alarms cannot be kept.
    """
    wanted = settings.alarms
    if not wanted.rules:
        return None
    check_places(settings, cameras)
    secrets = Secrets(wanted.secrets)
    run = run or uuid.uuid4().hex
    store = AlarmStore(store_path(settings), run, shared=True)
    try:
        return _desk_of(settings, secrets, cameras, store, run[:RUN_LENGTH], on_began)
    except BaseException:
        store.close()
        raise


def _desk_of(
    settings: MonitorSettings,
    secrets: Secrets,
    cameras: Sequence[str],
    store: AlarmStore,
    run: str,
    on_began: Callable[[Alarm], None] | None,
) -> AlarmDesk:
    """The desk with a store that is open."""
    wanted = settings.alarms
    rules = AlarmRules([one.rule() for one in wanted.rules], run=run)
    sensors = [
        Sensor(rule.name, camera)
        for rule in rules.rules
        for camera in ([""] if rule.kind == "disk_full" else filter(rule.is_about, cameras))
    ]
    were_open = [one for one in store.alarms(1000, only_open=True) if not one.muted]
    maker = ChannelMaker(secrets, partial(new_alarm_channel, settings.nats), sensors, were_open)
    channels = {one.name: maker.make(one) for one in wanted.channels}
    wants: dict[str, frozenset[AlarmPhase]] = {one.name: phases_of(one) for one in wanted.channels}

    def dispatcher(on_delivered: Callable[[Delivery], None]) -> Dispatcher:
        return Dispatcher(channels, on_delivered, mask=secrets.mask)

    snapshot = None
    if wanted.snapshots is not None:
        shown = settings.overlay
        overlay = Overlay(scores=shown.scores, track_ids=shown.track_ids)
        tidy = new_tidying(settings).tidy
        snapshot = _Pictures(clip_folder(settings), overlay, tidy, blur=settings.blur).save
    return AlarmDesk(rules, store, dispatcher, wants=wants, snapshot=snapshot, on_began=on_began)


def store_path(settings: MonitorSettings) -> Path:
    """The file of alarms and undelivered messages."""
    return settings.alarms.file or settings.store.file or settings.snapshots / STORE_NAME


def check_places(settings: MonitorSettings, cameras: Sequence[str]) -> None:
    """Refuses rules about zones, lines or cameras that are not there.

    Raises:
        ConfigError: there is such a rule; the line names what is there.
    """
    zones = [zone.name for zone in settings.zones]
    lines = [line.name for line in settings.lines]
    for rule in settings.alarms.rules:
        asked: list[tuple[str, str, Sequence[str]]] = [
            *((("zone", rule.zone, zones),) if rule.zone else ()),
            *((("line", rule.line, lines),) if rule.line else ()),
            *(("source", name, cameras) for name in rule.cameras),
        ]
        for kind, name, there in asked:
            if name not in there:
                known = f"there is {', '.join(there)}" if there else f"there are no {kind}s"
                raise ConfigError(f"alarm rule '{rule.name}': no {kind} is named '{name}'; {known}")
        if rule.when == "people" and not settings.people.enabled:
            raise ConfigError(
                f"alarm rule '{rule.name}' is about people, whom nobody follows: "
                "set people.enabled to true"
            )


class _Pictures:
    """Saves the pictures of alarms; a disk that is full costs a picture, never an alarm."""

    def __init__(
        self, folder: Path, overlay: Overlay, tidy: Callable[[], None], *, blur: bool
    ) -> None:
        self._folder, self._overlay = folder, overlay
        self._tidy, self._blur = tidy, blur
        self._retry = RetryState(f"saving pictures of alarms in {folder}")

    def save(self, observation: Observation, alarm: Alarm) -> str:
        seen = blur_observation(observation) if self._blur else observation
        _, data = cv2.imencode(".jpg", self._overlay.draw(seen))
        name = f"{CLIP_BEGINNING}{datetime.now():%Y%m%d-%H%M%S}-{alarm.alarm_id}.jpg"
        try:
            make_folder(self._folder, quiet=True)
            self._tidy()
            path = write_new(self._folder / name, data.tobytes())
        except OSError as error:
            self._retry.count_dropped()
            advice = "check disk space and rights; the message goes without it"
            self._retry.fail(reason_of(error), advice)
            return ""
        self._retry.record_success("picture")
        return str(path)
