"""No password is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.privacy import mask_password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:secret@10.0.0.5:554/1", "rtsp://user:***@10.0.0.5:554/1"),
        ("rtsp://user@10.0.0.5/1", "rtsp://user@10.0.0.5/1"),  # no password, nothing to hide
        ("rtsp://user@host:554/1", "rtsp://user@host:554/1"),  # a port is no password
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("rtsp://me@mail.org:secret@host/1", "rtsp://me@mail.org:***@host/1"),
        ("http://host:8080/a@b", "http://host:***@b"),  # could be a password: covered
        ("rtsp://u:p@ss@host/1", "rtsp://u:***@host/1"),  # an @ nobody escaped
        ("rtsp://u:pa/ss@host/1", "rtsp://u:***@host/1"),  # a / nobody escaped
        ("rtsp://u:12/34@host/1", "rtsp://u:***@host/1"),  # looks like a port first
        ("rtsp://u:#1?x@host/1", "rtsp://u:***@host/1"),
        ("rtsp://:secret@host/1", "rtsp://:***@host/1"),
        ("http://h/v?user=a&password=b&n=1", "http://h/v?user=a&password=***&n=1"),
        ("http://h/v?loginpass=b", "http://h/v?loginpass=***"),
        ("http://h/v?TOKEN=b#x", "http://h/v?TOKEN=***#x"),
        ("cannot open rtsp://u:p@h/1, sorry", "cannot open rtsp://u:***@h/1, sorry"),
        ("rtsp:/u:p@h/1: no such file", "rtsp:/u:***@h/1: no such file"),  # taken for a path
        ("C:/a:b@c", "C:/a:b@c"),  # a drive is no scheme
        ("clip.mp4", "clip.mp4"),
        ("", ""),
    ],
)
def test_mask_password(text: str, shown: str) -> None:
    assert mask_password(text) == shown


_PRINTED = st.characters(exclude_characters="'\"<>", exclude_categories=["Z", "C"])


@given(st.text(_PRINTED))
def test_no_password_survives(password: str) -> None:
    address = f"rtsp://user:{password}Xy7@camera/1"
    assert "Xy7" not in mask_password(address)
