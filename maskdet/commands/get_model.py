"""Fetches a model's files from a folder or an address, and verifies them before they are used."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote, unquote, urlsplit

from maskdet import __version__
from maskdet.config import MAX_BYTES
from maskdet.errors import ConfigError, ModelError, reason_of
from maskdet.model.card import CARD_NAME, model_file, read_card
from maskdet.system.console import as_typed, say
from maskdet.system.redaction import mask_password

TIMEOUT_S = 30.0
"""Seconds of silence after which a server counts as gone."""
MAX_FILE_BYTES = 4 << 30
_CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"\w[\w.+-]*")


def get(name: str, origin: str | None, shipped: Path, target: Path) -> Path:
    """Puts a whole model under `target`; what is not verified is not left there.

    Args:
        name: of a model whose card ships, or the address or folder of any model.
        origin: the folder or address (``http``, ``https``, ``file``) to fetch from: of the model,
            of the folder above it, or of the model's only file.
        shipped: the folder with the shipped cards: by their checksums files are verified.
        target: the folder that the model's folder is made in.

    Returns:
        The model's folder.

    Raises:
        ConfigError: no origin is named.
        ModelError: it is there, and the origin has another of that name; it cannot be fetched, or
            is not what its card describes; one line.
    """
    name, origin = _name_and_origin(name, origin, shipped)
    known = shipped / name
    is_known = (known / CARD_NAME).is_file()
    for folder in (known, target / name):
        if is_known and _is_there(folder, known):
            _refuse_other(name, origin, folder)
            unused = f"; nothing is fetched from {mask_password(origin)}" if origin else ""
            say(f"{name} is already in {folder}, its checksums verified{unused}")
            return folder
    if origin is None:
        there = ", ".join(sorted(card.parent.name for card in shipped.glob(f"*/{CARD_NAME}")))
        raise ConfigError(
            f"no address of {name!r} is known: name a checkout's models/ folder, or an address "
            f"that has its files: {as_typed('models get')} {name} --from FOLDER_OR_URL"
            + ("" if is_known else f" (models of this version: {there})")
        )
    with _new_folder(target, name) as folder:
        _fetch(name, origin, known if is_known else None, folder)
    return target / name


def _name_and_origin(name: str, origin: str | None, shipped: Path) -> tuple[str, str | None]:
    """The model's name, and its origin, which may stand in the place of the name.

    Raises:
        ConfigError: it is neither a name nor a place.
    """
    if _NAME.fullmatch(name) and (shipped / name / CARD_NAME).is_file():
        return name, origin
    if origin is None and (Path(name).exists() or "://" in name):
        return _last_part(name), name
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{mask_password(name)}: no such folder; write an address with ://")
    return name, origin


def _fetch(name: str, origin: str, known: Path | None, folder: Path) -> None:
    """Puts the card and all files of a model into a folder, verified by the card.

    Args:
        name: of the model.
        origin: where from.
        known: the folder with its shipped card; None: the card is fetched, too.
        folder: to be filled.

    Raises:
        ModelError: it cannot be fetched, or is not what its card describes.
    """
    places = _places(origin, name)
    if known is not None:
        shutil.copyfile(known / CARD_NAME, folder / CARD_NAME)
    else:
        say(_fetch_first(places, CARD_NAME, folder / CARD_NAME, MAX_BYTES))
        say(f"{name} is not one of this version's models: verified by the card fetched with it")
    card = read_card(folder)
    if card.name != name:
        raise ModelError(f"{mask_password(origin)}: its card is of the model {card.name!r}")
    files = sorted({file.file for file in card.files.values()})
    if len(files) == 1 and _last_part(origin) == Path(files[0]).name:
        places = [_parent(origin)]
    for file in files:
        say(_fetch_first(places, file, folder / file, MAX_FILE_BYTES))
    for kind in card.files:
        model_file(folder, card, kind)  # raises where the checksum is another


def _is_there(folder: Path, known: Path) -> bool:
    """Whether a model is whole, and the one of the shipped card."""
    try:
        if (folder / CARD_NAME).read_bytes() != (known / CARD_NAME).read_bytes():
            return False
        card = read_card(folder)
        for kind in card.files:
            model_file(folder, card, kind)
    except (ModelError, OSError):
        return False
    return True


def _refuse_other(name: str, origin: str | None, folder: Path) -> None:
    """Compares a model that is there with the origin's card, where that can be read.

    Raises:
        ModelError: the origin has another model of that name, one's own training of it, say.
    """
    if origin is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            _fetch_first(_places(origin, name), CARD_NAME, Path(scratch) / CARD_NAME, MAX_BYTES)
            there = read_card(Path(scratch))
        except ModelError:
            return  # what is here is verified
    here = read_card(folder)
    sums = [{file.sha256 for file in card.files.values()} for card in (here, there)]
    if there.name == name and not sums[0] & sums[1]:
        raise ModelError(
            f"{mask_password(origin)} has another model {name!r} than this version, whose own is in"
            f" {folder}; use it by its folder's path: --model FOLDER"
        )


@contextmanager
def _new_folder(target: Path, name: str) -> Iterator[Path]:
    """A folder to be filled, which takes its name only when that is done."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=target))
        folder.chmod(0o755)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {reason_of(error)}") from None
    try:
        yield folder
        shutil.rmtree(target / name, ignore_errors=True)  # of another version, or damaged
        os.replace(folder, target / name)
    except OSError as error:
        raise ModelError(f"{target / name}: cannot be written: {reason_of(error)}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _places(origin: str, name: str) -> list[str]:
    """Where the files may be: in the folder named, or in the model's folder inside of it."""
    inside = _join(origin, name)
    return [origin] if _last_part(origin) == name else [inside, origin]


def _fetch_first(places: list[str], file: str, to: Path, limit: int) -> str:
    """Fetches a file from the first place that has it; returns a line about what came.

    Raises:
        ModelError: none has it.
    """
    for number, place in enumerate(places):
        address = _join(place, file)
        try:
            with _open(address) as source:
                return _copy(source, to, address, limit)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            is_last = number == len(places) - 1
            is_absent = isinstance(error, FileNotFoundError) or (
                isinstance(error, urllib.error.HTTPError) and error.code in (403, 404, 410)
            )
            if is_last or not is_absent:
                tried = " nor ".join(mask_password(_join(p, file)) for p in places[: number + 1])
                raise ModelError(f"cannot fetch {tried}: {_reason(error)}") from None
    raise ValueError("no places")


def _copy(source: BinaryIO, to: Path, address: str, limit: int) -> str:
    """Copies to the end; returns a line about what came."""
    to.parent.mkdir(parents=True, exist_ok=True)
    size, digest = 0, hashlib.sha256()
    with to.open("wb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise ModelError(f"{mask_password(address)}: larger than {limit >> 10} KiB")
            digest.update(chunk)
            file.write(chunk)
    wanted = getattr(source, "length", None)  # bytes of a response that did not come
    if wanted:
        raise ModelError(f"{mask_password(address)}: cut off after {size} bytes; try again")
    return f"{to.name}: {size / 1e6:.1f} MB, sha256 {digest.hexdigest()[:12]}…"


def _open(address: str) -> BinaryIO:
    """Opens a path or an address for reading."""
    if "://" not in address:
        return open(address, "rb")
    parts = urlsplit(address)
    if parts.scheme == "file":
        return open(urllib.request.url2pathname(parts.path), "rb")
    if parts.scheme not in ("http", "https"):
        raise ModelError(f"{mask_password(address)}: only http, https and file are fetched from")
    request = urllib.request.Request(address, headers={"User-Agent": f"maskdet/{__version__}"})
    return cast(BinaryIO, urllib.request.urlopen(request, timeout=TIMEOUT_S))


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return error.reason if isinstance(error.reason, str) else reason_of(error.reason)
    return reason_of(error)


def _join(place: str, name: str) -> str:
    if "://" not in place:
        return str(Path(place).expanduser() / name)
    address, question, query = place.partition("?")
    return f"{address.rstrip('/')}/{quote(name)}{question}{query}"


def _parent(place: str) -> str:
    if "://" not in place:
        return str(Path(place).expanduser().parent)
    address, question, query = place.partition("?")
    return f"{address.rstrip('/').rpartition('/')[0]}{question}{query}"


def _last_part(place: str) -> str:
    if "://" not in place:
        return Path(place).expanduser().resolve().name
    return unquote(urlsplit(place).path.rstrip("/").rpartition("/")[2])
