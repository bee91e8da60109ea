"""The monitor's command: options, exit status, outputs, whatever ends the run."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from maskdet.commands.monitor import main
from maskdet.config import load_settings
from maskdet.detections import Detections
from maskdet.errors import MaskdetError, ModelError, SourceError
from maskdet.live import session
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.sources import SourceSettings
from maskdet.live.shutdown import Stop
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.sources.files import video_file
from tests.doubles import ScriptedDetector, SyntheticSource

ROOT = Path(__file__).resolve().parents[2]
MakeVideo = Callable[..., Path]
StartMonitor = Callable[..., Any]


def one_face(image: np.ndarray) -> Detections:
    return Detections(np.array([[10, 10, 40, 40]]), np.array([0.9]), np.array([1]))


def monitor(*overrides: str, detector: ScriptedDetector | None = None) -> int:
    settings = load_settings(MonitorSettings, None, ["headless=true", *overrides])
    stop = Stop(settings.max_seconds)
    return session.run(settings, stop, detector or ScriptedDetector(one_face))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def wait_for(path: Path, lines: int = 1) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_text().count("\n") < lines:
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.02)


def frames_in(video: Path) -> int:
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["--nope"], ["No such option: --nope"]),
        (["--source", ""], ["--source: 'sources.0.source': must not be empty"]),
        (["--source"], ["Option '--source' requires an argument"]),
        (["--device", "tpu"], ["--device: 'device': must be 'auto', 'cpu' or 'gpu', not 'tpu'"]),
        (["--max-frames", "0"], ["--max-frames: 'max_frames': must be greater than 0"]),
        (["--config", "/no/such.yaml"], ["/no/such.yaml: cannot be read: No such file"]),
        (  # all at once
            ["--min-score", "2", "--max-seconds", "long", "--set", "overlay.scroes=1"],
            [
                "--min-score: 'min_score': must be less than or equal to 1",
                "--max-seconds: 'max_seconds': expected a number, not 'long'",
                "unknown key 'overlay.scroes'; did you mean 'overlay.scores'?",
            ],
        ),
    ],
)
def test_wrong_use_is_a_line_each_and_status_2(
    arguments: list[str], reported: list[str], capsys: pytest.CaptureFixture[str]
):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == "" and len(lines) == len(reported)
    assert all(line.startswith("monitor.py: ") for line in lines)
    for text in reported:
        assert any(text in line for line in lines), text


def test_help_names_every_option_of_the_contract(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    options = "source model labels config set device headless record events max-seconds max-frames"
    for option in (options + " summary min-score").split():
        assert f"--{option} " in text


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_ends_with_what_most_want_in_the_width_of_a_terminal(
    word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([word]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Usage: monitor.py [OPTIONS] [SOURCE]..."
    assert max(map(len, lines)) <= 80
    assert any("rtsp://" in line for line in lines[-8:])


def test_options_reach_the_settings_and_go_before_file_and_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "m.yaml"
    file.write_text("sources: [{source: demo}]\nmin_score: 0.1\nmodel: a\nblur: true\n")
    taken: list[MonitorSettings] = []
    monkeypatch.setattr(session, "run", lambda settings, stop, **_: taken.append(settings) or 0)
    arguments = f"--config {file} --set min_score=0.2 --set sources.0.fps=5 --min-score 0.3"
    assert main(arguments.split()) == 0
    assert main(["--source", "0", "--source", "rtsp://cam/1", "--headless"]) == 0
    # a setting of a source that the command line names
    arguments = "--source rtsp://cam/1 --set sources.0.read_timeout=2"
    assert main(arguments.split()) == 0
    assert main(["--source", "a.mp4", "b.mp4", "--headless", "c.mp4"]) == 0  # --source *.mp4
    first, second, third, fourth = taken
    assert [one.source for one in fourth.sources] == ["a.mp4", "b.mp4", "c.mp4"]
    assert (third.sources[0].source, third.sources[0].read_timeout) == ("rtsp://cam/1", 2)
    assert (first.min_score, first.model, first.blur, first.sources[0].fps) == (0.3, "a", True, 5)
    assert [one.source for one in second.sources] == ["0", "rtsp://cam/1"] and second.headless


def test_the_settings_file_that_ships_says_what_holds_without_it():
    assert load_settings(MonitorSettings, ROOT / "configs/monitor.yaml") == MonitorSettings()


def test_the_default_model_is_the_one_that_the_runtimes_name():
    assert MonitorSettings().model == DEFAULT_MODEL


def test_a_file_is_processed_whole_and_every_output_shows_the_same(
    tmp_path: Path, make_video: MakeVideo, capsys: pytest.CaptureFixture[str]
):
    video, events, summary = make_video(frames=40), tmp_path / "e.jsonl", tmp_path / "s.json"
    record = tmp_path / "r.mkv"
    outputs = [f"record={record}", f"events={events}", f"summary={summary}"]
    assert monitor(f"sources=[{video}]", *outputs) == 0
    lines, figures = lines_of(events), json.loads(summary.read_text())
    assert [line["frame"] for line in lines] == list(range(40))
    assert lines[5]["time"] == pytest.approx(5 / 25, abs=0.002) and lines[5]["source"] == str(video)
    face = {"box": [10, 10, 40, 40], "score": 0.9, "state": "without_mask", "track_id": 1}
    assert lines[39]["detections"] == [face] and lines[39]["counts"]["without_mask"] == 1
    assert figures["frames"] == {
        **{"captured": 40, "processed": 40, "shown": 0},
        **{"dropped": 0, "skipped": 0, "unchanged": 0},
    }
    assert figures["counts"]["without_mask"] == 40 and figures["reconnects"] == 0
    assert figures["device"] == "CPU (scripted)" and figures["model"] == "scripted"
    assert 0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["max"]
    assert figures["first_result_s"] > 0 and figures["peak_rss_mb"] > 20
    assert figures["fps"]["capture"] > 0 and figures["fps"]["detect"] > 0
    assert frames_in(record) == 40
    assert "processed 40 of 40 frames" in capsys.readouterr().err


def test_max_frames_ends_a_source_that_never_would(tmp_path: Path):
    events = tmp_path / "e.jsonl"
    assert monitor("sources=[demo]", "max_frames=3", f"events={events}") == 0
    assert len(lines_of(events)) == 3


def test_several_sources_keep_their_names_and_recordings(tmp_path: Path, make_video: MakeVideo):
    video, events, record = make_video(frames=6), tmp_path / "e.jsonl", tmp_path / "r.mp4"
    sources = f"sources=[{video}, {video}, {{source: {video}, name: door}}]"
    assert monitor(sources, f"events={events}", f"record={record}") == 0
    seen = [line["source"] for line in lines_of(events)]
    assert {name: seen.count(name) for name in seen} == {
        str(video): 6,
        f"{video} (2)": 6,
        "door": 6,
    }
    assert [frames_in(tmp_path / f"r-{i}.mp4") for i in (1, 2, 3)] == [6, 6, 6]


@pytest.mark.parametrize(
    ("overrides", "status", "reported"),
    [
        (["sources=[/no/such.mp4]"], 3, "no such source: '/no/such.mp4'"),
        (["sources=['rtsp://u:geheim@127.0.0.1:1/x']"], 3, "u:***@127.0.0.1"),
        (
            ["sources=[demo]", "record=/dev/null/r.mp4"],
            2,
            "/dev/null is not there and cannot",
        ),
        (["sources=[demo]", "record=r.avi"], 2, "must end in .mp4 or .mkv"),
        (["sources=[demo]", "events=/dev/null/e"], 2, "cannot write events to /dev/null/e"),
        (["sources=[demo]", "summary=/dev/null/s"], 2, "/dev/null is not there and cannot"),
        (["sources=[demo]", "summary=/tmp"], 2, "cannot write /tmp: it is a folder; name a"),
        (["sources=[demo]", "summary=/proc/sys/s"], 2, "/proc/sys is read-only"),
    ],
)
def test_what_cannot_be_opened_ends_the_run_before_it_begins(
    overrides: list[str], status: int, reported: str
):
    with pytest.raises(MaskdetError) as error:
        monitor(*overrides)
    assert error.value.exit_code == status
    assert reported in str(error.value) and "\n" not in str(error.value)
    assert "geheim" not in str(error.value)


def test_outputs_make_the_folders_that_are_not_there(
    tmp_path: Path, make_video: MakeVideo, capsys: pytest.CaptureFixture[str]
):
    record, events, summary = (tmp_path / p for p in ("a/b/r.mp4", "c/d/e.jsonl", "e/f/s.json"))
    outputs = [f"record={record}", f"events={events}", f"summary={summary}"]
    assert monitor(f"sources=[{make_video(frames=3)}]", *outputs) == 0
    assert frames_in(record) == len(lines_of(events)) == 3 and summary.is_file()
    reported = capsys.readouterr().err
    assert all(
        f"created the folder {path.parent}\n" in reported for path in (record, events, summary)
    )


class Silent(SyntheticSource):
    """A camera that is on and gives nothing."""

    def read(self) -> None:
        while not self.closed:
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("source", "overrides", "status", "reported"),
    [
        (SyntheticSource(0), [], 3, "no frame was processed: no source gave one; check --source"),
        (
            Silent(is_live=True),
            ["max_seconds=0.2"],
            3,
            "processed: no source gave one",
        ),
        (SyntheticSource(1), ["max_seconds=5"], 0, "processed 1 of 1 frame in"),
    ],
)
def test_a_run_without_a_frame_has_not_done_its_job(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: SyntheticSource,
    overrides: list[str],
    status: int,
    reported: str,
):
    monkeypatch.setattr(session, "open_sources", lambda *_, **__: [source])
    assert monitor(*overrides) == status
    assert reported in capsys.readouterr().err


def test_if_one_source_fails_the_others_are_closed(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
):
    closed = []
    path = str(make_video())
    monkeypatch.setattr(video_file.VideoFile, "close", lambda self: closed.append(self.name))
    wanted = [SourceSettings(source=path), SourceSettings(source="no such file.mp4")]
    with pytest.raises(SourceError), ExitStack() as parts:
        session.open_sources(wanted, parts, None)
    assert closed == [path]


def test_a_run_that_was_ended_before_its_first_frame_ended_as_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(session, "open_sources", lambda *_, **__: [Silent(is_live=True)])
    stop = Stop()
    stop.start()
    stop._on_signal(signal.SIGTERM, None)
    settings = load_settings(MonitorSettings, None, ["headless=true"])
    assert session.run(settings, stop, ScriptedDetector()) == 0
    assert "no frame was processed before the end that was asked for" in capsys.readouterr().err


def test_a_broken_source_ends_with_3_and_the_others_go_on(
    tmp_path: Path, make_video: MakeVideo, capsys: pytest.CaptureFixture[str]
):
    picture, summary = tmp_path / "broken.jpg", tmp_path / "s.json"
    picture.write_bytes(cv2.imencode(".jpg", np.zeros((9, 9, 3)))[1].tobytes()[:40])
    sources = f"sources=[{picture}, {make_video(frames=5)}]"
    assert monitor(sources, f"summary={summary}") == 3
    reported = [line for line in capsys.readouterr().err.splitlines() if str(picture) in line]
    assert len(reported) == 1 and reported[0].startswith("maskdet: ")
    assert json.loads(summary.read_text())["frames"]["processed"] == 5


def test_pictures_that_cannot_be_read_are_counted_and_end_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    """The others are processed; the summary has the number, a line names each."""
    folder, summary = tmp_path / "faces", tmp_path / "s.json"
    folder.mkdir()
    whole = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    for name, content in {"a": whole, "b": whole[:300], "c": b"", "d": whole}.items():
        (folder / f"{name}.jpg").write_bytes(content)
    assert monitor(f"sources=[{folder}]", f"summary={summary}") == 3
    assert [m.partition(" ")[0] for m in caplog.messages] == [f"{folder}/b.jpg", f"{folder}/c.jpg"]
    assert "; 2 pictures could not be read;" in capsys.readouterr().err
    values = json.loads(summary.read_text())
    assert values["unread"] == 2 and values["frames"]["processed"] == 2


def test_a_source_that_is_none_leaves_no_file(tmp_path: Path):
    """An empty event log, a store and folders had stayed of a name that was misspelled."""
    outputs = [f"record={tmp_path}/a/r.mp4", f"events={tmp_path}/e", f"store={tmp_path}/p.db"]
    with pytest.raises(MaskdetError, match="no such source"):
        monitor(f"sources=[{tmp_path}/dor.mp4]", *outputs, f"summary={tmp_path}/b/s.json")
    assert not list(tmp_path.iterdir())


def test_a_detector_that_dies_leaves_everything_written(tmp_path: Path, make_video: MakeVideo):
    events, summary, record = (tmp_path / name for name in ("e.jsonl", "s.json", "r.mp4"))
    seen: list[int] = []

    def die_at_the_fourth() -> None:
        seen.append(1)
        if len(seen) == 4:
            raise ModelError("out of memory; take a smaller model")

    detector = ScriptedDetector(one_face, before=die_at_the_fourth)
    outputs = [f"record={record}", f"events={events}", f"summary={summary}"]
    with pytest.raises(ModelError, match="out of memory"):
        monitor(f"sources=[{make_video(frames=30)}]", *outputs, detector=detector)
    assert len(lines_of(events)) == frames_in(record) > 0
    assert json.loads(summary.read_text())["frames"]["processed"] == len(lines_of(events))


@pytest.mark.usefixtures("hears_hangups")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_well(tmp_path: Path, start_monitor: StartMonitor, number: int):
    events, summary, record = (tmp_path / name for name in ("e.jsonl", "s.json", "r.mp4"))
    outputs = [f"record={record}", f"events={events}", f"summary={summary}"]
    process = start_monitor("sources=[demo]", "headless=true", *outputs)
    wait_for(events, lines=5)
    process.send_signal(number)
    _, reported = process.communicate(timeout=20)
    assert process.returncode == 0, reported
    assert "Traceback" not in reported
    count = len(lines_of(events))
    assert json.loads(summary.read_text())["frames"]["processed"] == count == frames_in(record)


def test_a_run_that_is_to_outlive_its_terminal_does(tmp_path: Path, start_monitor: StartMonitor):
    """As under nohup, which has SIGHUP ignored."""
    events = tmp_path / "e.jsonl"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start_monitor("sources=[demo]", "headless=true", f"events={events}")
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(events, lines=5)
    process.send_signal(signal.SIGHUP)
    wait_for(events, lines=len(lines_of(events)) + 20)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, reported = process.communicate(timeout=20)
    assert process.returncode == 0, reported


def test_a_signal_before_the_first_frame_ends_it_too(
    tmp_path: Path, start_monitor: StartMonitor, camera: Any
):
    summary = tmp_path / "s.json"
    process = start_monitor(
        f"sources=['{camera.url('mute')}']", "headless=true", f"summary={summary}"
    )
    assert camera.stalled.wait(20)  # it is opening a camera that does not answer
    process.send_signal(signal.SIGTERM)
    _, reported = process.communicate(timeout=20)
    assert process.returncode == 0 and "Traceback" not in reported
    assert json.loads(summary.read_text())["frames"]["captured"] == 0


def test_events_alone_are_on_standard_output(start_monitor: StartMonitor, make_video: MakeVideo):
    process = start_monitor(f"sources=[{make_video(frames=4)}]", "headless=true", "events=-")
    out, err = process.communicate(timeout=20)
    assert [json.loads(line)["frame"] for line in out.splitlines()] == [0, 1, 2, 3]
    assert "processed 4 of 4" in err


def test_without_a_display_it_says_so_and_goes_on(
    start_monitor: StartMonitor, make_video: MakeVideo
):
    process = start_monitor(f"sources=[{make_video(frames=4)}]", DISPLAY="", WAYLAND_DISPLAY="")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "no window: " in err and "going on headless" in err and "processed 4 of 4" in err


def test_an_unexpected_error_is_one_line_without_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def broken(settings: MonitorSettings, stop: Stop, **more: object) -> int:
        raise RuntimeError("wheels\ncame off")

    monkeypatch.setattr(session, "run", broken)
    assert main(["--source", "demo"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "internal error: RuntimeError: wheels came off (test_monitor.py:" in line
    monkeypatch.setenv("MASKDET_DEBUG", "1")
    assert main(["--source", "demo"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_missing_system_libraries_are_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "cv2", None)  # what `import cv2` then does: ImportError
    monkeypatch.setattr(
        "maskdet.system.native_libraries.missing_packages", lambda: ["libgl1", "libglib2.0-0"]
    )
    assert main(["--source", "demo"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "OpenCV cannot start" in line and "apt-get install -y libgl1 libglib2.0-0" in line


WITHOUT_TENSORFLOW = """
import sys
from maskdet.commands.monitor import main
status = main()
print(*sorted({"tensorflow", "keras", "matplotlib", "torch", "jax"} & set(sys.modules)))
sys.exit(status)
"""


def test_the_whole_command_with_a_model_and_without_tensorflow(
    tmp_path: Path, tiny_model: Path, make_video: MakeVideo
):
    record, events, summary = (tmp_path / name for name in ("r.mp4", "e.jsonl", "s.json"))
    arguments = ["--source", make_video(frames=9), "--model", tiny_model, "--device", "cpu"]
    outputs = ["--record", record, "--events", events, "--summary", summary, "--headless"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *map(str, arguments + outputs)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
    figures = json.loads(summary.read_text())
    assert figures["frames"]["processed"] == len(lines_of(events)) == frames_in(record) == 9
    assert figures["model"] == "tiny" and "LiteRT" in figures["device"]


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (lambda model: (model / "model_int8.tflite").write_bytes(b"x"), "damaged or was changed"),
        (lambda model: (model / "model_int8.tflite").unlink(), "cannot be read: No such file"),
        (lambda model: (model / "card.yaml").unlink(), "no card.yaml"),
        (lambda model: (model / "card.yaml").write_text("name: [1"), "card.yaml:1: not valid"),
    ],
)
def test_a_broken_model_is_a_line_and_status_2(
    tmp_path: Path,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path], object],
    reported: str,
):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    change(folder)
    assert main(["--source", "demo", "--headless", "--model", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reported in line
