"""Settings: file, overrides, and all mistakes at once, each with its place and the right key."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from maskdet.config import (
    MAX_BYTES,
    Override,
    Settings,
    load_settings,
    parse_override,
    read_yaml,
    write_yaml,
)
from maskdet.errors import ConfigError
from maskdet.live.settings.monitor import MonitorSettings


class Camera(Settings):
    url: str
    transport: Literal["tcp", "udp"] = "tcp"


class Drawing(Settings):
    scores: bool = True
    width: int = Field(2, ge=1, le=20)


class Sample(Settings):
    cameras: list[Camera] = []
    drawing: Drawing = Drawing()
    min_score: float | None = Field(None, ge=0, le=1)
    names: dict[str, str] = {}
    output: Path | None = None
    side: Literal["auto"] | Annotated[int, Field(gt=0)] | None = "auto"


GOOD = """\
# a comment
cameras:
  - {url: "rtsp://cam/1", transport: udp}
  - url: http://cam/2
drawing:
  scores: off
min_score: 5e-1
names: {no: without_mask, 3: three}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(GOOD)
    return path


def mistakes_of(path: Path | None, *overrides: str | Override) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_settings(Sample, path, overrides)
    return str(error.value).splitlines()


def test_file_overrides_and_defaults_in_this_order(file: Path):
    settings = load_settings(Sample, file, ["drawing.width=7", "cameras.1.transport=udp"])
    assert [(c.url, c.transport) for c in settings.cameras] == [
        ("rtsp://cam/1", "udp"),
        ("http://cam/2", "udp"),
    ]
    assert settings.drawing == Drawing(scores=False, width=7)
    assert settings.min_score == 0.5
    assert settings.names == {"no": "without_mask", "3": "three"}  # keys stay as they are written
    assert settings.output is None
    assert load_settings(Sample) == Sample()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("-12", -12),
        (".5", 0.5),
        ("true", True),
        ("no", "no"),
        ("12:30", "12:30"),
        ("2024-01-02", "2024-01-02"),
        ("0644", 644),
        ("'12'", "12"),
        ("~", None),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("9" * 5000, "9" * 5000),  # more digits than Python would take for a number
    ],
)
def test_plain_values_are_those_of_yaml_1_2(tmp_path: Path, written: str, value: object):
    path = tmp_path / "x.yaml"
    path.write_text(f"key: {written}\n")
    assert read_yaml(path) == {"key": value}


def test_what_is_written_is_read_back(tmp_path: Path):
    data = {"b": [1, 2.5, None, True], "a": {"text": "no", "wide": "人脸 'x': #y"}, "empty": {}}
    path = tmp_path / "x.yaml"
    path.write_text(write_yaml(data), encoding="utf-8")
    assert read_yaml(path) == data
    assert list(read_yaml(path)) == ["b", "a", "empty"]


def test_all_mistakes_are_reported_together_with_place_and_right_key(file: Path):
    file.write_text(
        "cameras:\n"
        "  - {url: 5, transprt: udp}\n"
        "drawing:\n"
        "  scroes: true\n"
        "  width: wide\n"
        "transport: tcp\n"
    )
    lines = mistakes_of(file, "drawing.width.x=1", "min_score=2", "zzz=1", "oops")
    reported = {
        f"{file}:2": [
            "'cameras.0.url': expected text, not 5",
            "did you mean 'cameras.0.transport'",
        ],
        f"{file}:4": ["unknown key 'drawing.scroes'; did you mean 'drawing.scores'?"],
        f"{file}:5": ["'drawing.width': expected a whole number, not 'wide'"],
        f"{file}:6": ["unknown key 'transport'; did you mean 'cameras.*.transport'?"],
        "--set drawing.width.x=1": ["'drawing.width' has no 'x'"],
        "--set min_score=2": ["'min_score': must be less than or equal to 1, not 2"],
        "--set zzz=1": ["unknown key 'zzz'; known here: cameras, drawing, min_score"],
        "--set oops": ["expected key=value"],
    }
    for place, texts in reported.items():
        for text in texts:
            assert any(line.startswith(place + ": ") and text in line for line in lines), text
    assert len(lines) == sum(map(len, reported.values()))


def test_a_dotted_key_is_to_be_a_group(file: Path):
    file.write_text("drawing.width: 5\n")
    assert mistakes_of(file) == [
        f"{file}:1: unknown key 'drawing.width'; write it as a group: drawing: {{width: …}}"
    ]


