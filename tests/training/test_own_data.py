"""Settings that ship on somebody's own pictures: what is missing is left out, and named."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from maskdet.commands import train as session
from maskdet.config import load_settings, write_yaml
from maskdet.errors import ConfigError, DatasetError
from maskdet.training import data as supply
from maskdet.training import progress
from maskdet.training.csv_log import read_metrics
from maskdet.training.own_data import WITHOUT_DOWNLOAD, adapted
from maskdet.training.run_log import RunLog
from maskdet.training.settings import TrainingSettings
from tests.datasets.voc_folder import write_voc_folder

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"


def light(*overrides: str) -> TrainingSettings:
    return load_settings(TrainingSettings, CONFIGS / "retinanet_light.yaml", overrides)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_voc_folder(tmp_path / "data", 20)
    return tmp_path / "data"


def test_the_light_model_s_settings_take_any_pictures(data: Path) -> None:
    settings, lines = adapted(light(), data, find_start=lambda settings: f"models/{settings.name}")
    assert lines == [
        f"splits/train.txt is not in {data}: all pictures there are taken",
        f"splits/train_two_class.txt is not in {data}: left out, and with it the teacher "
        "retinanet-resnet50",
        "the run begins from the model retinanet-mobilenet as it ships; --set imagenet=none begins "
        "from random weights",
    ]
    assert settings.start == "models/retinanet-mobilenet"
    (part,) = settings.train
    assert (part.about, part.list, settings.validation) == ("", "", "")  # the card is true
    heard: list[str] = []
    samples, _, validation = supply.read_data(settings, data, report=heard.append)
    assert (len(samples), len(validation)) == (18, 2)
    assert heard == [
        "no list names the validation pictures: 2 of 20 were drawn, always the same ones"
    ]


def test_pictures_to_learn_without_any_face_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_voc_folder(data, 6, faces=0)
    (data / "annotations/3.xml").write_text(
        "<annotation><size><width>120</width><height>96</height></size><object><name>mask</name>"
        "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>40</xmax><ymax>40</ymax></bndbox></object>"
        "</annotation>"
    )  # the one face is drawn for validation
    with pytest.raises(DatasetError, match=r"no faces are labeled in the pictures to learn \(5\)"):
        supply.read_data(TrainingSettings(), data)


def test_pictures_that_cannot_be_learned_are_named_before_the_first_step(data: Path) -> None:
    (data / "images/3.png").write_bytes(b"no picture")
    Image.new("RGB", (60, 60)).save(data / "images/7.png")
    with pytest.raises(DatasetError) as caught:
        supply.read_data(TrainingSettings(), data)
    first, second = sorted(str(caught.value).splitlines())
    assert "3.png: cannot be read as a picture: it is a text, no picture" in first
    assert "7.png: is 60×60 but annotated as 120×96" in second


def test_classes_that_no_picture_to_learn_shows_are_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_voc_folder(data, 20)
    for xml in (data / "annotations").iterdir():
        xml.write_text(xml.read_text().replace("mask_weared_incorrect", "with_mask"))
    heard: list[str] = []
    supply.read_data(TrainingSettings(), data, report=heard.append)
    assert heard[-1] == (
        "note: no face in the pictures to learn is labeled mask_weared_incorrect: of that, nothing "
        "is learned"
    )


def test_names_of_classes_alone_change_nothing_about_the_lists(data: Path) -> None:
    """The guide's own answer for classes of other names."""
    settings, lines = adapted(light("train=[{classes: {hat: without_mask}}]"), data)
    assert lines == [f"splits/val.txt is not in {data}: a part of the pictures validates"]
    samples, _, validation = supply.read_data(settings, data)
    assert (len(samples), len(validation)) == (18, 2)


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*_*.yaml")), ids=lambda file: file.stem)
def test_every_config_takes_any_pictures(file: Path, data: Path) -> None:
    settings, _ = adapted(load_settings(TrainingSettings, file), data)
    samples, _, validation = supply.read_data(settings, data)
    assert (len(samples), len(validation)) == (18, 2)


def test_a_set_that_is_missing_beside_others(data: Path) -> None:
    (data / "splits").mkdir()
    for name in ("train", "val"):
        (data / f"splits/{name}.txt").write_text("images/1.png\n")
    settings, lines = adapted(light(), data)
    assert [part.list for part in settings.train] == ["splits/train.txt"]
    assert settings.validation == "splits/val.txt" and settings.train[0].about
    first, note = lines
    assert first.startswith("splits/train_two_class.txt is not in")
    assert note == "note: 1 of 2 sets of pictures are there to learn"


def test_named_lists_begin_from_the_model_that_ships_where_nothing_is_downloaded(
    data: Path,
) -> None:
    (data / "all.txt").write_text("images/1.png\n")
    lists = ["train=[{list: all.txt}]", "validation=all.txt"]
    settings, lines = adapted(light(*lists), data, find_start=lambda settings: "models/x")
    assert settings.start == "models/x" and len(lines) == 1
    downloaded = light(*lists, "network.backbone=mobilenet_v2")
    assert adapted(downloaded, data, find_start=lambda settings: "models/x")[0].start == ""
    from_file = light(*lists, "imagenet=weights.npz")
    assert adapted(from_file, data, find_start=lambda settings: "models/x")[0].start == ""


def test_backbones_without_a_download_are_known() -> None:
    backbones = pytest.importorskip("maskdet.networks.backbones")
    there = {name for name, one in backbones.BACKBONES.items() if one.application is None}
    assert set(WITHOUT_DOWNLOAD) == there - {"tiny"}


