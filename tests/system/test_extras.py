"""Optional packages: what is missing is one line, whose command brings it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.errors import ConfigError
from maskdet.system import extras, resources

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MODULES = {"nats-py": "nats", "google-crc32c": "google_crc32c",
           "python-multipart": "python_multipart",
           "argon2-cffi": "argon2", "paho-mqtt": "paho", "pyserial": "serial",
           "prometheus-client": "prometheus_client"}  # fmt: skip
SHARED = {"protobuf", "starlette", "anyio"}
"""Ones that come with others, too, and prove nothing about an extra."""


BASE = {"opencv-python": "cv2", "lapx": "lap", "pillow": "PIL", "pyyaml": "yaml"}
WITH_OTHERS = {"pydantic_core", "google", "gi", "gpiozero", "supervision", "trackers"}
"""Ones imported only where another module has been, or whose absence has a line of its own."""


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~; ]", requirement)[0]


def test_the_extras_are_those_of_the_project():
    for extra, modules in extras.EXTRAS.items():
        names = {name_of(line) for line in PROJECT["optional-dependencies"][extra]}
        assert {MODULES.get(name, name) for name in names} - SHARED == set(modules) - SHARED


def imported_by(path: Path) -> set[str]:
    """The top names of all modules that a file imports, at its head or late."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_whatever_is_imported_is_in_the_base_or_an_extra_names_it():
    """A module that another package brings along is missing without that package, too."""
    imported = set().union(*map(imported_by, ROOT.glob("maskdet/**/*.py")))
    base = {name_of(line) for line in PROJECT["dependencies"]}
    known = {BASE.get(name, name.replace("-", "_")) for name in base} | WITH_OTHERS | {"maskdet"}
    others = imported - set(sys.stdlib_module_names) - known
    assert others and {name for name in others if extras.extra_of(name) is None} == set()


def test_requirements_hold_every_extra_of_the_product_and_pytest():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    asked = {line for line in lines if not line.startswith("#")}
    optional = PROJECT["optional-dependencies"]
    product = [PROJECT["dependencies"], *(optional[e] for e in ("train", "serve", "alerts"))]
    assert asked == {line for part in product for line in part} | {"pytest>=9.0"}
    assert {"opencv-python", "tensorflow", "numpy", "imutils", "pytest"} <= set(map(name_of, asked))


def test_base_needs_neither_tensorflow_nor_pytest():
    names = {name_of(line) for line in PROJECT["dependencies"]}
    assert not names & {"tensorflow", "keras", "pytest", "matplotlib", "fastapi"}


def test_nobody_is_asked_to_install_our_name_from_an_index():
    """That name may be somebody else's there: always a folder, file or address beside it."""
    texts = [*ROOT.glob("maskdet/**/*.py"), *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    advice = re.compile(
        r"""(?:install|uvx|--from)\s+['"]?maskdet(?:\[[\w,]+\])?['"]?(?!\s*@)(?=\s|$|`)"""
    )
    found = [(path.name, m[0]) for path in texts for m in advice.finditer(path.read_text("utf-8"))]
    assert found == []


def test_a_checkout_is_installed_again_from_its_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert extras.install_command("serve").endswith(" install -e '.[serve]'")
    monkeypatch.chdir("/")
    assert extras.install_command("serve").startswith(f"cd {ROOT} && ")


class _Installed:
    """Metadata of an installed maskdet, as `importlib.metadata` has them."""

    def __init__(self, note: object) -> None:
        self._note = note

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self._note is None else json.dumps(self._note)


@pytest.mark.parametrize(
    ("note", "reported"),
    [
        ({"url": "file:///w/maskdet-1-py3-none-any.whl", "archive_info": {}},
         " install 'maskdet[train] @ file:///w/maskdet-1-py3-none-any.whl'"),
        ({"url": "https://h/m.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
         " install 'maskdet[train] @ git+https://h/m.git@abc'"),
        (None, "repeat the installation with [train] behind what was installed"),
    ],
)  # fmt: skip
def test_a_wheel_is_installed_again_from_where_it_came(
    note: object, reported: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(extras, "checkout", lambda: None)
    monkeypatch.setattr(extras, "distribution", lambda name: _Installed(note))
    assert extras.install_command("train").endswith(reported)
    if note is not None:
        (tmp_path / "uv-receipt.toml").touch()
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        assert extras.install_command("train").startswith("uv tool install 'maskdet[train] @ ")


def test_what_is_missing_is_reported_before_any_work():
    extras.require("train", "json")
    with pytest.raises(ConfigError, match="no_such_module is not installed; .* extra 'train'"):
        extras.require("train", "json", "no_such_module")


BLOCKED = "import sys; sys.modules[{module!r}] = None; from maskdet.__main__ import main; "


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("uvicorn", ["serve"], "serve"),
        ("anyio", ["serve"], "serve"),
        ("pycocotools", ["evaluate", "--data", "."], "train"),
        ("keras", ["train", "--data", "."], "train"),
        ("keras", ["detect", "x.jpg", "--model", "retinanet-resnet50"], "train"),
        ("ray", ["archive", "recordings", "--ray", "local"], "cluster"),
    ],
)
def test_a_command_that_lacks_an_extra_is_one_line(module: str, arguments: list[str], extra: str):
    code = BLOCKED.format(module=module) + f"sys.exit(main({arguments!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and module in line
    assert not (ROOT / "maskdet-archive").exists()
    assert f"maskdet's extra '{extra}': " in line and f"install -e '.[{extra}]'" in line


def test_settings_that_ship_are_found_from_any_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    assert resources.settings_file("configs/monitor.yaml") == ROOT / "configs/monitor.yaml"
    assert resources.settings_file("other/monitor.yaml") == Path("other/monitor.yaml")
    own = tmp_path / "configs/monitor.yaml"
    own.parent.mkdir()
    own.touch()
    assert resources.settings_file("configs/monitor.yaml") == Path("configs/monitor.yaml")


IMPORTS_KERAS = """
import sys
from maskdet.system.extras import leave_out_unused
if sys.argv[1:] == ["ours"]:
    leave_out_unused()
from maskdet.runtimes.tensorflow_import import quiet_import
with quiet_import():
    import keras
print(*sorted({"jax", "matplotlib", "pandas"} & sys.modules.keys()))
import jax, matplotlib.figure, pandas
print(keras.backend.backend(), keras.ops.sum(keras.ops.ones(3)))
"""


@pytest.mark.parametrize(
    ("words", "backend", "imported"),
    [
        (["ours"], "tensorflow", ""),
        pytest.param(["ours"], "jax", "jax", marks=pytest.mark.slow),
        pytest.param([], "tensorflow", "jax matplotlib pandas", marks=pytest.mark.slow),
    ],
)
def test_a_command_imports_no_packages_that_keras_alone_wants(
    words: list[str], backend: str, imported: str, tmp_path: Path
):
    """They are there for who wants them: in a library's process at once, else afterwards."""
    for package in ("keras", "tensorflow", "jax", "matplotlib", "pandas"):
        pytest.importorskip(package)
    (tmp_path / "keras.json").write_text(json.dumps({"backend": backend}))
    mine = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_KERAS, *words],
        env=mine | {"KERAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == imported and last.startswith(backend) and "3" in last


def test_the_commands_leave_them_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(extras, "_unused_left_out", False)
    assert main(["models", "--help"]) == 0 and not extras.is_unused_left_out()
    monkeypatch.setattr(sys, "argv", ["maskdet", "models", "--help"])
    assert main() == 0 and extras.is_unused_left_out()
