"""Models that ship under `models/`: whole, small enough, with true cards, and run on the demo."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from maskdet import boxes
from maskdet.commands.models import HEAD, rows, table, write_readme
from maskdet.detections import CLASS_NAMES, Detections, MaskState
from maskdet.evaluation.report import WIDTHS
from maskdet.model.card import CARD_NAME, ModelCard, model_file, read_card
from maskdet.model.registry import DEFAULT_MODEL as DEFAULT
from maskdet.runtimes import load_detector
from maskdet.runtimes.spec import MODELS
from maskdet.sources import CLIP
from tools.demo_clip.scene import FIGURES, truth

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(card.parent for card in MODELS.glob(f"*/{CARD_NAME}"))
MAX_MB, MAX_DEFAULT_MB = 95, 15
"""What a git host takes; and what the default model's files may weigh."""
LICENSE = re.compile(r"licen[cs]e|\bCC[0-]|\bCC BY|\bMIT\b|Apache|public domain|for research", re.I)
MACHINE = re.compile(r"(?<![\w.])/(work|home|root|tmp|mnt|Users|content)/|[A-Z]:\\")

shipped = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def is_light(card: ModelCard) -> bool:
    return not str(card.options["backbone"]).startswith("resnet")


def test_the_default_model_ships_and_is_light() -> None:
    assert is_light(read_card(MODELS / DEFAULT))


@shipped
def test_a_card_says_what_the_folder_holds(folder: Path) -> None:
    card = read_card(folder)
    assert card.name == folder.name and card.description
    assert tuple(card.classes) == CLASS_NAMES
    for kind in card.files:  # verifies the checksum
        assert model_file(folder, card, kind).is_file()


@shipped
def test_no_file_is_too_large(folder: Path) -> None:
    most = MAX_DEFAULT_MB if folder.name == DEFAULT else MAX_MB
    sizes = {file.name: file.stat().st_size / 1e6 for file in folder.rglob("*") if file.is_file()}
    assert {name: size for name, size in sizes.items() if size > most} == {}


@shipped
def test_it_is_reported_where_a_model_comes_from(folder: Path) -> None:
    """The command that trained it, and of each data set what its license allows."""
    provenance = read_card(folder).provenance
    assert provenance["command"].startswith("python -m maskdet train --config configs/")
    assert provenance["data"]
    assert [data for data in provenance["data"] if not LICENSE.search(data)] == []
    assert MACHINE.search((folder / CARD_NAME).read_text("utf-8")) is None


@shipped
def test_every_file_has_figures_of_its_own(folder: Path) -> None:
    card = read_card(folder)
    assert card.metrics["validation"]["faces"] > 0
    for kind in card.files:
        figures = card.metrics.get(kind)
        assert figures is not None, f"maskdet calibrate has not measured {kind}"
        assert 0 < figures["mAP50"] <= 1
        assert set(figures["by_width"]) == set(WIDTHS)
        assert all(row["faces"] >= 0 and "recall" in row for row in figures["by_width"].values())


def test_the_readme_has_the_table_that_the_command_writes(tmp_path: Path) -> None:
    copy = Path(shutil.copy(ROOT / "README.md", tmp_path))
    write_readme(copy, table(HEAD, rows(MODELS)))
    assert copy.read_text("utf-8") == (ROOT / "README.md").read_text("utf-8")


# --- the demo ----------------------------------------------------------------------------------


@dataclass
class Score:
    """Results for the demo's faces whose state can be seen.

    Attributes:
        found: of each face, whether there is a box on it.
        right: of each found one, whether it is in its state.
        figures: of each found one, the number of the figure.
        extra: boxes that lie on no face.
    """

    found: list[bool]
    right: list[bool]
    figures: list[int]
    extra: int

    def of(self, figure: int) -> float:
        """Part of a figure's found faces that are in their right state."""
        return float(np.mean(np.array(self.right)[np.array(self.figures) == figure]))


def score(found: dict[int, Detections]) -> Score:
    """Of detections by the number of their frame."""
    score = Score([], [], [], 0)
    for number, faces in found.items():
        true = truth(number)
        assert true.track_ids is not None
        overlap = boxes.iou(true.boxes, faces.boxes)
        score.extra += int((overlap.max(axis=0) < 0.3).sum())
        for row, state, who in zip(overlap, true.states, true.track_ids, strict=True):
            if state == MaskState.unsure:
                continue
            hit = bool(row.max(initial=0) >= 0.5)
            score.found.append(hit)
            if hit:
                score.right.append(bool(faces.states[row.argmax()] == state))
                score.figures.append(int(who))
    return score


def pictures_of_demo(step: int) -> dict[int, np.ndarray]:
    with av.open(str(CLIP)) as clip:
        frames = enumerate(clip.decode(video=0))
        return {n: frame.to_ndarray(format="bgr24") for n, frame in frames if n % step == 0}


def test_the_demo_is_seen_by_the_default_model() -> None:
    """Thirty pictures through the whole clip, with faces of 45 to 125 pixels."""
    pictures = pictures_of_demo(12)
    detector = load_detector(device="cpu")
    found_faces = score(dict(zip(pictures, detector.detect(list(pictures.values())), strict=True)))
    detector.close()
    assert len(found_faces.found) > 120
    assert np.mean(found_faces.found) >= 0.95
    assert np.mean(found_faces.right) >= 0.95
    assert [
        n for n in range(len(FIGURES)) if found_faces.of(n) < 0.9
    ] == []  # each person, each mask
    assert found_faces.extra <= 0.03 * len(found_faces.found)


def monitored(model: Sequence[str], folder: Path) -> tuple[dict[str, object], Score]:
    """The monitor on some frames of the demo: its summary, and how it saw the faces."""
    files = "--summary", str(folder / "summary.json"), "--events", str(folder / "events.jsonl")
    common = "--source", "demo", "--headless", "--device", "cpu", "--max-frames", "12"
    done = subprocess.run(
        [sys.executable, "monitor.py", *common, *files, *model],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found = {}
    for line in (folder / "events.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        faces = event["detections"]
        found[event["frame"]] = Detections(
            np.array([face["box"] for face in faces], np.float32).reshape(-1, 4),
            [face["score"] for face in faces],
            [MaskState[face["state"]] for face in faces],
        )
    return json.loads((folder / "summary.json").read_text("utf-8")), score(found)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("options", "name"),
    [((), DEFAULT), (("--model", "faster-rcnn-mobilenet"), "faster-rcnn-mobilenet")],
    ids=["RetinaNet", "Faster R-CNN"],
)
def test_the_model_is_all_that_changes_in_the_monitor(
    options: Sequence[str], name: str, tmp_path: Path
) -> None:
    summary, found_faces = monitored(options, tmp_path)
    device = summary["device"].partition(",")[0]  # a busy machine adds its smaller input
    assert (summary["model"], device) == (name, "CPU (LiteRT)")
    assert len(found_faces.found) > 40 and np.mean(found_faces.found) >= 0.9
    assert np.mean(found_faces.right) >= 0.95