@pytest.mark.parametrize(
    ("override", "reported"),
    [
        ("drawing=5", "'drawing': expected a group of settings (key: value), not 5; its keys: "),
        ("cameras={url: a}", "'cameras': expected a list, not a group of settings"),
        ("drawing=", "'drawing': has no value; write one, or leave the key out"),
        ("cameras=", "'cameras': has no value; write one, or leave the key out"),
        ("MIN_SCORE=1", "unknown key 'MIN_SCORE'; did you mean 'min_score'?"),
        ("cameras=[{}]", "'cameras.0.url' is missing"),
        ("cameras.0.url=a", "'cameras': expected a list"),  # there is no such camera to change
        ("drawing.scores=maybe", "'drawing.scores': expected true or false, not 'maybe'"),
        ("cameras=[{url: a, transport: carrier}]", "must be 'tcp' or 'udp', not 'carrier'"),
        ("side=wide", "'side': must be 'auto' or a whole number, not 'wide'"),
        ("side=-5", "'side': must be 'auto' or greater than 0, not -5"),
        ("min_score=@home", "'min_score': expected a number, not '@home'"),  # no YAML: plain text
        ("=5", "expected key=value"),
        ("a..b=5", "expected key=value"),
    ],
)
def test_a_wrong_override_is_named_as_it_was_typed(override: str, reported: str):
    (line,) = mistakes_of(None, override)
    assert line.startswith(f"--set {override}: ") and reported in line


@pytest.mark.parametrize(
    ("written", "value"),
    [("", None), ("-", "-"), ("a: b", "a: b"), ("@x", "@x"), ("[1, a]", [1, "a"]), ("a=b", "a=b")],
)
def test_what_is_no_yaml_in_an_override_is_plain_text(written: str, value: object):
    assert parse_override(f"key={written}").value == value


def test_an_option_replaces_the_file_and_is_named_in_its_mistake(file: Path):
    option = Override("--min-score", ("min_score",), 0.9)
    assert load_settings(Sample, file, [option]).min_score == 0.9
    (line,) = mistakes_of(file, Override("--min-score", ("min_score",), 7))
    assert line.startswith("--min-score: 'min_score'")


def test_passwords_stay_out_of_messages(file: Path):
    secret = "rtsp://admin:hunter2-" + "x" * 80 + "@cam/1"
    file.write_text(f"min_score: {secret}\ncameras: [{secret}]\n")
    text = "\n".join(mistakes_of(file, f"drawing.width={secret}", f"nothing={secret}"))
    assert "hunter2" not in text and "admin:***@cam" in text


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"a: &x [1]\nb: *x\n", ":1: not valid YAML: aliases"),
        (b"a: &x {b: *x}\n", ":1: not valid YAML: aliases"),  # contains itself
        (b"a: !!python/object/apply:os.system ['true']\n", ":1: not valid YAML: tags"),
        (b"a: 1\nb: 2\na: 3\n", ":3: not valid YAML: key 'a' is there twice"),
        (b"? [1, 2]\n: 3\n", ":1: not valid YAML: a key must be text"),
        (b"a:\n\tb: 3\n", ":2: not valid YAML: a tab; indent with spaces"),
        (b"a: 1\nb: gr\xfcn\n", ":2: not a text file in UTF-8; save it as UTF-8"),
        (b"a: [1, 2\nb: 3\n", ":2: not valid YAML: "),
        (b"a: 1\n---\nb: 2\n", ":2: not valid YAML: a second document (---)"),
        (b'a: "C:\\Users\\x"\n', ":1: not valid YAML: between double quotes \\ begins an escape"),
        (b'a: "C:\\door"\n', ":1: not valid YAML: between double quotes \\ begins an escape"),
        (b"[detect]\nfps = 5\n", "a group is written as 'name:', its keys indented below"),
        ("a:\xa0[b]\n".encode(), "a non-breaking space (U+00A0)"),
        (b"- 1\n- 2\n", ": expected 'key: value' lines, found a list"),
        (b"just words\n", ": expected 'key: value' lines, found text"),
        (b"[" * 20_000, ":1: not valid YAML: exceeded maximum nesting depth"),
        (b"a: 1\x00\x07\n", ": not a text file"),
        (bytes(range(128, 256)), ":1: not a text file in UTF-8; save it as UTF-8"),
        (b"a: " + b"x" * MAX_BYTES, ": larger than 256 KiB"),
    ],
)
def test_a_hostile_file_gets_one_clear_line(tmp_path: Path, content: bytes, reported: str):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    (line,) = mistakes_of(path)
    assert line.startswith(str(path)) and reported in line


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_file_as_windows_programs_encode_it(tmp_path: Path, encoding: str):
    text = "# größe\r\nnames: {a: über}\r\n"
    file = tmp_path / "x.yaml"
    file.write_bytes((text if encoding != "utf-16-le" else "\ufeff" + text).encode(encoding))
    assert load_settings(Sample, file).names == {"a": "über"}


def test_a_bomb_of_aliases_costs_nothing(tmp_path: Path):
    path = tmp_path / "x.yaml"
    rows = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 64)]
    path.write_text("\n".join(rows))
    assert "aliases" in mistakes_of(path)[0]


