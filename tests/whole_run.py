"""Order of the tests: side by side, the long ones first, the slow ones only when asked for.

`tests/conftest.py` imports these hooks. A run that names files or tests is left as it is; one that
names none runs in one process per core and one more, as many tests wait for a process or a socket,
and leaves out what is marked `slow`: `pytest -m slow` runs that, and `pytest -m ''` everything.
"""

from __future__ import annotations

import faulthandler
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psutil
import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

LONG = (
    "tests/cluster/test_cluster.py",
    "tests/commands/test_training_commands.py",
    "tests/soak/test_alarms.py",
    "tests/cluster/test_kills.py",
    "tests/training/test_run.py",
    "tests/commands/archive/test_ray.py",
    "tests/training/test_old_route.py",
    "tests/cluster/test_ends.py",
    "tests/commands/test_old_models.py",
    "tests/cluster/test_partition.py",
    "tests/cluster/test_remote_detector.py",
    "tests/cluster/test_start.py",
    "tests/test_contracts.py",
    "tests/sinks/messaging/test_partition.py",
    "tests/networks/faster_rcnn/test_faster_rcnn.py",
    "tests/cluster/test_machine.py",
    "tests/sinks/store/test_postgres.py",
    "tests/cluster/test_monitor_run.py",
    "tests/training/test_training_guide.py",
    "tests/web/live/test_latency.py",
    "tests/soak/test_soak.py",
    "tests/test_whole_run.py",
    "tests/training/batches/test_distillation.py",
    "tests/sinks/recording/test_stalling_disk.py",
    "tests/live/cameras/test_isolation.py",
    "tests/training/test_kaggle.py",
    "tests/training/test_faster_rcnn.py",
    "tests/live/test_people_over_a_reconnect.py",
    "tests/people/test_real_clip.py",
    "tests/live/cameras/test_camera_changes.py",
    "tests/commands/archive/test_strange_folders.py",
    "tests/runtimes/legacy/test_object_detection_api.py",
    "tests/runtimes/test_loading.py",
    "tests/commands/convert/test_models.py",
    "tests/runtimes/test_keras_runtime.py",
    "tests/export/test_formats.py",
    "tests/live/gui/test_viewer.py",
    "tests/live/alarms/test_monitor_alarms.py",
    "tests/web/live/test_browser.py",
    "tests/web/live/test_shared_picture.py",
    "tests/live/test_rtsp_monitor.py",
    "tests/commands/archive/test_archive.py",
    "tests/training/test_trainer.py",
    "tests/sources/test_rtsp.py",
    "tests/networks/test_retinanet.py",
    "tests/runtimes/legacy/test_keras_retinanet.py",
    "tests/sinks/recording/copy/test_packet_recorder.py",
    "tests/live/test_second_stream.py",
    "tests/commands/test_monitor.py",
    "tests/live/test_passwords.py",
    "tests/runtimes/gpu/test_litert_gpu.py",
    "tests/live/test_unattended.py",
    "tests/export/test_export.py",
    "tests/evaluation/test_report.py",
)
"""Files that take longest, which start first, so that all processes end at nearly one time.

Those that wait for other processes stand between those that need a core.
"""

