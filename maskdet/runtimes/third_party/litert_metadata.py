"""Metadata of LiteRT files: class names and normalization as common exporters store them.

Two ways: a zip archive at the file's end (ultralytics' ``metadata.json``, YOLOv5's
``temp_meta.txt``, label files of TensorFlow Lite's metadata writers), and a flatbuffer in the file
(TensorFlow Lite's metadata schema, of which only the normalization is read).
"""

from __future__ import annotations

import ast
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskdet.model.label_lists import parse_label_list
from maskdet.runtimes.unsupported_formats import ARCHIVE_ERRORS

POST_PROCESS = b"TFLite_Detection_PostProcess"
_MAX_BYTES = 1024 * 1024
_BROKEN = (struct.error, IndexError, TypeError, ValueError, AttributeError, RecursionError)


@dataclass(frozen=True)
class LiteRtMetadata:
    """The file's description of itself.

    Attributes:
        texts: by name; ``names`` are the classes.
        normalization: mean and deviation of pixels; None where it has none.
        post_process: tensor numbers of boxes, classes, scores and count; None without suppression
            in the file.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    normalization: tuple[float, float] | None = None
    post_process: tuple[int, int, int, int] | None = None


def read_litert_metadata(path: Path) -> LiteRtMetadata:
    """Reads a file that LiteRT has opened; parts that are broken count as missing."""
    normalization, post_process = None, None
    try:
        from ai_edge_litert import schema_py_generated as schema

        model: Any = schema.Model.GetRootAs(path.read_bytes(), 0)
        post_process = _post_process(model)
        normalization = _normalization(model)
    except _BROKEN:
        pass
    return LiteRtMetadata(_archived(path), normalization, post_process)


def _post_process(model: Any) -> tuple[int, int, int, int] | None:
    graph = model.Subgraphs(0)
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        if code.CustomCode() == POST_PROCESS and operator.OutputsLength() == 4:
            first, second, third, fourth = (operator.Outputs(i) for i in range(4))
            return first, second, third, fourth
    return None


def _normalization(model: Any) -> tuple[float, float] | None:
    """Of the first input, by the field numbers of the metadata schema."""
    import flatbuffers
    from flatbuffers import number_types

    for index in range(model.MetadataLength()):
        if model.Metadata(index).Name() != b"TFLITE_METADATA":
            continue
        data = model.Buffers(model.Metadata(index).Buffer()).DataAsNumpy().tobytes()
        root = flatbuffers.table.Table(data, struct.unpack_from("<I", data)[0])
        graph = _child(_child(root, 3, 0), 2, 0)  # subgraph_metadata, input_tensor_metadata
        for number in range(_length(graph, 4)):  # process_units
            unit = _child(graph, 4, number)
            if not _offset(unit, 0) or unit.Get(number_types.Uint8Flags, _at(unit, 0)) != 1:
                continue
            options = flatbuffers.table.Table(data, 0)
            unit.Union(options, _offset(unit, 1))
            mean, deviation = (
                options.Get(number_types.Float32Flags, options.Vector(_offset(options, slot)))
                for slot in (0, 1)
            )
            return (float(mean), float(deviation)) if deviation else None
    return None


def _offset(table: Any, slot: int) -> int:
    return int(table.Offset(4 + 2 * slot))


def _at(table: Any, slot: int) -> int:
    return int(table.Pos + _offset(table, slot))


def _length(table: Any, slot: int) -> int:
    return int(table.VectorLen(_offset(table, slot))) if _offset(table, slot) else 0


def _child(table: Any, slot: int, index: int) -> Any:
    import flatbuffers

    if index >= _length(table, slot):
        raise IndexError(slot)
    place = table.Vector(_offset(table, slot)) + 4 * index
    return flatbuffers.table.Table(table.Bytes, table.Indirect(place))


def _archived(path: Path) -> dict[str, str]:
    """Texts in a zip archive at the end of the file."""
    texts: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist()[:20]:
                with archive.open(name) as file:
                    text = file.read(_MAX_BYTES).decode("utf-8-sig")
                for key, value in _parsed(name, text).items():
                    texts.setdefault(key, value)
    except (UnicodeDecodeError, *ARCHIVE_ERRORS):
        return texts
    return texts


def _parsed(name: str, text: str) -> dict[str, str]:
    try:
        values = json.loads(text) if name.endswith(".json") else ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        values = None
    if isinstance(values, Mapping):
        return {str(key): str(value) for key, value in values.items()}
    if name.endswith(".txt"):
        return {"names": str(parse_label_list(text))}
    return {}
