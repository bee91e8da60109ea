"""TensorFlow's own files, graphs and SavedModels, as functions; and where they compute.

A graph is data that TensorFlow runs, yet some of its operations reach out: to files, to the
network, to Python. A detector needs none of them, so a file that holds one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from maskdet.errors import ModelError, reason_of
from maskdet.system.console import counted

MAX_BYTES = 2**31 - 1
"""No protobuf can be larger."""

_REACHING_OUT = re.compile(
    r"(Eager)?PyFunc.*|ReadFile|WriteFile|MatchingFiles|LoadLibrary|.*Reader(V\d)?|PrintV\d"
    r"|.*Dataset(V\d)?|.*Iterator.*|.*SummaryWriter|Write.*Summary|.*SummaryFileWriter|Debug.*"
    r"|_?(Host)?(Send|Recv)|RemoteCall|.*Rpc.*|InitializeTableFromTextFile.*|LMDB.*|DumpLiteral"
    r"|Save|SaveSlices|Restore|RestoreSlice|Collective.*|.*Infeed.*|.*Outfeed.*|.*Server.*"
)
_PARSING = re.compile(r"Parse(Single)?(Sequence)?Example(V\d)?")
_TRACE = re.compile(
    r"Graph execution error|Detected at|Stack trace|<stack|File |\[\[|\d+ root error"
)
_SIGNATURE = "serving_default"
_CHECKPOINTS = ("SaveV2", "RestoreV2", "MergeV2Checkpoints")
"""Every SavedModel holds them to read its own weights; a frozen graph has no need of them."""


def placement(device: str) -> tuple[str | None, bool, str]:
    """Where to compute: a device for `tf.device`, whether it is a GPU, and its name for people.

    Args:
        device: auto, cpu or gpu.

    Raises:
        ModelError: a GPU is asked for and there is none.
    """
    gpus = [] if device == "cpu" else tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # too late: it has computed there
            break
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return None, True, f"{details.get('device_name', 'GPU')} (TensorFlow)"
    if device == "gpu":
        raise ModelError(
            "--device gpu: TensorFlow finds no GPU; install a driver and a GPU build of TensorFlow "
            "(pip install 'tensorflow[and-cuda]'), or use --device cpu"
        )
    return "/CPU:0", False, "CPU (TensorFlow)"


def graph_function(
    path: Path, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[Callable[[Any], dict[str, Any]], Any]:
    """A frozen graph as a function of one input.

    Args:
        path: a GraphDef file.
        inputs: what the input may be called; the first that is there counts.
        outputs: what the outputs are called; all names may have a scope before them, as those of
            a graph that was imported into another one have (``import/``).

    Returns:
        The function, from a tensor to tensors by output name; and the graph's input tensor.

    Raises:
        ModelError: the file is broken, or has other inputs or outputs, or reaches out.
    """
    graph = tf.compat.v1.GraphDef()
    _parse(graph, path, "frozen graph")
    nodes = {node.name for node in graph.node}
    scope = _scope(nodes, outputs)
    entry = next((name for name in (scope + own for own in inputs) if name in nodes), None)
    missing = [name for name in outputs if scope + name not in nodes]
    if entry is None or missing:
        lacking = missing[0] if missing else f"input named {' or '.join(inputs)}"
        raise ModelError(
            f"{path}: is a TensorFlow graph, but no detector of the Object Detection API: it has "
            f"no {lacking}"
        )
    scoped = {name: scope + name for name in outputs}
    used = [*_used(graph, [*scoped.values()]), *_in_functions(graph)]
    _refuse_reaching_out(path, used)
    _refuse(path, used, _CHECKPOINTS)
    try:
        whole = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
        tensor = whole.graph.get_tensor_by_name(f"{entry}:0")
        function = whole.prune(tensor, {name: f"{own}:0" for name, own in scoped.items()})
    except (tf.errors.OpError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: TensorFlow cannot build its graph: {one_line(error)}") from None
    return function, tensor


def _scope(nodes: Set[str], outputs: Sequence[str]) -> str:
    """The scope of a graph's outputs, with its slash; empty: they have none, or are not there."""
    first = outputs[0]
    scopes = {name.removesuffix(first) for name in nodes if name.endswith(f"/{first}")} | {""}
    fitting = [scope for scope in scopes if all(scope + name in nodes for name in outputs)]
    return min(fitting, key=len, default="")