def test_a_missing_file_is_answered_with_the_one_that_was_probably_meant(tmp_path: Path):
    (tmp_path / "door.yaml").touch()
    assert mistakes_of(tmp_path / "dor.yaml")[0].endswith(
        f"; did you mean {tmp_path / 'door.yaml'}?"
    )
    shipped = mistakes_of(tmp_path / "retinanet_light.yaml")[0]
    assert shipped.endswith("; did you mean configs/retinanet_light.yaml?")
    assert "did you mean" not in mistakes_of(tmp_path / "zzz" / "q.yaml")[0]


def test_a_missing_file_a_folder_and_an_empty_file(tmp_path: Path):
    assert "cannot be read: No such file" in mistakes_of(tmp_path / "none.yaml")[0]
    assert "cannot be read" in mistakes_of(tmp_path)[0]
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert load_settings(Sample, tmp_path / "empty.yaml") == Sample()


def test_an_old_name_is_read_with_a_line_that_names_the_new_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "a.yaml"
    file.write_text("sources:\n  - demo\n  - source: rtsp://cam/1\n    insist: true\n")
    settings = load_settings(MonitorSettings, file, ["sources.0={source: demo, insist: false}"])
    assert [one.retry_first_connection for one in settings.sources] == [False, True]
    first, second = capsys.readouterr().err.splitlines()
    assert "'insist' is called 'retry_first_connection' now" in first and "--set" in first
    assert second.startswith(f"{file}:4: ")
    notes: list[str] = []
    load_settings(MonitorSettings, file, notes=notes)
    assert len(notes) == 1 and capsys.readouterr().err == ""


def test_both_names_of_a_key_are_one_too_many():
    with pytest.raises(
        ConfigError, match="unknown key 'sources.0.insist'; .*retry_first_connection"
    ):
        load_settings(
            MonitorSettings,
            None,
            ["sources=[{source: demo, insist: true, retry_first_connection: true}]"],
        )


@pytest.mark.parametrize(
    ("setting", "reported"),
    [
        ("sources=[{source: demo, read_timeout: 1e400}]", "must be a finite number"),
        ("sources=[{source: demo, open_timeout: 9999999}]", "less than or equal to 86400"),
        ("max_seconds=inf", "must be a finite number"),
        ("people.memory_seconds=1e999", "must be a finite number"),
        (
            "alarms.channels=[{kind: command, name: a, command: [b], timeout_seconds: 1e400}]",
            "must be a finite number",
        ),
    ],
)
def test_a_time_that_no_system_can_wait_is_refused(setting: str, reported: str):
    with pytest.raises(ConfigError, match=reported) as caught:
        load_settings(MonitorSettings, None, [setting])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "reported"),
    [
        ("nats.subject=a.*.b", "expected words of letters, digits, - and _ with dots between them"),
        ("alarms.channels=[{kind: web_hook, name: a, url: 'ftp://a/b'}]", "begins with http://"),
        ("alarms.channels=[{kind: web_hook, name: a/b, url: 'http://a/b'}]", "a name without /"),
        ("sources=[{source: demo, ffmpeg: {a: 'b;c'}}]", "a value without ; and |, not 'b;c'"),
    ],
)
def test_a_text_of_another_form_is_refused_in_words(setting: str, reported: str):
    with pytest.raises(ConfigError) as caught:
        load_settings(MonitorSettings, None, [setting])
    assert reported in str(caught.value) and "pattern" not in str(caught.value)


def test_a_group_with_the_name_of_a_kind_of_channel_is_named_with_its_line(tmp_path: Path):
    file = tmp_path / "monitor.yaml"
    file.write_text(
        "\nnats:\n  max_waiting: abc\n  servers: x\nmqtt: {host: a}\nalarms: {mqtt: 1}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(MonitorSettings, file)
    lines = str(caught.value)
    for wanted in (
        f"{file}:3: 'nats.max_waiting': expected a whole number, not 'abc'",
        f"{file}:4: unknown key 'nats.servers'; did you mean 'nats.server'?",
        f"{file}:5: unknown key 'mqtt'; known here: sources,",
        f"{file}:6: unknown key 'alarms.mqtt'; known here: rules, channels,",
    ):
        assert wanted in lines


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("''", "must not be empty"),
        ("MJ", "must have at least 4 characters, not 'MJ'"),
        ("MJPEG", "must have at most 4 characters, not 'MJPEG'"),
    ],
)
def test_a_text_of_another_length_is_named_for_that(
    tmp_path: Path, written: str, wrong: str
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(f"sources:\n  - source: 0\n    format: {written}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(MonitorSettings, file)
    assert str(caught.value) == f"{file}:3: 'sources.0.format': {wrong}"
