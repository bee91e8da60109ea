"""Fetching a model: from a folder, a file address and a server; only what is verified stays."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maskdet.commands.get_model import get
from maskdet.errors import ConfigError, ModelError
from maskdet.model.card import read_card, write_card
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.runtimes import spec
from maskdet.system.atomic_files import sha256_of

NAME = "heavy"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A folder as the models/ of a checkout is, with one model of one file."""
    folder = tmp_path / "models" / NAME
    folder.mkdir(parents=True)
    (folder / "model.weights.h5").write_bytes(b"weights" * 1000)
    card = read_card(spec.MODELS / DEFAULT_MODEL)
    entry = {"file": "model.weights.h5", "sha256": sha256_of(folder / "model.weights.h5")}
    files = {"keras": type(card.files["keras"])(**entry)}
    write_card(folder, card.model_copy(update={"name": NAME, "files": files}))
    return folder.parent


@pytest.fixture
def shipped(origin: Path, tmp_path: Path) -> Path:
    """The content of a wheel: the card alone."""
    (tmp_path / "shipped" / NAME).mkdir(parents=True)
    shutil.copy(origin / NAME / "card.yaml", tmp_path / "shipped" / NAME)
    return tmp_path / "shipped"


@pytest.fixture
def address(origin: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(origin)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("place", ["{o}", "{o}/heavy", "{o}/heavy/model.weights.h5"])
@pytest.mark.parametrize("kind", ["path", "file", "http"])
def test_from_the_folder_above_the_folder_or_the_file(
    place: str, kind: str, origin: Path, shipped: Path, address: str, tmp_path: Path
) -> None:
    base = {"path": str(origin), "file": origin.as_uri(), "http": address}[kind]
    folder = get(NAME, place.format(o=base), shipped, tmp_path / "mine")
    assert folder == tmp_path / "mine" / NAME
    assert (folder / "model.weights.h5").read_bytes() == b"weights" * 1000
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [NAME]


def test_a_model_by_its_address_alone_and_found_afterwards(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").mkdir()
    folder = get(f"{address}/{NAME}", None, tmp_path / "none", tmp_path / "mine")
    monkeypatch.setattr(spec, "user_models", lambda: tmp_path / "mine")
    assert spec.find_model(NAME) == folder


def test_what_is_there_is_not_fetched_again(origin: Path, shipped: Path, tmp_path: Path) -> None:
    folder = get(NAME, str(origin), shipped, tmp_path / "mine")
    assert get(NAME, None, shipped, tmp_path / "mine") == folder
    (folder / "model.weights.h5").write_bytes(b"damaged")
    get(NAME, str(origin), shipped, tmp_path / "mine")
    assert (folder / "model.weights.h5").stat().st_size == 7000


@pytest.mark.parametrize("kind", ["path", "http"])
def test_another_model_of_that_name_is_not_ignored_where_one_is_there(
    kind: str,
    origin: Path,
    shipped: Path,
    address: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = {"path": str(origin), "http": address}[kind]
    folder = get(NAME, place, shipped, tmp_path / "mine")
    capsys.readouterr()
    for same in (place, "/no/such"):
        assert get(NAME, same, shipped, tmp_path / "mine") == folder
        (line,) = capsys.readouterr().err.splitlines()
        assert f"already in {folder}" in line and f"nothing is fetched from {same}" in line
    card = read_card(origin / NAME)
    (origin / NAME / "model.weights.h5").write_bytes(b"learned again")
    files = {"keras": card.files["keras"].model_copy(update={"sha256": "ab" * 32})}
    write_card(origin / NAME, card.model_copy(update={"files": files}))
    with pytest.raises(ModelError, match=rf"another model '{NAME}'.*--model FOLDER"):
        get(NAME, place, shipped, tmp_path / "mine")
    assert (folder / "model.weights.h5").read_bytes() == b"weights" * 1000


@pytest.mark.parametrize("kind", ["path", "http"])
def test_another_file_than_the_card_names_is_refused(
    kind: str, origin: Path, shipped: Path, address: str, tmp_path: Path
) -> None:
    (origin / NAME / "model.weights.h5").write_bytes(b"other")
    with pytest.raises(ModelError, match="not the one its card names"):
        get(NAME, {"path": str(origin), "http": address}[kind], shipped, tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize("place", ["{a}/no", "ftp://127.0.0.1/x", "http://127.0.0.1:9", "/no/such"])
def test_what_cannot_be_fetched_is_one_line(
    place: str, address: str, shipped: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as error:
        get(NAME, place.format(a=address), shipped, tmp_path / "mine")
    assert len(str(error.value).splitlines()) == 1
    assert list((tmp_path / "mine").iterdir()) == []


def test_without_an_address_a_line_names_how(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="maskdet models get heavy --from"):
        get(NAME, None, shipped, tmp_path / "mine")


def test_of_a_model_whose_card_alone_is_here_a_line_names_how_to_fetch_it(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spec, "MODELS", shipped)
    monkeypatch.setattr(spec, "user_models", lambda: tmp_path / "mine")
    with pytest.raises(ModelError, match="maskdet models get heavy --from"):
        spec.find_model(NAME)
