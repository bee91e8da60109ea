"""The protobuf message of the Object Detection API's data, without TensorFlow.

``tf.train.Example``, described by hand: the wire format needs the numbers and types of the fields,
nothing else.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "maskdet"
Feature = list[bytes] | list[float] | list[int]


def _field(
    name: str, number: int, kind: int, *, many: bool = False, of: str = "", packed: bool = False
) -> Any:
    field = _Field(name=name, number=number, type=kind)
    field.label = _Field.LABEL_REPEATED if many else _Field.LABEL_OPTIONAL
    if of:
        field.type_name = f".{_PACKAGE}.{of}"
    if packed:
        field.options.packed = True
    return field


def _described() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="maskdet.proto", package=_PACKAGE)
    message = _Field.TYPE_MESSAGE
    lists = {
        "BytesList": _field("value", 1, _Field.TYPE_BYTES, many=True),
        "FloatList": _field("value", 1, _Field.TYPE_FLOAT, many=True, packed=True),
        "Int64List": _field("value", 1, _Field.TYPE_INT64, many=True, packed=True),
    }
    for name, field in lists.items():
        file.message_type.add(name=name).field.append(field)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, of) in enumerate(
        (("bytes_list", "BytesList"), ("float_list", "FloatList"), ("int64_list", "Int64List")), 1
    ):
        field = _field(name, number, message, of=of)
        field.oneof_index = 0
        feature.field.append(field)
    features = file.message_type.add(name="Features")
    features.field.append(_field("feature", 1, message, many=True, of="Features.FeatureEntry"))
    entry = features.nested_type.add(name="FeatureEntry")  # a map is repeated pairs
    entry.options.map_entry = True
    entry.field.append(_field("key", 1, _Field.TYPE_STRING))
    entry.field.append(_field("value", 2, message, of="Feature"))
    file.message_type.add(name="Example").field.append(
        _field("features", 1, message, of="Features")
    )
    return file


_POOL = descriptor_pool.DescriptorPool()  # one of our own: TensorFlow fills the common one
_POOL.Add(_described())


_EXAMPLE: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def example_bytes(features: dict[str, Feature]) -> bytes:
    """Lists by key as a serialized ``tf.train.Example``; an empty list fits any type."""
    kinds = {bytes: "bytes_list", float: "float_list", int: "int64_list"}
    example = _EXAMPLE()
    for key, values in features.items():
        feature = example.features.feature[key]  # now it is there, if without a kind
        if values:
            getattr(feature, kinds[type(values[0])]).value.extend(values)
    return bytes(example.SerializeToString(deterministic=True))


def example_features(raw: bytes) -> dict[str, Feature]:
    """The lists of a serialized ``tf.train.Example`` by key.

    Raises:
        ValueError: it is none.
    """
    example = _EXAMPLE()
    try:
        example.ParseFromString(raw)
    except (DecodeError, RuntimeError) as error:
        raise ValueError(str(error)) from None
    found: dict[str, Feature] = {}
    for key, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        found[key] = list(getattr(feature, kind).value) if kind else []
    return found
