"""One reading of an address for all who use it: what is opened, asked and shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.errors import SourceError
from maskdet.live.cameras.building import names_of
from maskdet.live.settings.sources import SourceSettings
from maskdet.sources.address import parse, shown_name
from maskdet.sources.opening import kind_of, open_source, path_of
from maskdet.system.redaction import mask_address, mask_password


@pytest.mark.parametrize(
    ("typed", "user", "password", "place", "rest"),
    [
        ("rtsp://cam/1", None, None, "cam", "/1"),
        ("RTSP://Cam:554", None, None, "Cam:554", ""),
        ("rtsp://ann@cam/1", "ann", None, "cam", "/1"),
        ("rtsp://ann:geheim@10.0.0.4:554/1", "ann", "geheim", "10.0.0.4:554", "/1"),
        ("rtsp://ann:p%40s%2Fs@cam/1", "ann", "p@s/s", "cam", "/1"),  # escaped, as one should
        ("rtsp://ann:p[1]@cam/1", "ann", "p[1]", "cam", "/1"),
        ("rtsp://ann:p@ss:w@cam/1", "ann", "p@ss:w", "cam", "/1"),
        ("rtsp://ann:a/b@10.0.0.4/1", "ann", "a/b", "10.0.0.4", "/1"),
        ("rtsp://ann:12/34@10.0.0.4/1", "ann", "12/34", "10.0.0.4", "/1"),  # as if 12 were a port
        ("rtsp://ann:#1?x@10.0.0.4:554/1", "ann", "#1?x", "10.0.0.4:554", "/1"),
        ("rtsp://ann:p@ss/1@10.0.0.4/1", "ann", "p@ss/1", "10.0.0.4", "/1"),
        ("rtsp://ann:50% off@cam/1", "ann", "50% off", "cam", "/1"),
        ("rtsp://me@mail.org:geheim@cam/1", "me@mail.org", "geheim", "cam", "/1"),
        ("rtsp://:geheim@cam/1", "", "geheim", "cam", "/1"),
        ("rtsp://ann:@cam/1", "ann", "", "cam", "/1"),
        ("rtsp://ann:Größe 口罩@cam/1", "ann", "Größe 口罩", "cam", "/1"),
        ("rtsp://ann:x@[fe80::1]:554/1", "ann", "x", "[fe80::1]:554", "/1"),
        ("http://10.0.0.4:80/a@b", None, None, "10.0.0.4:80", "/a@b"),
        ("http://cam:80/photo@2x.jpg", None, None, "cam:80", "/photo@2x.jpg"),
        ("http://ann:x@cam/v?mail=a@b.org", "ann", "x", "cam", "/v?mail=a@b.org"),
        (
            "http://hub:1984/api?src=rtsp://u:p@10.0.0.4/1",
            *(None, None, "hub:1984", "/api?src=rtsp://u:p@10.0.0.4/1"),
        ),
        ("udp://@:5000", None, None, ":5000", ""),
        ("udp://@239.1.1.1:5000?fifo_size=1", None, None, "239.1.1.1:5000", "?fifo_size=1"),
    ],
)
def test_how_an_address_is_read(
    typed: str, user: str | None, password: str | None, place: str, rest: str
) -> None:
    address = parse(typed)
    assert (address.user, address.password, address.place, address.rest) == (
        *(user, password, place, rest),
    )
    assert parse(address.url) == address and address.url[:3].islower()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("rtsp://:554/1", "names no host"),
        ("rtsp://ann:geheim@/1", "names no host"),
        ("http://", "names no host"),
        ("rtsp://cam:99999/1", "cannot be read"),
        ("rtsp://[::1/1", "cannot be read"),
        ("rtsp://ann:geheim@cam:x/1", "cannot be read"),
        ("10.0.0.4/1", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_reported_without_it(typed: str, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        parse(typed)
    assert "geheim" not in str(caught.value) and mask_password(str(caught.value)) == str(
        caught.value
    )


# No host of its own in it ("@10.0.0.4/"): such a password has to be escaped.
_TYPED = st.text(st.sampled_from("@:/#?%[] \\\"'<>|;&=aZ9äж口"), min_size=1)


@given(_TYPED, st.sampled_from(["127.0.0.1:8554", "[::1]", "cam.example.org:554", "localhost"]))
def test_a_password_typed_as_it_is_is_read_as_meant(password: str, place: str) -> None:
    typed = f"rtsp://ann:{password}@{place}/live?channel=1"
    address = parse(typed)
    if "%" not in password:  # %41 means A, everywhere
        assert address.password == password
    assert (address.user, address.place) == ("ann", place)
    assert address.rest == "/live?channel=1"
    assert parse(address.url) == address  # the next reader reads the same
    if len(password) > 3:  # less may well be a part of something else
        assert password not in mask_address(typed)
        assert password not in mask_password(f"stream {mask_address(typed)}: write %40 for @, a@b")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=20))
def test_an_escaped_login_comes_back_as_it_was(password: str, user: str) -> None:
    from urllib.parse import quote

    if not user.isprintable() or not user:
        return
    address = parse(f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@cam/1")
    assert (address.user, address.password) == (user, password)
    assert parse(address.url) == address


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for typed in (text, f"rtsp://{text}", f"http://cam/{text}"):
        try:
            address = parse(typed)
        except SourceError:
            continue
        assert parse(address.url).url == address.url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "stream rtsp://admin:***@10.0.0.4/1: in a password write %40 for @, %3A for :",
            "stream rtsp://admin:***@10.0.0.4/1: in a password write %40 for @, %3A for :",
        ),
        (
            "rtsp://cam/1: write rtsp://<user>:<password>@cam/1",
            "rtsp://cam/1: write rtsp://<user>:<password>@cam/1",
        ),
        ("rtsp://u:***@h/1 as me:s3@h2", "rtsp://u:***@h/1 as me:***@h2"),
        ("srt://h:9?passphrase=secret12&mode=caller", "srt://h:9?passphrase=***&mode=caller"),
        ("http://h/i?loginuse=a&loginpas=b", "http://h/i?loginuse=a&loginpas=***"),
        ("http://h/v?authbasic=YTpi&n=1", "http://h/v?authbasic=***&n=1"),
    ],
)
def test_a_message_keeps_what_is_no_password(text: str, shown: str) -> None:
    assert mask_password(text) == shown


@pytest.mark.parametrize("text", ["admin:geheim@10.0.0.4/1", "admin:a@geheim@10.0.0.4", "door.mp4"])
def test_what_lacks_its_scheme_is_masked_too(text: str) -> None:
    assert "geheim" not in mask_address(text) and mask_address(text) == mask_password(text)


def test_a_name_is_text_whatever_the_path_is():
    path = os.fsdecode(b"/rec/caf\xe9.mp4")
    assert shown_name(path) == "/rec/caf?.mp4" and shown_name(path, "door") == "door"
    assert shown_name("two\nlines\x1b[2J.mp4") == "two?lines?[2J.mp4"
    assert shown_name("rtsp://admin:secret@10.0.0.4/1") == "rtsp://admin:***@10.0.0.4/1"
    sources = [SourceSettings(source=path), SourceSettings(source=path.replace("\udce9", "\udce8"))]
    assert names_of(sources) == ["/rec/caf?.mp4", "/rec/caf?.mp4 (2)"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("192.168.1.5", "an address begins with its protocol: rtsp:// or http://"),
        ("admin:secret@10.0.0.4:554/1", "an address begins with its protocol"),
        ("camera.local:554/1", "an address begins with its protocol"),
        ("rtsp:/10.0.0.4/1", "an address begins with rtsp:// (a colon and two strokes)"),
        ("HTTP//10.0.0.4/1", "an address begins with http://"),
        ("rtsp:10.0.0.4", "an address begins with rtsp://"),
        ("rtps://u:secret@10.0.0.4/1", "did you mean rtsp://?"),
        ("rstp://10.0.0.4/1", "did you mean rtsp://?"),
        ("htp://10.0.0.4/1", "did you mean http://?"),
        ("ftp://10.0.0.4/1", "give a webcam's number"),
        ("Demo", "did you mean demo?"),
        ("demos", "did you mean demo?"),
        ("video1", "a webcam is named by its number: 1"),
        ("webcam", "a webcam is named by its number: 0"),
        ("0,1", "of several sources, each has a --source of its own"),
        ("{folder}/door.mp4,0", "each has a --source of its own"),
        ("'door.mp4'", "leave out the quotes"),
        ("{folder}/dor.mp4", "did you mean '{folder}/door.mp4'?"),
        ("{folder}/door", "did you mean '{folder}/door.mp4'?"),
        ("{folder}/door.mp4/", "'{folder}/door.mp4' is a file: leave out"),
        ("file:{folder}/x/a.mp4", "there is no folder '{folder}/x'"),
        ("{folder}/usb/2026/a.mp4", "there is no folder '{folder}/usb'"),
        ("usb/2026/a.mp4", "there is no folder 'usb'"),
        ("something else", "give a webcam's number, an rtsp:// or http:// address"),
        ("{folder}/" + "n" * 5000, "give a webcam's number"),
        ("a\0b", "give a webcam's number"),
    ],
)
def test_what_a_source_was_probably_meant_to_be_is_named(spec: str, words: str, tmp_path: Path):
    (tmp_path / "door.mp4").touch()
    with pytest.raises(SourceError) as refused:
        kind_of(path_of(spec.format(folder=tmp_path)))
    assert words.format(folder=tmp_path) in str(refused.value)
    assert "secret" not in mask_password(str(refused.value)) and "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["udp://", "udp://@239.1.1.1", "tcp://10.0.0.4", "srt://10.0.0.4"])
def test_an_address_without_a_port_is_refused_before_it_is_waited_for(url: str):
    with pytest.raises(SourceError, match="the address names no port; write it as"):
        open_source(url, wait=False)
