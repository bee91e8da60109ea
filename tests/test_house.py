"""The laws of the house (docs/architecture.md), read off the source itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "maskdet"
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """``maskdet/live/session.py`` as ``maskdet.live.session``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, late imports too; ``from a import b`` counts as a.b."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports(path: Path, *packages: str) -> bool:
    return any(name.split(".")[0] in packages for name in imports_of(path))


@cache
def calls_of(path: Path) -> set[str]:
    """The names called in a file, as written: ``f``, ``cv2.line`` …"""
    calls = (node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    return {ast.unparse(call) for call in calls if isinstance(call, ast.Name | ast.Attribute)}


def where(paths: Iterator[Path]) -> set[str]:
    return {path.relative_to(PACKAGE).as_posix() for path in paths}


def test_there_is_something_to_read():
    assert {"maskdet.commands.monitor", "maskdet.config", "maskdet.networks.retinanet"} <= NAMES
    assert imports(PACKAGE / "sources/opening.py", "maskdet")
    assert "cv2.namedWindow" in calls_of(PACKAGE / "live/gui/window.py")


LEARNING = (
    "networks/",
    "runtimes/",
    "training/",
    "export/",
    "commands/evaluate.py",
    "commands/train.py",
)


@pytest.mark.parametrize(
    ("packages", "homes"),
    [
        (("tensorflow", "keras", "tf_keras"), LEARNING),
        (("torch", "jax"), LEARNING),
        (("matplotlib", "pycocotools"),
         ("evaluation/", "reports/", "commands/inspect/", "datasets/formats/coco_regions.py")),
        (("ai_edge_litert",), ("runtimes/", "export/")),
        # Encoding, and a trial of it; decoding of files; the demo clip is made by a script.
        (("av",), ("sinks/recording/video_encoder.py", "sinks/recording/stream_encoder.py",
                   "sinks/recording/clip_file.py", "sinks/recording/packet_video.py",
                   "commands/doctor/codecs.py",
                   "sources/files/", "sources/packets/", "sources/child/key_frames.py")),
        (("threading", "multiprocessing", "concurrent", "asyncio", "_thread", "queue"),
         ("system/threads.py", "web/batcher.py", "web/live/viewers.py",
          "training/batches/loader.py", "sinks/messaging/")),
        (("subprocess",),
         ("system/processes/", "sources/child/srt_relay.py", "commands/benchmark/")),
        (("yaml",), ("config.py", "config_editing.py")),
        (("typer", "click", "argparse", "getopt"),
         ("commands/cli/", "commands/options.py", "commands/monitor.py", "__main__.py")),
        # Curve fitting, and the assignment of faces to people.
        (("lap",), ("people/",)),
        (("nats",), ("sinks/messaging/",)),
        (("psycopg",), ("sinks/store/postgres.py",)),
        (("paho", "apprise", "serial", "gpiozero", "winsound"), ("sinks/channels/",)),
        (("ray",), ("cluster/", "commands/archive/workers/ray_scheduler.py")),
        (("sqlite3",), ("sinks/store/", "reports/", "commands/")),
    ],
)  # fmt: skip
def test_a_library_has_its_room(packages: tuple[str, ...], homes: tuple[str, ...]):
    users = where(path for path in MODULES if imports(path, *packages))
    assert not {user for user in users if not user.startswith(homes)}


DRAWING = ("rectangle", "putText", "line", "polylines", "circle", "ellipse", "arrowedLine")
BUILDERS = (
    "runtimes/",
    "live/session.py",
    "live/assembly.py",
    "live/messaging/uplink.py",
    "live/recording/building.py",
    "live/cameras/building.py",
    "sources/opening.py",
    "commands/",
    "__main__.py",
)
CONCRETE = (
    *("open_source", "load_detector", "Pipeline", "Recorder", "EventLog", "EventStore"),
    *("Window", "Viewer"),
)


@pytest.mark.parametrize(
    ("calls", "homes"),
    [
        (
            ("cv2.imshow", "cv2.waitKey", "cv2.waitKeyEx", "cv2.namedWindow"),
            ("live/gui/window.py",),
        ),
        (("cv2.VideoCapture",), ("sources/opencv_capture.py",)),
        (("cv2.VideoWriter",), ()),
        (tuple(f"cv2.{name}" for name in DRAWING), ("drawing/",)),
        # Concrete things are built by those who run something, and by nobody else.
        (CONCRETE, BUILDERS),
    ],
)
def test_a_thing_is_done_in_one_place(calls: tuple[str, ...], homes: tuple[str, ...]):
    users = where(path for path in MODULES if set(calls) & calls_of(path))
    assert not {user for user in users if not user.startswith(homes or ("nowhere",))}


VALUES = {"alarm", "errors", "boxes", "frame", "detections", "observation", "contracts"}
GROUND_ROOMS = {
    *VALUES,
    "config",
    "config_messages",
    "config_editing",
    "config_texts",
    "system",
    "images",
    "model",
    "__version__",
}
MAKERS = {"networks", "training", "export", "datasets", "evaluation"}
MONITOR = {"sources", "people", "drawing", "sinks", "live", "reports"}


def rooms_used(path: Path) -> set[str]:
    """The first names below ``maskdet`` that a file imports."""
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("maskdet.")}


def test_values_stand_on_numpy_alone():
    heavy = ("cv2", "tensorflow", "keras", "av", "matplotlib", "typer")
    for name in VALUES:
        path = PACKAGE / f"{name}.py"
        assert not imports(path, *heavy) and rooms_used(path) <= VALUES, path
    for path in PACKAGE.glob("config*.py"):
        used = rooms_used(path)
        assert used <= VALUES | {"config", "config_messages", "config_texts", "system"}, path


