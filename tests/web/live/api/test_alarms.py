"""The alarms of a run, as the live page shows and answers it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from fastapi import HTTPException

from maskdet.live.alarms.desk import AlarmDesk
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.rules import AlarmRules
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.store.alarm_store import AlarmStore
from maskdet.web.live.api.alarms_api import THUMBNAIL_WIDTH, _smaller
from tests.live.alarms.test_desk import show
from tests.people.alarms.scripts import somebody
from tests.sinks.channels.servers import wait_until
from tests.web.live.pages import serving_live

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.zeros((720, 1280, 3), np.uint8))
    return path


@pytest.fixture
def desk(tmp_path: Path, picture: Path) -> Iterator[AlarmDesk]:
    desk = AlarmDesk(
        AlarmRules([AlarmRule("bare"), AlarmRule("other", zone="x")], run="one"),
        AlarmStore(tmp_path / "a.db", "one"),
        lambda done: Dispatcher({}, done),
        wants={},
        snapshot=lambda *_: str(picture),
    )
    desk.start()
    yield desk
    desk.close()


@pytest.fixture
def client(tmp_path: Path, desk: AlarmDesk) -> Iterator[httpx.Client]:
    with serving_live(tmp_path, alarms=desk) as page, page.client() as client:
        client.headers["X-CSRF-Token"] = client.get("/api/session").json()["csrf"]
        yield client


def test_alarms_are_listed_shown_and_acknowledged(
    client: httpx.Client, desk: AlarmDesk, picture: Path
):
    version = client.get("/api/state").json()["alarms_version"]
    show(desk, 0, somebody(1))
    wait_until(lambda: client.get("/api/alarms").json()["alarms"][0]["has_image"])
    state = client.get("/api/state").json()
    assert (state["alarms_open"], state["alarms_new"]) == (1, 1)
    assert state["alarms_version"] != version
    answer = client.get("/api/alarms").json()
    (alarm,) = answer["alarms"]
    assert (alarm["id"], alarm["rule"], alarm["camera"]) == ("one-1", "bare", "hall")
    assert alarm["cleared"] is None and answer["rules"] == ["bare", "other"]
    for query, width in (("", THUMBNAIL_WIDTH), ("?width=4096", 1280)):
        data = client.get(f"/api/alarms/one-1/image{query}").content
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (width * 9 // 16, width, 3)
    assert client.post("/api/alarms/one-1/acknowledge").status_code == 200
    assert client.post("/api/alarms/one-2/acknowledge").status_code == 404
    assert client.get("/api/alarms").json()["alarms"][0]["acknowledged"] is not None
    state = client.get("/api/state").json()
    assert (state["alarms_open"], state["alarms_new"]) == (1, 0)
    assert "maskdet_alarms_open 1.0" in client.get("/metrics").text
    for content in (b"no picture", b""):
        picture.write_bytes(content)
        assert client.get("/api/alarms/one-1/image").status_code == 404
    picture.unlink()
    assert client.get("/api/alarms/one-1/image").status_code == 404
    assert client.get("/api/alarms/one-1/clip").status_code == 404


def test_a_picture_deleted_between_check_and_read_is_not_found(tmp_path: Path):
    with pytest.raises(HTTPException) as caught:
        _smaller(tmp_path / "gone.jpg", 480)
    assert caught.value.status_code == 404


def test_what_is_snoozed_is_listed_and_reported(client: httpx.Client, desk: AlarmDesk):
    def snooze(minutes: float, **about: str) -> int:
        return client.post("/api/snooze", json={"minutes": minutes, **about}).status_code

    assert (snooze(5, rule="none"), snooze(5, rule="bare", camera="hall")) == (404, 200)
    as_json = {"Content-Type": "application/json"}
    refused = client.post("/api/snooze", content=b'{"rule": "\xff"}', headers=as_json)
    described = client.get("/openapi.json").json()["paths"]["/api/snooze"]["post"]["responses"]
    assert refused.status_code == 400 and "400" in described
    (snoozed,) = client.get("/api/alarms").json()["snoozed"]
    assert (snoozed["rule"], snoozed["camera"]) == ("bare", "hall")
    show(desk, 0, somebody(1))
    wait_until(lambda: client.get("/api/alarms").json()["alarms"])
    assert client.get("/api/alarms").json()["alarms"][0]["muted"] == "snoozed"
    assert snooze(0, rule="bare", camera="hall") == 200
    assert client.get("/api/alarms").json()["snoozed"] == []
