"""``maskdet cluster page``: all machines and cameras of a cluster in a browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from maskdet.cluster.settings import beside, read_cluster
from maskdet.commands.live_page.access import new_guard
from maskdet.errors import ConfigError
from maskdet.live.settings.serve import split_address
from maskdet.system.console import as_typed, say
from maskdet.system.processes.child_process import ChildProcess
from maskdet.system.processes.signals import StopRequest
from maskdet.system.threads import Event, Worker
from maskdet.web.cluster.app import create_app
from maskdet.web.live.server import LiveServer
from maskdet.web.page_server.public_address import PublicAddress

DEFAULT_ADDRESS = "127.0.0.1:8002"
"""Where the page is served if no address is named: this machine alone."""
_CHILD = "maskdet.commands.cluster.table_child"
_POLL_S = 0.2
_RESTART_PAUSE_S = 3.0
_MAX_SILENCE_S = 25.0
"""Seconds without a message after which the child is started again: Ray may wait for a minute for
a list of the cluster that has died. A placement that is started again takes two to twenty."""


class TableFeed:
    """The newest table of the placement; a child process asks for it.

    Attributes:
        error: what ended the thread; None: nothing.
    """

    def __init__(self, file: Path) -> None:
        """Begins to ask.

        Args:
            file: the cluster's settings.
        """
        self._file = file
        self._over = Event()
        self._table: dict[str, Any] | None = None
        self._problem = ""
        self._child: ChildProcess | None = None
        self._heard = time.monotonic()
        self._worker = Worker("cluster table", self._run)
        self._worker.start()

    def newest(self) -> tuple[dict[str, Any] | None, str]:
        """The newest table, None before the first; and why there is no newer one."""
        return self._table, self._problem

    def poll(self) -> None:
        """Ends a child that has been silent for too long; called often."""
        child = self._child
        if child is not None and time.monotonic() - self._heard > _MAX_SILENCE_S:
            self._heard = time.monotonic()
            child.kill()

    @property
    def error(self) -> BaseException | None:
        """The error that ended the thread; None while it runs."""
        return self._worker.error

    def close(self) -> None:
        """Ends the child."""
        self._over.set()
        if self._child is not None:
            self._child.kill()
        self._worker.join(_RESTART_PAUSE_S)

    def _run(self) -> None:
        while not self._over.is_set():
            child = self._child = ChildProcess(_CHILD, "main")
            self._heard = time.monotonic()
            file = str(self._file.resolve())
            child.send_request({"file": file, "typed": as_typed("cluster page")})
            while not self._over.is_set() and (message := child.read_message()) is not None:
                self._table = message.get("table", self._table)
                self._problem = message.get("problem", "")
                self._heard = time.monotonic()
            child.kill()
            if not self._over.is_set():
                self._problem = "the connection to the cluster was lost; connecting again"
            self._over.wait(_RESTART_PAUSE_S)


def page(file: Path, address: str | None) -> int:
    """Serves the page until Ctrl-C or SIGTERM.

    Args:
        file: the cluster's settings.
        address: HOST:PORT; None: as the settings say.

    Raises:
        ConfigError: the address cannot be had, or something is missing.
    """
    wanted = read_cluster(file).page
    where = address or wanted.address or DEFAULT_ADDRESS
    found = split_address(where)
    if found is None:
        raise ConfigError(f"--address {where}: must be HOST:PORT, such as {DEFAULT_ADDRESS}")
    users, audit, certificate, key = (
        None if path is None else beside(file, path)
        for path in (wanted.users, wanted.audit, wanted.certificate, wanted.key)
    )
    public = PublicAddress.of(found[0], wanted.allow_hosts, wanted.root_path)
    server = LiveServer(*found, certificate, key, ("--address", "--address HOST:PORT"))
    try:
        is_open = server.is_open or bool(wanted.allow_hosts)  # then a proxy is before it
        guard = new_guard(users, audit, is_open)
    except ConfigError:
        server.stop()
        raise
    stop = StopRequest()
    with stop.listening():
        feed = TableFeed(file)
        try:
            server.start(create_app(feed.newest, guard, public))
            _report(server)
            while not stop() and server.error is None and feed.error is None:
                feed.poll()
                time.sleep(_POLL_S)
        finally:
            server.stop()
            feed.close()
    error = server.error or feed.error
    if error is not None:
        raise error
    return 0


def _report(server: LiveServer) -> None:
    say(f"cluster page: {server.url} (Ctrl-C ends it)")
    if server.network_url is not None:
        say(f"cluster page for other machines: {server.network_url}")
    if server.is_open and not server.url.startswith("https:"):
        say(
            "cluster page: without TLS, passwords can be read on their way; set page.certificate "
            "and page.key, or put a proxy with TLS before it",
            "warning",
        )
