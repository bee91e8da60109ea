"""Opening of models: resolved once, then opened by their kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from math import inf
from numbers import Real
from typing import Any, Unpack, cast, get_args

from maskdet.contracts import Detector
from maskdet.errors import ModelError
from maskdet.model.card import ModelCard
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.runtimes.adaptive_side import AdaptiveSideDetector, ResizableDetector
from maskdet.runtimes.decoding import Decoder, decoder_for
from maskdet.runtimes.legacy.labels import states_of_names
from maskdet.runtimes.legacy.opening import open_graph, open_keras_retinanet
from maskdet.runtimes.looks.agreement import MIN_AGREED_SCORE
from maskdet.runtimes.looks.multi_look import SMALL_SIDE, MultiLookDetector
from maskdet.runtimes.looks.plan import MAX_LOOKS, Looks
from maskdet.runtimes.spec import Device, ModelOptions, ModelSpec, resolve
from maskdet.runtimes.tensorflow_import import quiet_import
from maskdet.system.extras import missing_line

_RIGHT = {
    "looks": f'"auto" or a number from 1 to {MAX_LOOKS}',
    "device": '"auto", "cpu" or "gpu"',
    "side": '"auto" or a number of pixels',
    "min_score": "a number from 0 to 1",
}
"""What an option may be, for people."""


def load_detector(
    model: str = DEFAULT_MODEL,
    *,
    looks: Looks = 1,
    budget_s: float | None = None,
    **options: Unpack[ModelOptions],
) -> Detector:
    """Opens a model.

    Args:
        model: a folder's name under `models/`, the path of a model folder, or that of a
            third-party or legacy model: see `maskdet.runtimes.file_formats`.
        looks: how often it processes each image: ``"auto"`` finds close and small faces, too, as
            the commands do; see `maskdet.runtimes.looks`.
        budget_s: seconds that all looks at an image may take; None: any.
        options: what is wanted of it, as `maskdet.runtimes.spec.ModelOptions` has it.

    Raises:
        ModelError: there is no such model, or it is broken; or no GPU where one was asked for.
        TypeError: there is no such option.
        ValueError: ``looks``, ``device``, ``side`` or ``min_score`` cannot be that.

    Example:
        >>> import maskdet
        >>> detector = maskdet.load_detector(looks="auto", device="cpu", min_score=0.4)
        >>> detector.name, detector.device
        ('retinanet-mobilenet', 'CPU (LiteRT)')
        >>> detector.detect([])
        []
        >>> detector.close()
    """
    _check_options(looks, options)
    return open_model(resolve(model, **options), looks=looks, budget_s=budget_s)


def _check_options(looks: Looks, options: ModelOptions) -> None:
    known = ModelOptions.__annotations__
    for unknown in sorted(options.keys() - known.keys()):
        near = get_close_matches(unknown, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise TypeError(f"load_detector has no option {unknown}; {hint}")
    device, side = options.get("device", "auto"), options.get("side")
    score = options.get("min_score")
    rights = {
        "looks": (looks, looks == "auto" or looks in range(1, MAX_LOOKS + 1)),
        "device": (device, device in get_args(Device)),
        "side": (side, side in (None, "auto") or _is_number(side, 1, inf)),
        "min_score": (score, score is None or _is_number(score, 0, 1)),
    }
    for name, (value, is_right) in rights.items():
        if not is_right:
            raise ValueError(f"{name} is {value!r}; it must be {_RIGHT[name]}")


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, Real) and least <= float(value) <= most


def open_model(spec: ModelSpec, *, looks: Looks = 1, budget_s: float | None = None) -> Detector:
    """Opens a model that was resolved.

    Args:
        spec: of the model.
        looks: see `maskdet.runtimes.looks`; a model of another system looks once.
        budget_s: seconds that all looks at an image may take; None: any.

    Raises:
        ModelError: it is broken, or there is no GPU where one was asked for.
    """
    looks_once = looks == 1 or not spec.is_own
    doubtful = spec.rule.without_rejection(min(MIN_AGREED_SCORE, spec.rule.lowest_score))
    detector = OPENERS[spec.kind](spec if looks_once else replace(spec, rule=doubtful))
    if spec.sides:
        detector = AdaptiveSideDetector(cast(ResizableDetector, detector), spec.sides)
    if looks_once:
        return detector
    assert spec.side is not None and spec.card is not None
    own = spec.card.rule  # what it leaves in doubt stays so for a caller who wants all boxes
    settled = own if spec.rule.lowest_score < own.lowest_score else spec.rule
    small = None
    if spec.side > 2 * SMALL_SIDE:
        kind = "litert" if spec.kind == "litert_gpu" and not spec.demanded else spec.kind
        small = OPENERS[kind](replace(spec, kind=kind, side=SMALL_SIDE, sides=(), rule=doubtful))
    return MultiLookDetector(
        detector,
        spec.side,
        looks,
        small=small,
        rule=spec.rule,
        settled=settled,
        budget_s=budget_s,
    )


def _decoder(spec: ModelSpec, card: ModelCard) -> Decoder:
    try:
        return decoder_for(card.network, card.options, spec.rule)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"model '{card.name}': options of the card are wrong: {error}") from None
    except ValueError as error:
        raise ModelError(f"model '{card.name}': {error}") from None


def _own(spec: ModelSpec) -> tuple[Decoder, ModelCard, int]:
    """The needs of every runtime of our own networks: decoder, card and side of the input."""
    assert spec.card is not None and spec.side is not None
    return _decoder(spec, spec.card), spec.card, spec.side


def _open_litert(spec: ModelSpec) -> Detector:
    from maskdet.runtimes.litert import LiteRtDetector

    decoder, card, side = _own(spec)
    return LiteRtDetector(spec.file, decoder, name=card.name, side=side)


def _open_litert_gpu(spec: ModelSpec) -> Detector:
    """Beside the file for the CPU, the one for the GPU, which is quicker with floats."""
    from maskdet.runtimes.gpu.litert_gpu import LiteRtGpuDetector

    decoder, card, side = _own(spec)
    quick = spec.files.get("litert", spec.file)
    demanded = spec.demanded
    return LiteRtGpuDetector(
        spec.file, quick, decoder, name=card.name, side=side, demanded=demanded
    )


def _open_onnx(spec: ModelSpec) -> Detector:
    from maskdet.runtimes.onnx_runtime import OnnxDetector

    decoder, card, side = _own(spec)
    return OnnxDetector(
        spec.file, decoder, name=card.name, side=side, engine=spec.kind, device=spec.device
    )


def _open_keras(spec: ModelSpec) -> Detector:
    decoder, card, side = _own(spec)
    try:
        with quiet_import():
            from maskdet.networks.plans import plan_from_options
            from maskdet.runtimes.keras_runtime import KerasDetector
    except ModuleNotFoundError as error:
        missing = missing_line(error.name or "keras", "train")
        raise ModelError(f"model '{card.name}' (keras): {missing}") from None
    return KerasDetector(
        spec.file,
        plan_from_options(card.options, card.network),
        decoder,
        name=card.name,
        side=side,
        device=spec.device,
        batch=spec.batch,
    )


def _open_graph(spec: ModelSpec) -> Detector:
    return open_graph(
        spec.detected, spec.states or {}, spec.rule, name=spec.name, device=spec.device,
        side=spec.side,
    )  # fmt: skip


def _open_keras_retinanet(spec: ModelSpec) -> Detector:
    size = (spec.card.input.height, spec.card.input.width) if spec.card else None
    return open_keras_retinanet(
        spec.detected, spec.states or {}, spec.rule, name=spec.name, device=spec.device,
        side=spec.side, sides=(min(size), max(size)) if size else None,
    )  # fmt: skip


def _open_third_party(spec: ModelSpec) -> Detector:
    """The card's states, or those of the class names that the file, or a label map, has."""
    from maskdet.runtimes.third_party.opening import open_third_party, open_with_states

    model, states = spec.detected, spec.states
    where: dict[str, Any] = {"name": spec.name, "device": spec.device, "side": spec.side}
    if states is not None:
        return open_with_states(model, states, spec.rule, **where)
    return open_third_party(
        model,
        lambda names: states_of_names(model.path, names, spec.classes),
        spec.rule,
        labels=spec.labels,
        **where,
    )


OPENERS: dict[str, Callable[[ModelSpec], Detector]] = {
    "litert": _open_litert,
    "litert_gpu": _open_litert_gpu,
    "onnx": _open_onnx,
    "openvino": _open_onnx,
    "keras": _open_keras,
    "frozen_graph": _open_graph,
    "saved_model": _open_graph,
    "keras_retinanet": _open_keras_retinanet,
    "third_party": _open_third_party,
}
"""What opens each kind of model, a line each."""
