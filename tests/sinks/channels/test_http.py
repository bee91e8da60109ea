"""Web-hooks and relays over HTTP, against real servers."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from maskdet.sinks.channels.channel import ChannelError
from maskdet.sinks.channels.fields import check_template
from maskdet.sinks.channels.switch import HttpOutput, Switch
from maskdet.sinks.channels.web_hook import WebHook
from tests.sinks.channels.messages import message
from tests.sinks.channels.servers import hook_server, make_certificate

pytestmark = pytest.mark.timeout(60)


def test_a_web_hook_sends_all_fields_as_json():
    sent = message()
    with hook_server() as server:
        WebHook(server.url + "/in?token=1", headers={"X-Own": "yes"}).send(sent)
    (got,) = server.requests
    body = json.loads(got.body)
    assert (got.method, got.path) == ("POST", "/in?token=1")
    assert got.headers["content-type"] == "application/json" and got.headers["x-own"] == "yes"
    assert got.headers["x-maskdet-message"] == body["message_id"] == sent.message_id
    assert "x-maskdet-signature" not in got.headers
    expected = {"phase": "began", "rule": "no mask", "camera": 'hall "1"', "person": 7}
    assert body | expected == body and body["began"].endswith("Z")


def test_a_template_of_ones_own_stays_json_whatever_a_camera_is_called():
    template = '{"chat": "{{text}} at {{ camera }}", "n": {{people}}, "who": "{{states}}"}'
    check_template(template, as_json=True)
    with hook_server() as server:
        WebHook(server.url, template=template).send(message())
        plain = WebHook(server.url, template="{{camera}}: {{clip}}", content_type="text/plain")
        plain.send(message())
    first, second = (one.body.decode() for one in server.requests)
    assert json.loads(first) == {
        "chat": 'no mask: person 7 (began) at hall "1"',
        "n": 1,
        "who": "without_mask",
    }
    assert second == 'hall "1": '


@pytest.mark.parametrize("template", ["{{txt}}", '{"a": {{text}}}', "{{text", '{"a": '])
def test_a_wrong_template_is_refused(template: str):
    with pytest.raises(ValueError, match="unknown field|no JSON|no '}}'"):
        check_template(template, as_json=True)


def test_a_signature_covers_time_and_body():
    with hook_server() as server:
        WebHook(server.url, secret="top").send(message())
    (got,) = server.requests
    signed = got.headers["x-maskdet-timestamp"].encode() + b"." + got.body
    digest = hmac.new(b"top", signed, hashlib.sha256).hexdigest()
    assert got.headers["x-maskdet-signature"] == f"sha256={digest}"


def test_the_still_comes_first_and_the_clip_later(tmp_path: Path):
    still, clip = tmp_path / "a.jpg", tmp_path / "a.mp4"
    still.write_bytes(b"\xff\xd8still")
    clip.write_bytes(b"moving")
    with hook_server() as server:
        hook = WebHook(server.url, attach=True, secret="top")
        for phase in ("began", "updated", "clip"):
            hook.send(message(phase, snapshot=str(still), clip=str(clip)))
        clip.unlink()
        hook.send(message("clip", clip=str(clip)))  # deleted since: the message comes
    first, second, third, fourth = server.requests
    assert b'name="snapshot"; filename="a.jpg"' in first.body and b"\xff\xd8still" in first.body
    assert first.headers["content-type"].startswith("multipart/form-data")
    assert b'"phase": "began"' in first.body and b"moving" not in first.body
    assert second.headers["content-type"] == "application/json"
    assert b'name="clip"; filename="a.mp4"' in third.body and b"moving" in third.body
    assert json.loads(fourth.body)["clip"] == "a.mp4"


@pytest.mark.parametrize(("status", "word"), [(403, "403 Forbidden"), (302, "302"), (500, "500")])
def test_a_refused_web_hook_says_so_without_its_address(status: int, word: str):
    with hook_server() as server:
        server.statuses = [status]
        with pytest.raises(ChannelError, match=word) as caught:
            WebHook(server.url + "/secret-path?key=1").send(message())
    assert "secret-path" not in str(caught.value) and "key" not in str(caught.value)


def test_nobody_listens(refusing_port: int):
    with pytest.raises(ChannelError, match="Connection refused") as caught:
        WebHook(f"http://me:geheim@127.0.0.1:{refusing_port}/x").send(message())
    assert "geheim" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_server_that_hangs_is_left_after_the_time():
    with hook_server() as server:
        server.hang.set()
        with pytest.raises(ChannelError, match="no answer in time"):
            WebHook(server.url, timeout_s=0.2).send(message())


def test_a_certificate_that_has_expired_and_one_that_is_trusted(tmp_path: Path):
    for expired in (True, False):
        folder = tmp_path / str(expired)
        folder.mkdir()
        certificate = make_certificate(folder, expired=expired)
        with hook_server(certificate) as server:
            hook = WebHook(server.url, ca=str(certificate[0]))
            if expired:
                with pytest.raises(ChannelError, match="certificate has expired"):
                    hook.send(message())
            else:
                with pytest.raises(ChannelError, match="self-signed certificate"):
                    WebHook(server.url).send(message())
                hook.send(message())
                assert len(server.requests) == 1


def test_a_relay_is_on_while_any_alarm_is_open():
    with hook_server() as server:
        light = Switch(HttpOutput(server.url + "/on", server.url + "/off"), ["old-1"])
        for phase, number in (
            ("cleared", "old-1"),  # of the run before
            ("began", "a"),
            ("began", "b"),
            ("cleared", "a"),
            ("updated", "b"),
            ("cleared", "b"),
        ):
            light.send(message(phase, number))
        light.close()
    assert [one.path for one in server.requests] == [
        "/off", "/on", "/on", "/on", "/on", "/off"
    ]  # fmt: skip


def test_a_relay_that_fails_is_switched_at_the_next_attempt():
    with hook_server() as server:
        server.statuses = [500, 200]
        light = Switch(HttpOutput(server.url + "/on", ""))
        sent = message()
        with pytest.raises(ChannelError, match="500 .*; check address and rights$"):
            light.send(sent)  # a relay has no template
        light.send(sent)
        light.send(message("cleared"))  # no address for off
    assert [one.path for one in server.requests] == ["/on"]
