"""The weights that a run starts from: ImageNet's, an earlier run's, or another model's."""

from __future__ import annotations

import warnings
from pathlib import Path

from maskdet.errors import ConfigError, ModelError, one_line
from maskdet.model.card import model_file, read_card
from maskdet.networks import backbones
from maskdet.networks.plans import Network, build_network, plan_from_options

RANDOM = "none"
"""``imagenet: none`` starts from random weights."""


def load_start(network: Network, start: str, imagenet: str) -> None:
    """Fills the network with the weights that it starts from.

    Args:
        network: built.
        start: weights of the same network, or a model's folder: what fits of that model is taken,
            be it another network; empty: only the backbone is filled, from ImageNet.
        imagenet: a file of its ImageNet weights; empty: Keras downloads them.

    Raises:
        ConfigError: they cannot be used.
    """
    file = start or imagenet
    try:
        with warnings.catch_warnings():  # before an error Keras warns of each layer it concerns
            warnings.simplefilter("ignore")
            if Path(start).is_dir() and start:
                _take_from_model(network, Path(start))
            elif start:
                network.load_weights(file)
            else:
                source = Path(file) if file else None
                backbones.load_imagenet(network, network.plan.backbone, source)
    except Exception as error:  # a failed download raises a plain one, a broken file anything
        if file or isinstance(error, ValueError):
            name = f"{file}: " if file else ""
            raise ConfigError(f"{name}starting weights cannot be used: {one_line(error)}") from None
        raise ConfigError(
            f"ImageNet weights of {network.plan.backbone} cannot be downloaded "
            f"({one_line(error)}); give a file as setting 'imagenet', or 'none' to start from "
            "random weights"
        ) from None


def _take_from_model(network: Network, folder: Path) -> None:
    """Copies the layers of a model that have the same name and shapes.

    Raises:
        ModelError: the folder holds no such model, or nothing in it fits.
    """
    card = read_card(folder)
    source = build_network(plan_from_options(card.options, card.network))
    source.load_weights(model_file(folder, card, "keras"))
    own = {layer.name: layer for layer in backbones.all_layers(network) if layer.weights}
    taken = 0
    for layer in backbones.all_layers(source):
        same = own.get(layer.name)
        if same and [w.shape for w in same.weights] == [w.shape for w in layer.weights]:
            same.set_weights(layer.get_weights())
            taken += 1
    if not taken:
        raise ModelError(f"nothing of {card.name} fits this network")