_CHOSEN = "MASKDET_TESTS_MARKEXPR"
"""Environment variable by which workers learn which tests are chosen."""
_HAS_FAILED = pytest.StashKey[bool]()
MEMORY_OF_A_WORKER = 3 * 2**30  # bytes, with TensorFlow and a network in training
MAY_BE_MISSING = (
    *("MASKDET_TEST_DATA", "openvino", "there is a GPU"),
    # A container may not mount disks, make networks, or run systemd.
    *("a disk", "network namespace", "systemd-analyze", "file system"),
)
"""What CI may lack: reasons that hold one of these words stay a skip under --no-skips."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="a test that is skipped fails; for CI, where all is"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Sets what a run of all tests does by default, before pytest-xdist reads it.

    A worker of pytest-xdist comes by here, too: it takes the choice of tests and starts nobody.
    """
    names_nothing = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if hasattr(config, "workerinput"):
        config.option.markexpr = os.environ.get(_CHOSEN, config.option.markexpr)
        if names_nothing:
            config.args = _files(config)
        return
    if names_nothing and not {"-m", "-k"} & {each[:2] for each in config.invocation_params.args}:
        config.option.markexpr = "not slow"
    os.environ[_CHOSEN] = config.option.markexpr
    if not names_nothing or not hasattr(config.option, "numprocesses"):
        return
    if config.option.numprocesses is None and not config.getoption("collectonly"):
        config.option.numprocesses = 0 if config.getoption("usepdb") else "auto"
    if config.option.numprocesses and config.option.dist == "no":
        config.option.dist, config.option.loadscopereorder = "loadfile", False
    if config.option.numprocesses:  # one thread each: the others have the other cores
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _files(config: pytest.Config) -> list[str]:
    """All files with tests, from another one on in each worker.

    In a fresh checkout the first process that reads a file compiles it, and what it imports: half
    a minute, which the workers share in this way. They run the same tests in the same order.
    """
    files = [
        str(file)
        for folder in config.getini("testpaths")
        for file in sorted((config.rootpath / folder).rglob("test_*.py"))
    ]
    worker, count = config.workerinput["workerid"], config.workerinput["workercount"]  # type: ignore[attr-defined]
    first = len(files) * int(worker.removeprefix("gw")) // count
    return files[first:] + files[:first]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process per core and one more, as many tests wait, where the memory allows."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    most = psutil.virtual_memory().available // MEMORY_OF_A_WORKER
    return max(1, min((cores or 1) + 1, most))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files side by side, each in one process; another takes what a process that ended has left."""
    if config.option.dist != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
        def remove_node(self, node: Any) -> str | None:
            """Else every process in turn would end by the test by which one has."""
            files = self.assigned_work[node].values()
            waiting = ((tests, name) for tests in files for name in tests if not tests[name])
            tests, name = next(waiting, ({}, None))
            tests[name] = True
            super().remove_node(node)
            return name

    return Scheduler(config, log)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Names what a run leaves out."""
    if config.option.markexpr == "not slow":
        return "left out: tests marked slow (repetitions, long runs); pytest -m slow runs them"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files that take longest first, then the others; the order within a file stays."""
    place = {name: number for number, name in enumerate(LONG)}

    def of_file(item: pytest.Item) -> tuple[int, str]:
        name = item.nodeid.partition("::")[0]
        return place.get(name, len(place)), name

    items.sort(key=of_file)


def _no_longer_skipped(report: Any) -> None:
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if not any(word in reason for word in MAY_BE_MISSING):
        report.outcome, report.longrepr = "failed", f"skipped, which --no-skips forbids: {reason}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Limits what a failed test does at its end, too: its failure took pytest's own limit away."""
    limit = float(item.config.getini("faulthandler_timeout") or 0)
    if limit and item.stash.get(_HAS_FAILED, False):
        stderr = item.config.stash[fault_handler_stderr_fd_key]
        faulthandler.dump_traceback_later(limit, file=stderr, exit=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.skipped and item.config.option.no_skips and not hasattr(report, "wasxfail"):
        _no_longer_skipped(report)
    if report.failed:
        item.stash[_HAS_FAILED] = True
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    report = yield
    if report.skipped and collector.config.option.no_skips:
        _no_longer_skipped(report)
    return report


def slow(*values: object) -> Any:
    """Values of a parametrized test that repeat what others of it promise."""
    return pytest.param(*values, marks=pytest.mark.slow)


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object], timeout_s: int = 280
) -> Path:
    """Gives a folder that one process makes for all processes of a run; not to be changed.

    Args:
        factory: pytest's.
        name: the folder's name, of its own among all such folders.
        make: fills the folder, which is there already and empty.
        timeout_s: longest wait for another process.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    lock, done, failed = (root / f"{name}.{state}" for state in ("lock", "done", "failed"))
    deadline = time.monotonic() + timeout_s
    while not done.exists():
        try:
            lock.touch(exist_ok=False)
        except FileExistsError:
            assert not failed.exists(), f"{name} could not be made: see the other failures"
            assert time.monotonic() < deadline, f"another process did not make {name} in time"
            time.sleep(0.1)
            continue
        folder.mkdir()
        try:
            make(folder)
        except BaseException:
            failed.touch()
            raise
        done.touch()
    return folder
