"""Threshold and blur of a request, in its address or in its form."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.drawing.overlay import annotate
from maskdet.model.decision import DecisionRule
from maskdet.runtimes import load_detector
from tests.doubles import ScriptedDetector
from tests.web.servers import COLLINS, HOPPER, decoded, encoded, serving_app

PNG = encoded(".png", 320, 240)
BOXES = [[10, 10, 90, 90], [110, 10, 190, 90], [210, 10, 300, 100]]


def faces(image: np.ndarray) -> Detections:
    return Detections(BOXES, [0.9, 0.5, 0.2], [0, 1, 2])


def scores(answer: httpx.Response) -> list[float]:
    assert answer.status_code == 200, answer.text
    return [face["score"] for face in answer.json()["images"][0]["detections"]]


@pytest.mark.parametrize(
    ("min_score", "shown"), [(None, [0.9, 0.5]), (0.6, [0.9]), (0.1, [0.9, 0.5, 0.2]), (1.0, [])]
)
def test_a_request_raises_and_lowers_the_threshold(min_score: float | None, shown: list[float]):
    sent = {} if min_score is None else {"min_score": str(min_score)}
    with serving_app(ScriptedDetector(faces), rule=DecisionRule.from_min_score(0.4)) as client:
        by_address = client.post("/api/detect", params=sent, content=PNG)
        by_form = client.post("/api/detect", data=sent, files={"f": ("a.png", PNG)})
        both = client.post("/api/detect?min_score=0.3", data=sent, files={"f": ("a.png", PNG)})
    assert scores(by_address) == scores(by_form) == shown
    assert scores(both) == (shown if sent else [0.9, 0.5])
    assert sum(by_form.json()["images"][0]["counts"].values()) == len(shown)


def test_blur_leaves_no_face_even_where_the_threshold_hides_it():
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    import cv2

    sent = cv2.imencode(".png", noise)[1].tobytes()
    with serving_app(ScriptedDetector(faces), rule=DecisionRule.from_min_score(0.4)) as client:
        by_address = client.post("/api/annotate?blur=true&min_score=0.6", content=sent)
        fields = {"blur": "true", "min_score": "0.6"}
        by_form = client.post("/api/annotate", data=fields, files={"f": ("a.png", sent)})
        plain = client.post("/api/annotate", content=sent)
    assert (decoded(by_address.content) == decoded(by_form.content)).all()
    roughness = [
        [np.abs(np.diff(decoded(a.content)[30:70, x : x + 40].astype(int), axis=1)).mean()
         for x in (30, 130, 235)]
        for a in (by_address, plain)
    ]  # fmt: skip
    assert max(roughness[0][:2]) < 12 < 40 < min([*roughness[1], roughness[0][2]])


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"min_score": "0.01"}, "min_score: Input should be greater than or equal to 0.05"),
        ({"min_score": "high"}, "min_score: Input should be a valid number"),
        ({"min_score": "nan"}, "min_score: "),
        ({"blur": "perhaps"}, "blur: "),
        ({"minscore": "0.5"}, "unknown field 'minscore' in the form; fields are min_score and"),
    ],
)
def test_a_wrong_option_is_reported_in_one_line(fields: dict[str, str], reported: str):
    with serving_app() as client:
        answers = [client.post("/api/detect", data=fields, files={"f": ("a.png", PNG)})]
        if "minscore" not in fields:
            answers.append(client.post("/api/detect", params=fields, content=PNG))
    for answer in answers:
        assert answer.status_code == 422 and answer.json()["detail"].startswith(reported)


def test_without_options_the_faces_are_those_of_the_model_as_it_is(client: httpx.Client):
    detector = load_detector(looks="auto")
    for path in (HOPPER, COLLINS):
        image = decoded(path.read_bytes())
        found = detector.detect([image])[0]
        sent = {"f": ("a.png", path.read_bytes())}
        assert client.post("/api/detect", files=sent).json()["images"][0]["detections"] == (
            found.records()
        )
        answer = client.post("/api/annotate", files=sent)
        assert (decoded(answer.content) == annotate(image, found)).all()
        low = scores(client.post("/api/detect?min_score=0.05", files=sent))
        assert len(low) >= len(found)
    about = client.get("/api/about").json()
    assert set(about["min_scores"]) == {"face"}
