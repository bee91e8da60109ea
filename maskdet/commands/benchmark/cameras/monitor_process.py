"""The monitor of a measurement: the real one, headless, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from maskdet.commands.benchmark.cameras.server import RtspServer
from maskdet.commands.benchmark.monitor_child import failure_of, run_child
from maskdet.errors import MaskdetError
from maskdet.system.console import print_data

_CODE = (
    "import sys; from maskdet.commands.benchmark.cameras.monitor_process import main; "
    "sys.exit(main())"
)
OPEN_TIMEOUT_S = 20.0
"""Seconds for the first camera to come; each further one has `OPEN_TIMEOUT_PER_CAMERA_S`."""
OPEN_TIMEOUT_PER_CAMERA_S = 1.5
_END_TIMEOUT_S = 60.0


def measure(
    server: RtspServer, cameras: int, overrides: Sequence[str], seconds: float
) -> dict[str, Any] | None:
    """Values of a monitor with so many cameras of a server, as JSON has them.

    Args:
        server: of the streams.
        cameras: how many of them.
        overrides: settings of the monitor, ``key=value``.
        seconds: length of the measurement.

    Returns:
        None where a camera did not come in time.

    Raises:
        MaskdetError: the monitor could not be run.
    """
    timeout = OPEN_TIMEOUT_S + cameras * OPEN_TIMEOUT_PER_CAMERA_S
    request = {
        "addresses": [server.address(number) for number in range(cameras)],
        "overrides": list(overrides),
        "measurement": {
            "seconds": seconds,
            "timeout": timeout,
            "cameras": cameras,
            "server": server.pid,
            "port": server.port,
            "bytes_per_second": server.bytes_per_second,
        },
    }
    try:
        done = run_child(
            _CODE, request=json.dumps(request), timeout_s=timeout + seconds + _END_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise MaskdetError(f"the monitor of {cameras} cameras did not end") from None
    if not done.stdout.strip():
        raise failure_of(done)
    answer: dict[str, Any] | None = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> int:
    """The child: reads a request from stdin, runs the monitor, prints the values."""
    from maskdet.system.console import ending

    return ending("benchmark", partial(_main, json.load(sys.stdin)), interrupted=130)


def _main(request: Mapping[str, Any]) -> int:
    from maskdet.commands.benchmark.cameras.measurement import Measurement, as_json
    from maskdet.config import Override, load_settings
    from maskdet.live.session import Hooks, run
    from maskdet.live.settings.monitor import MonitorSettings

    sources = [
        {"source": address, "name": f"camera {number}"}
        for number, address in enumerate(request["addresses"], 1)
    ]
    own = [
        Override("cameras", ("sources",), sources),
        Override("headless", ("headless",), True),
    ]
    settings = load_settings(MonitorSettings, None, [*own, *request["overrides"]], [])
    measurement = Measurement(**request["measurement"])
    with measurement.listening():
        run(settings, measurement, hooks=Hooks(open_page=lambda _: measurement))
    values = measurement.values
    print_data(json.dumps(None if values is None else as_json(values)) + "\n")
    return 0
