"""The wheel: what `pip install .` brings, and that it works on its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import maskdet

ROOT = Path(__file__).resolve().parents[1]
MODEL = "maskdet/shipped/models/retinanet-mobilenet"
MAX_BYTES = 30_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the project's own build backend, as pip does it, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_what_the_monitor_needs_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"maskdet-{maskdet.__version__}.dist-info"
    assert {
        "maskdet/py.typed", "maskdet/sources/clip.mp4", "maskdet/web/static/index.html",
        "maskdet/web/live/static/index.html", "maskdet/web/cluster/static/index.html",
        f"{MODEL}/card.yaml", f"{MODEL}/model_int8.tflite", f"{MODEL}/model.weights.h5",
        "maskdet/shipped/configs/monitor.yaml",
        f"{info}/licenses/LICENSE", f"{info}/licenses/CREDITS.md", f"{info}/entry_points.txt",
    } <= names  # fmt: skip
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "maskdet").rglob("*.py")}
    assert sources <= names
    assert {name.split("/")[0] for name in names} == {"maskdet", info}
    assert not [name for name in names if "tests" in name or "__pycache__" in name]
    assert wheel.stat().st_size < MAX_BYTES


def test_unpacked_elsewhere_it_processes_a_picture(wheel: Path, tmp_path: Path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    picture = ROOT / "maskdet/web/static/sample.jpg"
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); "
        "import maskdet.__main__ as m; "
        f"assert {str(tmp_path)!r} in m.__file__; "
        f"sys.argv[1:] = ['detect', {str(picture)!r}, '--json', '-']; sys.exit(m.main())"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and '"without_mask"' in done.stdout, done.stderr