def test_things_that_are_no_faces_need_no_labels(data: Path) -> None:
    for name in ("wheel.png", "Ünder a roof/clock.JPG"):
        (data / "things" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(data / "things" / name)
    settings, lines = adapted(
        load_settings(
            TrainingSettings, None, ["train=[{}, {source: things, without_faces: true, share: 3}]"]
        ),
        data,
        find_start=lambda settings: "models/x",
    )
    assert settings.start == "models/x" and len(lines) == 1  # the rest is somebody's own data
    again = data / "settings.yaml"  # as the run's folder has them, with all defaults
    again.write_text(write_yaml(settings.model_dump(mode="json")))
    assert load_settings(TrainingSettings, again) == settings
    samples, weights, validation = supply.read_data(settings, data)
    assert (len(samples), len(validation)) == (20, 2)
    for sample, weight in zip(samples[-2:], weights[-2:], strict=True):
        assert (len(sample.boxes), len(sample.labeled), weight) == (0, 3, 3)
        assert sample.read().shape == (30, 40, 3)

    (data / "things/wheel.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"wheel\.png: cannot be read as a picture: it is a te"):
        supply.read_data(settings, data)


@pytest.mark.parametrize(
    ("part", "about"),
    [
        ("{source: empty, without_faces: true}", "no pictures there"),
        ("{source: annotations, without_faces: true, list: all.txt}", "leave out list"),
    ],
)
def test_a_folder_of_things_that_cannot_be_one(data: Path, part: str, about: str) -> None:
    (data / "empty").mkdir()
    with pytest.raises((DatasetError, ConfigError), match=about):
        settings = load_settings(TrainingSettings, None, [f"train=[{{}}, {part}]"])
        supply.read_data(settings, data)


@pytest.mark.parametrize(
    "overrides",
    [
        ["train=[{list: ../x.txt}]"],  # leads out
        [
            "train=[{source: x.csv}]",
            'validation=""',
        ],  # a file of labels is not a list that may lack
        ["train=[{list: none.txt}]", "validation=all.txt"],  # half of the lists is there
        ["train=[{list: all.txt}]", "validation=none.txt"],
    ],
)
def test_mistakes_stay_mistakes(data: Path, overrides: list[str]) -> None:
    (data / "all.txt").write_text("images/1.png\n")
    settings = light(*overrides)
    assert adapted(settings, data, find_start=lambda settings: "") == (settings, [])


def test_a_teacher_that_is_not_here(data: Path) -> None:
    settings = load_settings(
        TrainingSettings,
        None,
        ["train=[{teacher: big, finder: far}]", "distillation.teacher=big"],
    )
    changed, lines = adapted(settings, data, is_model=lambda name: name not in ("big", "far"))
    (part,) = changed.train
    assert (part.teacher, part.finder, changed.distillation.teacher) == ("", "", "")
    assert [line.partition(" and is left out: ")[2] for line in lines] == [
        "the states that its pictures do not label stay unknown",
        "faces that nobody labeled in its pictures are learned as background",
        "labels alone are learned",
    ]


def test_the_model_that_ships_is_found_by_its_network() -> None:
    assert session._find_start(light()).endswith("models/retinanet-mobilenet")
    assert session._find_start(light("network.channels=8")) == ""
    assert session._find_start(light("name=mine")).endswith("models/retinanet-mobilenet")


def test_notes_and_lists_of_a_run(data: Path, tmp_path: Path) -> None:
    (data / "annotations/lost.xml").write_text("<annotation/>")
    heard: list[str] = []
    settings = load_settings(TrainingSettings, None, ["imagenet=none"])
    samples, _, validation = supply.read_data(settings, data, tmp_path, report=heard.append)
    assert heard[-1].startswith("note: xml files without picture that were left out (1): ")
    for name, found in (("train", samples), ("validation", validation)):
        lines = (tmp_path / f"{name}.txt").read_text("utf-8").splitlines()
        assert lines == [f"images/{sample.file.name}" for sample in found]


class Heard(progress.ProgressDisplay):
    """A display that shows nothing."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    speed = 3.0  # type: ignore[assignment]

    def say(self, text: str) -> None:
        self.lines.append(text)

    def stepped(self, step: int, loss: float, rate: float, minutes: float) -> None:
        """Nothing to see."""


@pytest.mark.parametrize(
    ("steps", "minutes", "left"), [(10**9, 62.0, "0:02:00 left"), (2, 62.0, "0:00:00 left")]
)
def test_the_time_left_is_that_to_the_last_step_or_to_the_end_of_the_minutes(
    monkeypatch: pytest.MonkeyPatch, steps: int, minutes: float, left: str
) -> None:
    monkeypatch.setattr(progress, "LINE_INTERVAL_S", 0.0)
    text = StringIO()
    with progress.ProgressDisplay(Console(file=text, width=200), steps, 1, minutes) as display:
        display.stepped(1, 1.0, 0.1, minutes=59.9)
        display.stepped(2, 1.0, 0.1, minutes=60.0)
    first, second = text.getvalue().splitlines()
    assert "left" not in first and second.endswith(left)


def test_the_last_steps_are_logged_and_drawn(tmp_path: Path) -> None:
    """Also where the run ends between two lines of the log, after its last evaluation."""
    log = RunLog(tmp_path, Heard(), lambda *arguments: None)
    log.begun(0, 1, 1)
    for step in range(1, 14):
        log.stepped(step, {"loss": float(step), "rate": 0.1, "minutes": step / 10})
    log.close()
    metrics = read_metrics(tmp_path / "training.csv")
    assert metrics["step"].tolist() == [10, 13]
    assert metrics["loss"].tolist() == [5.5, 12.0]
    assert (tmp_path / "curves.png").stat().st_size > 1000
