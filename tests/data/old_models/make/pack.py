"""Packs made models: pack.py MADE TARGET; tests/helpers/old_models.py unpacks them."""

import lzma
import sys
from pathlib import Path

KEPT = ("frozen_inference_graph.pb", "saved_model.pb", "variables.*", "*.h5")


def main(made: Path, target: Path) -> None:
    for pattern in KEPT:
        for path in made.rglob(pattern):
            packed = target / path.relative_to(made).with_name(path.name + ".xz")
            packed.parent.mkdir(parents=True, exist_ok=True)
            packed.write_bytes(lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    for path in made.glob("*.npz"):
        (target / path.name).write_bytes(path.read_bytes())


main(Path(sys.argv[1]), Path(sys.argv[2]))
