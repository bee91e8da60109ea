"""Makes pictures without faces to learn from: textures, photographs, objects on backgrounds.

A detector that has seen people alone takes wheels, clocks, the moon and fruit for faces. Debian has
pictures of such things under free licenses (GPL-2+, CC-BY, CC-BY-SA; each package's `copyright`):

    mkdir packages && cd packages
    apt-get download gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 \
      mate-backgrounds palapeli-data plasma-workspace-wallpapers sway-backgrounds \
      tuxpaint-stamps-default ufoai-textures ukui-wallpapers
    for file in *.deb; do dpkg -x $file ${file%%_*}; done
    python tools/things_without_faces.py packages DATA/things

Then ``--set 'train=[…, {source: things/learn, without_faces: true}]'`` learns them, and
``things/check``, of other things, shows how many are still taken for faces. Streets, cars and their
wheels, road signs and dials are in another package (GPL-2+, Free Art License), to be unpacked in a
folder of its own:

    mkdir road && cd road && apt-get download torcs-data && dpkg -x torcs-data_*.deb torcs-data
    python tools/things_without_faces.py road DATA/road
"""

from __future__ import annotations

import hashlib
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, UnidentifiedImageError

LONG_SIDE = 640
VIEW = (640, 480)
LEARNED, CHECKED = 700, 150
"""Composed pictures of each side."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tga", ".rgb")
_MAP = re.compile(r"(?:_(?:nm|gm|sm|rm|norm|gloss|glow|nmap))$")
"""How the names of textures end that show no color but relief or gloss."""
_FACES = re.compile(
    r"santa|elf|angel|nutcracker|doll|scarecrow|snowm|face|mask|skull|clown|human|people|man\b|woman"
    r"|girl|boy|portrait|poster|statue|leader|soldier|jack|pumpkin|gingerbread|mag00|ufo2_1[45]"
    r"|egypt00|newspaper|japwall|ab_screens|books00[47]|glasses_|office_sep|friends_by"
    r"|uglies|^ppl|^advert-|^isl1|^pep1|^treec\d|^g[a-f]tree|^gspatree|^p[d-f]tree|topcrowd|tree_eva"
    r"|^splash-|^tux$",
    re.IGNORECASE,
)
"""Names of pictures that do show faces, or what one may take for them."""
_WHEELS = re.compile(r"^(?:wheel3d|tex-wheel)$")
"""Names of pictures of four wheels, two above two."""
_FOLDERS = re.compile(r"tex_(?:pics|anim|common)|/stamps/(?:symbols|people)/|/cartoon|screenshot")


def main(packages: Path, output: Path) -> None:
    """Reads the unpacked packages and writes `learn` and `check` below the output folder."""
    backgrounds: dict[bool, list[Image.Image]] = {True: [], False: []}
    objects: dict[bool, list[Image.Image]] = {True: [], False: []}
    for name, image in _pictures(packages):
        checked = _is_checked(name)
        if _WHEELS.search(Path(name).stem):
            objects[checked] += _four_wheels(image.convert("RGBA"))
        elif "/stamps/" in name or ("/torcs/" in name and _is_cut_out(image)):
            objects[checked].append(image.convert("RGBA"))
        elif np.asarray(flat := image.convert("RGB")).std() >= 4:  # else of one color
            flat.thumbnail((LONG_SIDE, LONG_SIDE))
            backgrounds[checked].append(flat)
    random = np.random.default_rng(11)
    for checked, folder, count in ((False, "learn", LEARNED), (True, "check", CHECKED)):
        (output / folder).mkdir(parents=True, exist_ok=True)
        composed = (_compose(backgrounds[checked], objects[checked], random) for _ in range(count))
        made = [*backgrounds[checked], *composed]
        for number, image in enumerate(made):
            image.save(output / folder / f"{number:04d}.jpg", quality=90)
        print(f"{output / folder}: {len(made)} pictures")


def _pictures(packages: Path) -> Iterator[tuple[str, Image.Image]]:
    """Every picture that shows no face, with its path."""
    for file in sorted(packages.rglob("*")):
        if file.suffix == ".pk3":
            with zipfile.ZipFile(file) as archive:
                for name in sorted(archive.namelist()):
                    yield from _opened(name, partial(_member, archive, name))
        elif file.is_file() and not file.is_symlink():
            yield from _opened(file.as_posix(), partial(Path, file))


def _member(archive: zipfile.ZipFile, name: str) -> BytesIO:
    return BytesIO(archive.read(name))


def _opened(name: str, content: Callable[[], Path | BytesIO]) -> Iterator[tuple[str, Image.Image]]:
    path = Path(name)
    wanted = path.suffix.lower() in SUFFIXES and not _MAP.search(path.stem)
    if not wanted or _FACES.search(path.stem) or _FOLDERS.search(name):
        return
    try:
        with Image.open(content()) as image:
            if min(image.size) >= 64:
                yield name, image.copy()
    except (UnidentifiedImageError, OSError, ValueError):  # the last of SGI files
        print(f"{name}: left out, cannot be read")


def _is_checked(name: str) -> bool:
    """One in five, and all pictures of one name but for their numbers alike."""
    family = re.sub(r"[\d_]+", "", Path(name).stem.lower())[:10]
    return int(hashlib.md5(family.encode()).hexdigest(), 16) % 5 == 0


def _is_cut_out(image: Image.Image) -> bool:
    """Whether a twentieth of it and more is transparent."""
    return image.mode == "RGBA" and float((np.asarray(image)[..., 3] < 128).mean()) > 0.05


def _four_wheels(image: Image.Image) -> list[Image.Image]:
    """The wheels of a picture, round; what lies on its right is the tread."""
    half = image.height // 2
    round_ = Image.new("L", (half, half))
    ImageDraw.Draw(round_).ellipse((0, 0, half - 1, half - 1), fill=255)
    wheels = []
    for left, top in ((0, 0), (half, 0), (0, half), (half, half)):
        wheel = image.crop((left, top, left + half, top + half))
        wheel.putalpha(round_)
        wheels.append(wheel)
    return wheels


def _compose(
    backgrounds: Sequence[Image.Image], objects: Sequence[Image.Image], random: np.random.Generator
) -> Image.Image:
    """Two to five objects of any size on a background."""
    view = backgrounds[int(random.integers(len(backgrounds)))].resize(VIEW)
    for _ in range(random.integers(2, 6)):
        thing = objects[int(random.integers(len(objects)))]
        factor = np.exp(random.uniform(np.log(40), np.log(420))) / max(thing.size)
        thing = thing.resize([max(1, round(side * factor)) for side in thing.size])
        free = np.maximum(np.array(VIEW) - thing.size, 0)
        left, top = random.integers(free + 1).tolist()
        view.paste(thing, (left, top), thing)
    return view


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} PACKAGES OUTPUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
