"""The API of the command as it starts, with the model that ships, on the demo's real faces."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import cv2
import httpx
import pytest

from maskdet.commands.detect import run as detect
from maskdet.drawing.overlay import annotate
from maskdet.runtimes import load_detector
from tests.images.pictures import damaged, write_frames
from tests.web.servers import COLLINS, HOPPER, decoded, encoded


def form(*paths: Path, field: str = "pictures") -> list[tuple[str, tuple[str, bytes, str]]]:
    return [(field, (path.name, path.read_bytes(), "image/jpeg")) for path in paths]


def without_counts(image: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in image.items() if key not in ("counts", "file")}


def test_its_boxes_are_those_of_the_command_detect(client: httpx.Client, tmp_path: Path):
    file = tmp_path / "boxes.json"
    assert detect.run(load_detector(looks="auto"), [HOPPER, COLLINS], json_file=file) == 0
    expected = json.loads(file.read_text())["images"]
    answer = client.post("/api/detect", files=form(HOPPER, COLLINS))
    assert answer.status_code == 200
    images = answer.json()["images"]
    assert [image["file"] for image in images] == ["hopper.jpg", "collins.jpg"]
    for image in images:
        assert image["detections"] and sum(image["counts"].values()) == len(image["detections"])
    assert [*map(without_counts, images)] == [*map(without_counts, expected)]


def test_a_picture_that_is_damaged_within_is_answered_with_that(client: httpx.Client):
    whole, harmed = HOPPER.read_bytes(), damaged(HOPPER.read_bytes())
    files = [("a", ("a.jpg", whole, "image/jpeg")), ("b", ("b.jpg", harmed, "image/jpeg"))]
    good, bad = client.post("/api/detect", files=files).json()["images"]
    assert "damage" not in good and bad["damage"].startswith("Corrupt JPEG data")


@pytest.mark.parametrize("suffix", [".webp", ".png", ".heic"])
def test_of_several_pictures_in_a_file_the_answer_has_their_number(
    client: httpx.Client, tmp_path: Path, suffix: str
):
    several = write_frames(tmp_path / f"a{suffix}").read_bytes()
    one = write_frames(tmp_path / f"b{suffix}", 1).read_bytes()
    files = [("a", ("a", several, "image/webp")), ("b", ("b", one, "image/webp"))]
    moving, still = client.post("/api/detect", files=files).json()["images"]
    assert moving["frames"] == 5 and "frames" not in still


def test_a_picture_as_body_or_under_any_name_is_the_same(client: httpx.Client):
    data = HOPPER.read_bytes()
    types = ("image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded", None)
    bodies = [
        client.post("/api/detect", content=data, headers={"Content-Type": kind} if kind else {})
        for kind in types
    ]
    forms = [client.post("/api/detect", files=form(HOPPER, field=n)) for n in ("file", "picture")]
    answers = [answer.json()["images"][0] for answer in bodies + forms]
    assert answers[0]["detections"]
    assert all(without_counts(answer) == without_counts(answers[0]) for answer in answers)


@pytest.mark.parametrize("how", ["form", "body"])
def test_a_picture_comes_back_annotated_as_an_attachment(client: httpx.Client, how: str):
    image = decoded(HOPPER.read_bytes())
    sent = cv2.imencode(".png", image)[1].tobytes()
    if how == "form":
        answer = client.post("/api/annotate", files={"file": ("tür.png", sent, "image/png")})
        name = "filename=\"t_r-annotated.png\"; filename*=UTF-8''t%C3%BCr-annotated.png"
    else:
        answer = client.post("/api/annotate", content=sent, headers={"Content-Type": "image/png"})
        name = "filename=\"picture-annotated.png\"; filename*=UTF-8''picture-annotated.png"
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == f"attachment; {name}"
    expected = annotate(image, load_detector(looks="auto").detect([image])[0])
    assert (expected != image).any() and (decoded(answer.content) == expected).all()


def test_the_kind_sent_is_given_back_if_wanted(client: httpx.Client):
    for suffix, kind in ((".jpg", "image/jpeg"), (".webp", "image/webp"), (".png", "image/png")):
        sent = {"f": (f"a{suffix}", encoded(suffix))}
        answer = client.post("/api/annotate?kind=same", files=sent)
        assert answer.headers["content-type"] == kind
        assert f"a-annotated{suffix}" in answer.headers["content-disposition"]
        assert decoded(answer.content).shape == (48, 64, 3)


def test_several_pictures_come_back_as_a_zip(client: httpx.Client):
    answer = client.post("/api/annotate", files=form(HOPPER, COLLINS, HOPPER))
    assert answer.headers["content-type"] == "application/zip"
    assert 'attachment; filename="annotated.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = ["hopper-annotated.png", "collins-annotated.png", "hopper-annotated-2.png"]
        assert archive.namelist() == [*names, "boxes.json"]
        assert decoded(archive.read(names[0])).shape == (600, 512, 3)
        images = json.loads(archive.read("boxes.json"))["images"]
    assert images[0]["detections"] and images[0] == images[2] != images[1]


def test_names_in_a_zip_differ_on_every_file_system(client: httpx.Client):
    sent = [("f", (name, encoded(".png"))) for name in ("A.png", "a.png", "a.PNG")]
    answer = client.post("/api/annotate", files=sent)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
    assert names[:2] == ["A-annotated.png", "a-annotated-2.png"]
    assert len({name.lower() for name in names}) == 4


def test_a_photo_is_turned_as_its_exif_says(client: httpx.Client):
    from PIL import Image

    memory, turned_left = io.BytesIO(), Image.Exif()
    turned_left[0x0112] = 6  # to be turned right by a quarter to be seen upright
    with Image.open(HOPPER) as upright:
        upright.rotate(90, expand=True).save(memory, "JPEG", quality=95, exif=turned_left)
    (image,) = client.post("/api/detect", content=memory.getvalue()).json()["images"]
    assert (image["width"], image["height"]) == (512, 600)
    assert image["detections"][0]["box"] == pytest.approx([172, 131, 357, 332], abs=30)


PNG = encoded(".png")
JPEG = HOPPER.read_bytes()
WEBP = encoded(".webp", 300, 200)


@pytest.mark.parametrize(
    ("data", "status", "reported"),
    [
        (b"hello", 415, "picture: not a PNG, JPEG, WebP, HEIC or AVIF picture"),
        (b"GIF89a" + bytes(40), 415, "not a PNG"),
        (encoded(".bmp"), 415, "not a PNG"),
        (encoded(".tiff"), 415, "not a PNG"),
        (PNG[:-20], 400, "picture: damaged or cut short"),
        (PNG[:40] + b"\xff" + PNG[41:], 400, "damaged"),
        (JPEG[: len(JPEG) // 2], 400, "damaged"),
        (JPEG[:-2000], 400, "damaged"),
        (WEBP[: len(WEBP) // 2], 400, "damaged"),
        (b"", 422, "no picture in the request"),
    ],
)
def test_a_wrong_file_is_answered_with_what_is_wrong(
    client: httpx.Client, data: bytes, status: int, reported: str
):
    for path in ("/api/detect", "/api/annotate"):
        answer = client.post(path, content=data, headers={"Content-Type": "image/png"})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
        assert reported in answer.json()["detail"]


def test_a_wrong_file_of_a_form_is_named_without_its_folder(client: httpx.Client):
    files = {"f": ("C:\\secret\\../a\r\nb.png", b"no")}
    answer = client.post("/api/detect", files=files)
    assert answer.status_code == 415 and answer.json()["detail"].startswith("a")
    assert "secret" not in answer.text and "\\r" not in answer.text


def test_a_form_that_has_a_path_in_place_of_the_file_names_the_field(client: httpx.Client):
    fields = {"file": (None, b"door.png"), "blur": (None, b"true")}
    answer = client.post("/api/detect", files=fields)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith("-F file=@FILE")


def test_a_name_with_quotes_comes_back_as_it_is_on_the_disk(client: httpx.Client):
    answer = client.post("/api/annotate", files={"f": ('a "b".png', PNG)})  # sent as a %22b%22.png
    assert "a%20%22b%22-annotated.png" in answer.headers["content-disposition"]


def test_an_empty_file_of_a_form_is_named_as_that(client: httpx.Client):
    for path in ("/api/detect", "/api/annotate"):
        answer = client.post(path, files={"a": ("door.jpg", JPEG), "b": ("hall.jpg", b"")})
        assert answer.status_code == 400
        assert answer.json()["detail"] == "hall.jpg: an empty file (0 bytes); save or copy it again"


@pytest.mark.parametrize(
    ("kind", "body", "status", "reported"),
    [
        ("multipart/form-data", b"x", 400, "malformed form: Missing boundary"),
        ("multipart/form-data; boundary=b", b"--c\r\nnonsense", 400, "malformed form"),
        (
            "multipart/form-data; boundary=b; charset=undefined",
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
            *(400, "malformed form: its charset cannot be read; use UTF-8"),
        ),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422, "no picture"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\ntext\r\n--b--\r\n',
            422,
            "no picture",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n--b--\r\n',
            422,
            "no picture",
        ),
        ("text/html", b"<p>", 415, "not as text/html"),
        ("application/json", b"{}", 415, "not as application/json"),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_wrong(
    client: httpx.Client, kind: str, body: bytes, status: int, reported: str
):
    answer = client.post("/api/detect", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status and reported in answer.json()["detail"]


def test_a_wrong_parameter_is_reported_in_one_line(client: httpx.Client):
    answer = client.post("/api/annotate?kind=gif", content=PNG)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "kind: Input should be 'png' or 'same'"


def test_a_form_larger_than_starlettes_memory_leaves_the_disk_alone(client: httpx.Client):
    # The server may not write a byte to any file (servers.py); Starlette's own limit is 1 MiB.
    big = PNG + bytes(3_000_000)
    answer = client.post("/api/detect", files={"f": ("big.png", big)})
    assert answer.status_code == 200 and answer.json()["images"][0]["width"] == 64


def test_it_describes_itself(client: httpx.Client):
    about = client.get("/api/about").json()
    assert about["model"] == "retinanet-mobilenet" and "LiteRT" in about["device"]
    limits = [about[f"max_{limited}"] for limited in ("bytes", "pixels", "pictures")]
    assert limits == [32_000_000, 50_000_000, 20]
    assert client.get("/healthz").json() == {"status": "ok"}
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/detect", "/api/annotate", "/healthz", "/metrics"} <= set(paths)
    for path in ("/", "/docs", "/static/page.js", "/static/page.css"):
        assert client.get(path).status_code == 200


def test_metrics_count_pictures_faces_and_requests(client: httpx.Client):
    from prometheus_client.parser import text_string_to_metric_families as parse

    def counted() -> dict[tuple[str, str], float]:
        families = parse(client.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        return {(s.name, "/".join(s.labels.values())): s.value for s in samples}

    client.get("/metrics")
    before = counted()
    (image,) = client.post("/api/detect", files=form(HOPPER)).json()["images"]
    client.get("/no-such-page/../../etc/passwd")
    after = counted()
    grown = {key: after[key] - before.get(key, 0) for key in after}
    assert grown["maskdet_pictures_total", ""] == 1
    assert image["detections"]
    for state, count in image["counts"].items():
        assert grown["maskdet_faces_total", state] == count
    assert grown["maskdet_batch_pictures_count", ""] == 1
    assert grown["maskdet_requests_total", "/api/detect/200"] == 1
    assert grown["maskdet_requests_total", "other/404"] == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8000"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST:8000"}, 200),
        ({"Host": "192.168.1.7:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "[::1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:2"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_sites_cannot_use_it(
    client: httpx.Client, headers: dict[str, str], status: int
):
    answer = client.post("/api/detect", content=PNG, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 421:
        assert client.get("/", headers=headers).status_code == 421


def test_every_answer_is_guarded_and_not_kept(client: httpx.Client):
    answers = [client.get("/"), client.get("/nowhere"), client.post("/api/detect", content=PNG)]
    answers.append(client.get("/", headers={"Host": "evil.example"}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers, "nobody need know what serves it"
        assert "access-control-allow-origin" not in answer.headers


def test_the_page_asks_no_other_server(client: httpx.Client):
    scripts = ("page.js", "card.js", "camera.js", "zip.js", "faces.js", "options.js", "api.js")
    for name in (*scripts, "index.html", "api.html", "page.css", "icon.svg"):
        text = client.get(f"/static/{name}").text
        assert "//" not in text.replace("http://www.w3.org/2000/svg", "").replace("// ", ""), name