def signature(folder: Path, outputs: Sequence[str]) -> tuple[Callable[[Any], dict[str, Any]], Any]:
    """A SavedModel's signature as a function of its one input.

    ``serving_default``, or where that is not a detector's, another one that is.

    Returns:
        The function, from a tensor to tensors by output name; and the signature's input tensor.

    Raises:
        ModelError: the folder is broken, or has other inputs or outputs, or reaches out.
    """
    path = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel()
    _parse(model, path, "SavedModel")
    for meta in model.meta_graphs:
        _refuse_reaching_out(path, [*meta.graph_def.node, *_in_functions(meta.graph_def)])
    meta, key = _detector_signature(path, model, outputs)
    (name,) = meta.signature_def[key].inputs
    try:
        loaded = tf.saved_model.load(str(folder), tags=list(meta.meta_info_def.tags))
        function = loaded.signatures[key]
    except Exception as error:  # a broken file may fail anywhere in TensorFlow
        raise ModelError(f"{path}: TensorFlow cannot load it: {one_line(error)}") from None

    def run(value: Any) -> dict[str, Any]:
        _ = loaded  # holds the variables: the function alone does not
        return function(**{name: value})

    return run, function.inputs[0]


def _detector_signature(path: Path, model: Any, outputs: Sequence[str]) -> tuple[Any, str]:
    """The part and the signature of a SavedModel that are a detector's.

    Read before its graph is built, which is slow.

    Raises:
        ModelError: there is none.
    """
    found = [
        (meta, key)
        for meta in model.meta_graphs
        for key in sorted(meta.signature_def, key=lambda key: (key != _SIGNATURE, key))
        if not key.startswith("__")
    ]
    for meta, key in found:
        given = meta.signature_def[key]
        if len(given.inputs) == 1 and all(name in given.outputs for name in outputs):
            return meta, key
    if not found:
        raise ModelError(
            f"{path}: has no signature; no exported model. Save it with one: m = "
            "tf.saved_model.load(FOLDER); tf.saved_model.save(m, NEW_FOLDER, "
            f"signatures={{'{_SIGNATURE}': m.__call__.get_concrete_function("
            "tf.TensorSpec(SHAPE, tf.uint8))}), SHAPE being what it was called with"
        )
    meta, key = found[0]
    given = meta.signature_def[key]
    there = ", ".join(sorted(given.outputs))[:200]
    raise ModelError(
        f"{path}: is a SavedModel, but no detector of the Object Detection API: its signature "
        f"{key:.60} takes {counted(len(given.inputs), 'input')} and gives {there}; save it with "
        f"one that takes an image and gives {', '.join(outputs)}"
    )


def parses_examples(graph: Any) -> bool:
    """Whether a graph, or a function in it, takes a ``tf.train.Example`` apart."""
    definition = graph.as_graph_def()
    nodes = [*definition.node, *_in_functions(definition)]
    return any(_PARSING.fullmatch(node.op) for node in nodes)


def one_line(error: Exception) -> str:
    """An error without TensorFlow's headings and traces around it."""
    text = str(getattr(error, "message", "")) or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if not _TRACE.match(line)]
    return f"{(reasons or lines or [type(error).__name__])[0]:.200}"


def _parse(message: Any, path: Path, what: str) -> None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: larger than 2 GiB; no {what}")
        message.ParseFromString(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {reason_of(error)}") from None
    except DecodeError:
        raise ModelError(f"{path}: is cut off or no {what}; get it again") from None


def _used(graph: Any, outputs: Sequence[str]) -> list[Any]:
    """The nodes that a graph's outputs need; no other is ever run."""
    nodes = {node.name: node for node in graph.node}
    wanted, used = list(outputs), {}
    while wanted:
        name = wanted.pop().lstrip("^").partition(":")[0]
        if name in nodes and name not in used:
            used[name] = nodes[name]
            wanted += nodes[name].input
    return list(used.values())


def _in_functions(graph: Any) -> list[Any]:
    return [node for function in graph.library.function for node in function.node_def]


def _refuse_reaching_out(path: Path, nodes: Iterable[Any]) -> None:
    _refuse(path, nodes, [n.op for n in nodes if _REACHING_OUT.fullmatch(n.op)])


def _refuse(path: Path, nodes: Iterable[Any], operations: Sequence[str]) -> None:
    for node in nodes:
        if node.op in operations:
            raise ModelError(
                f"{path}: refused: its operation {node.op} ({node.name:.60}) reaches out of the "
                "graph, which no detector needs"
            )
