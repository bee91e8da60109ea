"""This machine's part of the cluster: Ray's processes, started, found and ended."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import secrets
import socket
import stat
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from maskdet.cluster.group import STATE_VARIABLE
from maskdet.errors import ConfigError, SinkError, reason_of
from maskdet.system.console import as_typed, say
from maskdet.system.processes.external_command import Outcome, run_command

MACHINE_RESOURCE = "maskdet-"
"""Prefix of the resource that each machine has one of, by which its group is put on it."""
_START_TIMEOUT_S = 90.0
_END_TIMEOUT_S = 5.0
_STORE_BYTES = 80_000_000
"""Ray's least store of objects; frames do not go through it."""
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_BACKEND_LOG_LEVEL": "warning",
    "RAY_NUM_REDIS_GET_RETRIES": "20",
    "RAY_USAGE_STATS_ENABLED": "0",
    # A machine whose part has ended counts as dead after .6 s, one that does not answer after 6 s:
    # then its cameras go to others.
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "200",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
    # A machine whose link to the first one is down goes on with its cameras: a week.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "604800",
    "RAY_memory_monitor_refresh_ms": "0",  # nothing of ours can be done again elsewhere
    # By default 15: beside other programs the monitors would hardly get a processor.
    "RAY_worker_niceness": "0",
}
_LATE_ANSWERS = ("RpcError", "timed out during startup")
"""Parts of Ray's last line, where one of its processes did not answer another in time."""
_VERSIONS = re.compile(
    r"Version mismatch.*?Ray: (\S+)\s+Python: (\S+).*?Ray: (\S+)\s+Python: (\S+)", re.DOTALL
)
"""Ray's words where another version of it, or of Python, joins: the cluster's, then its own."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """Where a machine stands in a cluster.

    Attributes:
        name: the machine's.
        host: name or number of the first machine.
        port: at which that answers.
        is_first: whether it is that one.
        token: file with the secret of the cluster.
        state: folder for the monitor's files.
    """

    name: str
    host: str
    port: int
    is_first: bool
    token: Path
    state: Path

    @property
    def temporary(self) -> Path:
        """Folder for Ray's sockets and logs: short, as sockets must have short names.

        Ray lets everybody write to it; nobody else gets through the folder around it.
        """
        return Path(tempfile.gettempdir()) / f"maskdet-{getpass.getuser()}-{self.port}" / "ray"


def prepare_token(token: Path, *, make: bool) -> None:
    """Has this process, and what it starts, use the secret of the cluster.

    Args:
        token: the file.
        make: it is made where it is missing.

    Raises:
        ConfigError: it is missing, or others can read it.
        SinkError: it cannot be made.
    """
    if make and not token.exists():
        try:
            with os.fdopen(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        except OSError as error:
            raise SinkError(f"cannot write {token}: {reason_of(error)}") from None
    if not token.is_file():
        raise ConfigError(
            f"{token} is missing; {as_typed('cluster up')} on the first machine makes it, and the "
            "other machines need a copy (chmod 600)"
        )
    if os.name != "nt" and token.stat().st_mode & 0o077:
        raise ConfigError(f"{token} can be read by others; chmod 600 it")
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token.resolve())


def prepare_temporary(folder: Path) -> None:
    """Makes the folder for Ray's files within one that is ours alone, in one that is everybody's.

    Raises:
        ConfigError: somebody else was there first.
    """
    own = folder.parent
    try:
        with contextlib.suppress(FileExistsError):
            own.mkdir(mode=0o700)
        if os.name != "nt":
            found = own.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise ConfigError(f"{own} is not a folder of this user; remove it")
            own.chmod(0o700)  # an earlier version left it open
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made: {reason_of(error)}; check its rights"
        ) from None


def start(place: Place, *, as_first: bool) -> None:
    """Starts this machine's part.

    Args:
        place: where it stands.
        as_first: with the list of the cluster; otherwise it joins the one that there is.

    Raises:
        ConfigError: Ray cannot be started; the line has its reason.
    """
    outcome = _start_ray(place, as_first=as_first)
    is_late = any(one in outcome.last_line for one in _LATE_ANSWERS)
    if outcome.status is None or (outcome.status and is_late):  # on a busy machine; once more
        if outcome.status is None:
            say(f"Ray has not started within {_START_TIMEOUT_S:.0f} s; it is started once more")
        started = find(place)
        end([] if started is None else [started])
        if as_first:
            end_rest(place)
        outcome = _start_ray(place, as_first=as_first)
    if outcome.status != 0:
        address = f"{place.host}:{place.port}"
        raise ConfigError(f"Ray cannot be started for {place.name} at {address}: {_why(outcome)}")
    # Nobody needs the way in for clients from elsewhere, which cannot be left out.
    _kill(process for process in _processes() if _is_client_server(process, place.port))


def _why(outcome: Outcome) -> str:
    """Why Ray has not started."""
    if outcome.status is None:
        return (
            f"it took more than {_START_TIMEOUT_S:.0f} s, on a machine that is busy, say, and was "
            f"undone; run it again when the machine is less busy: {as_typed('cluster up')}"
        )
    found = _VERSIONS.search(outcome.output)
    if found is None:
        return outcome.last_line
    ray, python, own_ray, own_python = found.groups()
    return (
        f"the cluster runs Ray {ray} on Python {python}, this machine Ray {own_ray} on Python "
        f"{own_python}; install the same here"
    )


def _start_ray(place: Place, *, as_first: bool) -> Outcome:
    """Runs ``ray start``; what it has started stays when it fails."""
    address = f"{place.host}:{place.port}"
    where = (
        [
            *("--head", "--port", str(place.port), "--node-ip-address", place.host),
            *("--temp-dir", str(place.temporary), "--include-dashboard", "false"),
            *("--ray-client-server-port", str(_free_port())),
        ]
        if as_first
        else ["--address", address]
    )
    prepare_temporary(place.temporary)
    return run_command(
        [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", *where),
            *("--num-cpus", "1", "--object-store-memory", str(_STORE_BYTES)),
            *("--resources", json.dumps({f"{MACHINE_RESOURCE}{place.name}": 1})),
            *("--include-log-monitor", "false", "--disable-usage-stats", "--log-style", "record"),
            *("--log-color", "false"),
        ],
        environment={
            **_ENVIRONMENT,
            "RAY_AUTH_TOKEN_PATH": str(place.token.resolve()),
            STATE_VARIABLE: str(place.state.resolve()),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.getenv("PYTHONPATH")))),
        },
        timeout_s=_START_TIMEOUT_S,
    )


def _free_port() -> int:
    with socket.create_server(("", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _is_client_server(process: psutil.Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        words = process.cmdline()
        is_one = "ray.util.client.server" in words
        return is_one and any(word.endswith(f":{port}") for word in words)
    return False


def find(place: Place) -> psutil.Process | None:
    """The process that stands for this machine in the cluster; None where it is not up."""
    resource = f"{MACHINE_RESOURCE}{place.name},1"
    for process in _processes("raylet"):
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            is_ours = any(resource in word for word in words)
            if is_ours and any(word.endswith(f":{place.port}") for word in words):
                return process
    return None


def is_alive(process: psutil.Process | None) -> bool:
    """Whether a process runs; in a container it stays as a zombie of ours when it has ended."""
    try:
        return process is not None and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_rest(place: Place) -> None:
    """Ends what Ray has started on the first machine beside the machine's own part."""
    ended = []
    for process in _processes():
        with contextlib.suppress(psutil.Error):
            is_ours = any(str(place.temporary) in word for word in process.cmdline())
            if is_ours and process.info["name"] != "raylet":
                ended.append(process)
    _kill(ended)


def end(processes: Iterable[psutil.Process]) -> None:
    """Ends processes, by force those that do not end in time."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(asked, timeout=_END_TIMEOUT_S)
    _kill(left)


def _kill(processes: Iterable[psutil.Process]) -> None:
    """Ends processes at once: they keep nothing, and need seconds to end on their own."""
    killed = list(processes)
    for process in killed:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(killed, timeout=_END_TIMEOUT_S)


def _processes(name: str | None = None) -> list[psutil.Process]:
    """Processes of this user, but for this one."""
    found = []
    for process in psutil.process_iter(["name", "username"]):
        if process.pid == os.getpid() or process.info["username"] != getpass.getuser():
            continue
        if name is None or process.info["name"] == name:
            found.append(process)
    return found