@pytest.mark.parametrize(
    ("room", "below"),
    [
        ("system", {*VALUES, "system"}),
        ("images", {*VALUES, "system", "images"}),
        ("model", GROUND_ROOMS),
        ("networks", {*GROUND_ROOMS, "networks"}),
        ("runtimes", {*GROUND_ROOMS, "networks", "runtimes"}),
        ("datasets", {*GROUND_ROOMS, "datasets"}),
        ("evaluation", {*GROUND_ROOMS, "datasets", "evaluation"}),
        ("training", {*GROUND_ROOMS, *MAKERS, "runtimes"} - {"export"}),
        ("export", {*GROUND_ROOMS, "networks", "runtimes", "datasets", "export"}),
        ("sources", {*GROUND_ROOMS, "sources"}),
        ("people", {*VALUES, "people"}),
        ("drawing", {*GROUND_ROOMS, "people", "drawing"}),
        ("sinks", {*GROUND_ROOMS, "sources", "people", "drawing", "sinks"}),
        ("live", {*GROUND_ROOMS, "runtimes", *MONITOR} - {"reports"}),
        ("reports", {*GROUND_ROOMS, "sinks", "reports"}),
        ("cluster", {*GROUND_ROOMS, "live", "cluster"}),  # the monitor's settings
        ("web", {*VALUES, "config", "system", "images", "model", "web"}),
    ],
)
def test_a_room_opens_only_onto_those_below(room: str, below: set[str]):
    above = {path: rooms_used(path) - below for path in (PACKAGE / room).rglob("*.py")}
    assert not {
        path.relative_to(PACKAGE).as_posix(): names for path, names in above.items() if names
    }


def test_no_folder_is_too_full():
    folders = {path.parent for path in MODULES}
    counts = {folder: len(list(folder.glob("*.py"))) for folder in folders}
    assert not {folder.name: n for folder, n in counts.items() if n > 16}


def edges() -> dict[str, set[str]]:
    """Which module of ours imports which; a package stands for its ``__init__``.

    To import a module of another package is to import that package first.
    """
    graph = {}
    for path in MODULES:
        name = name_of(path)
        modules = {n if n in NAMES else n.rpartition(".")[0] for n in imports_of(path)}
        modules |= {package for module in modules for package in packages_of(module)}
        graph[name] = (modules & NAMES) - {name, *packages_of(name)}
    return graph


def packages_of(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def test_no_imports_in_a_circle():
    graph, done = edges(), set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module not in done:
            for used in sorted(graph[module]):
                visit(used, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())
    assert done == NAMES


def test_constructors_take_plain_values_never_settings():
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                types = {ast.unparse(a.annotation) for a in arguments if a.annotation}
                assert not [t for t in types if "Settings" in t or "Config" in t], path


def test_no_room_for_what_belongs_nowhere():
    names = {part for path in MODULES for part in path.with_suffix("").parts}
    assert not names & {"utils", "util", "core", "manager", "base", "misc", "helpers", "common"}


def test_a_file_fits_into_a_head():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert not {str(path): n for path, n in lengths.items() if n > 300}


def test_the_pipeline_keeps_the_flow_alone():
    (pipeline,) = (
        node
        for node in tree_of(PACKAGE / "live/pipeline.py").body
        if isinstance(node, ast.ClassDef) and node.name == "Pipeline"
    )
    assert pipeline.end_lineno is not None
    assert pipeline.end_lineno - pipeline.lineno < 170


@pytest.mark.parametrize(
    "way",
    [
        "One frame's way",
        "A model's way",
        "One picture's way through the page",
        "An event's way to a store of all sites",
    ],
)
def test_a_way_enters_each_file_once(way: str):
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = text.split(f"## {way}\n")[1].split("\n## ")[0]
    files = re.findall(r"`([\w/]+\.py)`", section)
    assert len(files) > 5 and len(set(files)) == len(files)
    assert not [file for file in files if not (PACKAGE / file).is_file()]


def test_the_top_of_the_tree_is_what_the_user_asked_for():
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {"monitor.py", "maskdet", "models", "configs", "tests", "requirements.txt"} <= names
    sources = {path.name for path in ROOT.glob("*.py")}
    assert sources == {"monitor.py"}
    assert len((ROOT / "monitor.py").read_text().splitlines()) < 15


HEAVY = (
    *("tensorflow", "keras", "tf_keras", "matplotlib", "torch", "jax", "pandas", "scipy"),
    *("fastapi", "uvicorn", "prometheus_client", "websockets", "argon2", "nats", "ray"),
    *("asyncio", "http"),
)


MONITORS = ("maskdet.commands.monitor", "maskdet.live.session", "maskdet.__main__")


@pytest.mark.parametrize("module", MONITORS)
def test_starting_a_command_imports_nothing_heavy(module: str):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_a_hint_names_the_program_as_it_was_typed():
    """``maskdet`` or ``python -m maskdet``: `as_typed` knows; cards hold one form for everybody."""
    recorded = {"commands/calibrate.py", "commands/evaluate.py", "commands/models.py"}
    recorded |= {"commands/train.py", "system/console.py", "__main__.py"}
    found = {path for path in MODULES for text in texts_of(path) if "python -m maskdet" in text}
    assert where(iter(found)) == recorded


def texts_of(path: Path) -> Iterator[str]:
    """Texts of a file that a person may read, without docstrings."""
    nodes = list(ast.walk(tree_of(path)))
    statements = [node.value for node in nodes if isinstance(node, ast.Expr)]
    for node in nodes:
        if isinstance(node, ast.Constant) and node not in statements:
            yield str(node.value)
