"""Files that are no detector are named for what they are, by every command, before labels count."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.errors import ModelError
from maskdet.runtimes import load_detector


def zipped(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return content.getvalue()


def plan(*kinds: str, name: str = "Functional") -> str:
    layers = [{"class_name": kind, "name": kind, "config": {}} for kind in kinds]
    return json.dumps({"class_name": name, "config": {"name": "m", "layers": layers}})


def h5(version: str, config: str | None) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        if config is None:
            file.create_group("layers")
        else:
            file.attrs["keras_version"] = version
            file.attrs["model_config"] = config
            file.create_group("model_weights")
    return content.getvalue()


LAMBDA = json.dumps(
    {
        "class_name": "Model",
        "config": {
            "layers": [
                {"class_name": "Lambda", "name": "x", "config": {}, "inbound_nodes": []},
                {"class_name": "UpsampleLike", "name": "y", "config": {}, "inbound_nodes": []},
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["y", 0, 0]],
        },
    }
)
CLASSIFIED = plan("InputLayer", "Conv2D", "Flatten", "Dense")
CAFFE = b"\x0a\x09MobileNet" + b"\xa2\x06\x03\x0a\x01x" * 5
META = b"\x0a\x04\x0a\x00\x12\x00" + b"\x12\x06\x0a\x04\x0a\x02ab"

FILES: dict[str, tuple[str, bytes, str]] = {
    "PyTorch": ("best.pt", zipped(best__data_dot_pkl="x"), "PyTorch file.*export it to ONNX"),
    "an old PyTorch file": ("best.pt", b"\x80\x02\x8a\x0a" + bytes(90), "pickle.*to ONNX"),
    "TorchScript": (
        "best.torchscript", zipped(m__code__a="x", m__constants_dot_pkl="x"), "TorchScript.*ONNX"),
    "Caffe": ("net.caffemodel", CAFFE, "a Caffe model; export it to ONNX"),
    "Caffe under another name": ("net.pb", CAFFE, "a Caffe model; export it to ONNX"),
    "Caffe's plan": ("deploy.prototxt", b'name: "x"\nlayer {\n}\n', "plan of Caffe"),
    "Darknet": ("yolo.weights", b"\0\0\0\0\2\0\0\0\5\0\0\0" + bytes(90), "weights of Darknet"),
    "TensorRT": ("best.engine", b"ftrt" + bytes(90), "TensorRT engine.*ONNX"),
    "OpenVINO": ("best.bin", bytes(99), "weights without their network"),
    "a checkpoint's graph": ("model.ckpt.meta", META, "training checkpoint.*export it"),
    "a checkpoint's index": (
        "model.ckpt-5.index", bytes(40) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb", "checkpoint"),
    "a Keras 3 classifier": (
        "m.keras", zipped(config_dot_json=CLASSIFIED, model_dot_weights_dot_h5="x"),
        "a Keras 3 model: a classifier"),
    "a Keras 3 network": (
        "m.keras", zipped(config_dot_json=plan("Conv2D"), model_dot_weights_dot_h5="x"),
        "a Keras 3 model, of which no detector"),
    "a Keras classifier": ("m.h5", h5("2.3.1", CLASSIFIED), "but a classifier: it names what an"),
    "a Keras 3 classifier in HDF5": (
        "m.h5", h5("3.4.1", plan("Dense", name="Sequential")), "but a classifier"),
    "a Keras 3 network in HDF5": ("m.h5", h5("3.4.1", plan("Conv2D")), "is a Keras 3 model"),
    "weights of Keras 3": ("m.h5", h5("", None), "only a model's weights"),
    "a Lambda": ("m.h5", h5("2.3.1", LAMBDA), "is a Lambda: it holds Python code"),
    "a cut-off graph": ("frozen.pb", b"\x0a\x50\x0a\x05image\x12\x0bPlace", "cut off or no frozen"),
    "a cut-off ONNX file": ("best.onnx", b"\x08", "no ONNX model, or is cut off"),
    "a pipeline": ("pipeline.config", b"# a\nmodel {\n  ssd {\n  }\n}\n", "a pipeline.config of"),
    "anchors": ("config.ini", b"[anchor_parameters]\nsizes = 32\n", "keras-retinanet's settings"),
    "a label map": ("x.pb", b"item { id: 1 name: 'mask' }", "a label map, not a model"),
    "Git LFS": (
        "best.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "reported"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("convert", [None, (), ("--card",)], ids=["open", "convert", "card"])
def test_a_file_is_named_for_what_it_is(
    tmp_path: Path, capfd, name: str, content: bytes, reported: str, convert
) -> None:
    """Without a label map: what it is comes first."""
    path = tmp_path / name
    path.write_bytes(content)
    if convert is None:
        with pytest.raises(ModelError, match=reported) as caught:
            load_detector(str(path))
        line = str(caught.value)
    else:
        if name.endswith(".pb") and "cut off" in reported and not convert:
            pytest.importorskip("tensorflow")
        assert main(["convert", str(path), str(tmp_path / "made.h5"), *convert]) == 2
        (line,) = [one for one in capfd.readouterr().err.splitlines() if one]
        assert re.search(reported, line)
    assert "\n" not in line and str(path) in line
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(
    ("name", "content", "reported"),
    [
        ("ssd.tar", b"x" * 257 + b"ustar\0" + bytes(300), "a tar archive; unpack it first"),
        ("ssd.7z", b"7z\xbc\xaf\x27\x1c" + bytes(90), "a 7z archive; unpack it first"),
        ("ssd.rar", b"Rar!\x1a\x07\0" + bytes(90), "a RAR archive; unpack it first"),
        ("haarcascade.xml", b'<?xml version="1.0"?>\n<opencv_storage>\n', "a cascade of OpenCV"),
    ],
)
def test_what_is_no_model_s_file_by_its_name_is_named_too(
    tmp_path: Path, name: str, content: bytes, reported: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name}: is {reported}") as caught:
        load_detector(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def checkpoint(folder: Path) -> str:
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-5"')
    (folder / "model.ckpt-5.index").write_bytes(b"x" * 20)
    (folder / "model.ckpt-5.data-00000-of-00001").write_bytes(b"x" * 20)
    return "holds a TensorFlow training checkpoint"


def trained(folder: Path) -> str:
    (folder / "best.pt").write_bytes(zipped(best__data_dot_pkl="x"))
    (folder / "args.yaml").write_text("a: 1")
    return "best.pt: is a PyTorch file"


def two(folder: Path) -> str:
    for name in ("best.pt", "last.pt"):
        (folder / name).write_bytes(b"x")
    return "name one of its files: best.pt, last.pt"


@pytest.mark.parametrize("build", [checkpoint, trained, two])
def test_a_folder_is_named_for_what_it_holds(
    tmp_path: Path, capfd, build: Callable[[Path], str]
) -> None:
    reported = build(tmp_path)
    with pytest.raises(ModelError, match=re.escape(reported)):
        load_detector(str(tmp_path))
    assert main(["convert", str(tmp_path), str(tmp_path / "made"), "--card"]) == 2
    assert reported in capfd.readouterr().err


def test_the_common_name_of_a_checkpoint_s_files(tmp_path: Path, capfd) -> None:
    checkpoint(tmp_path)
    prefix = str(tmp_path / "model.ckpt-5")
    with pytest.raises(ModelError, match="training checkpoint"):
        load_detector(prefix)
    assert main(["convert", prefix, str(tmp_path / "made.h5")]) == 2
    assert "training checkpoint" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [("graph.pbtxt", 'node {\n  name: "x"\n}\n'), ("labels.csv", "a.jpg,1,2,3,4,mask\n")],
)
def test_what_lies_beside_a_model_and_is_no_label_map_names_the_option(
    tmp_path: Path, name: str, text: str
) -> None:
    from maskdet.model.label_map import find_label_map, read_found_map

    (tmp_path / name).write_text(text)
    found = find_label_map(tmp_path / "model.pb")
    assert found == tmp_path / name
    with pytest.raises(ModelError, match="not a label map: name the right one with --labels"):
        read_found_map(found)


def test_arrays_are_no_model(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    with pytest.raises(ModelError, match="numpy's arrays"):
        load_detector(str(tmp_path / "x.npz"))


@pytest.mark.parametrize(("packing", "skip"), [(zipfile.ZIP_DEFLATED, 0), (zipfile.ZIP_LZMA, 4)])
def test_a_damaged_keras_archive_is_named(tmp_path: Path, packing: int, skip: int) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("config.json", "{}" * 40)
        archive.writestr("model.weights.h5", "")
    content = bytearray(path.read_bytes())
    begin = 30 + len("config.json") + skip
    content[begin : begin + 24] = b"\xff" * 24
    path.write_bytes(content)
    with pytest.raises(ModelError, match="zip archive that is cut off"):
        load_detector(str(path))
