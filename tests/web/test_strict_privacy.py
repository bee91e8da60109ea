"""``serve --privacy strict``: no face in what is sent back, whatever a request says."""

from __future__ import annotations

import av
import cv2
import pytest

from maskdet.runtimes import load_detector
from maskdet.sources import CLIP
from tests.web.servers import decoded, serving

pytestmark = pytest.mark.timeout(120)


def test_the_real_detector_finds_no_face_in_an_answer():
    with av.open(str(CLIP)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="bgr24")
    sent = cv2.imencode(".png", image)[1].tobytes()
    with serving("--privacy", "strict", "--device", "cpu") as command, command.client() as client:
        answers = [
            client.post(f"/api/annotate?{query}", content=sent)
            for query in ("", "blur=false&min_score=0.05", "min_score=1")
        ]
        found = client.post("/api/detect", content=sent).json()["images"][0]["detections"]
    assert len(found) >= 4  # they are found: box and state are no image
    detector = load_detector(looks="auto", device="cpu")
    assert len(detector.detect([image])[0]) >= 4
    for answer in answers:
        assert answer.status_code == 200
        assert len(detector.detect([decoded(answer.content)])[0]) == 0
