"""The page of a cluster on loopback, of tables that a test has written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from maskdet.system.atomic_files import write_whole
from maskdet.web.cluster.app import create_app
from maskdet.web.live.access.accounts import Accounts
from maskdet.web.live.access.audit import AuditLog
from maskdet.web.live.access.guard import Guard
from maskdet.web.live.server import LiveServer
from maskdet.web.page_server.public_address import PublicAddress
from tests.web.live.pages import users_file


def node(name: str, **changes: Any) -> dict[str, Any]:
    values = {
        **{"name": name, "state": "up", "cameras": 2, "report_age_s": 0.3, "cores": 8},
        **{"load_cores": 1.25, "machine_share": 0.42, "problem": "", "version": "1.0"},
        **{"group_pid": 4711, "monitor_pid": 4712, "monitor_starts": 1, "page": None},
    }
    return values | changes


def camera(name: str, where: str | None, **changes: Any) -> dict[str, Any]:
    people = {"with_mask": 1, "without_mask": 1, "mask_weared_incorrect": 0, "unsure": 0}
    values = {
        **{"name": name, "node": where, "state": "running", "age_s": 0.2, "capture_fps": 15.0},
        **{"detect_fps": 5.0, "processed": 99, "people": people, "problem": ""},
    }
    return values | changes


def table(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A table of the placement, of now; `rows` of machines and cameras."""
    values = {
        **{"version": 1, "time": time.time(), "settled": True, "placement_pid": 4713},
        **{"problem": "", "nodes": [one for one in rows if "cores" in one]},
        "cameras": [one for one in rows if "node" in one],
    }
    return values | changes


@dataclass
class Page:
    """A page that is served; a test changes what the placement has reported."""

    url: str
    table: dict[str, Any] | None = None
    problem: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def newest(self) -> tuple[dict[str, Any] | None, str]:
        return self.table, self.problem

    @contextmanager
    def client(self, **options: Any) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=20, trust_env=False, **options) as client:
            yield client


@contextmanager
def serving_cluster(folder: Path, users: dict[str, str] | None = None) -> Iterator[Page]:
    """The page; with users (roles by name) everybody has to log in, with `PASSWORD`."""
    accounts = None
    if users is not None:
        accounts = Accounts(folder / "users.json")
        write_whole(accounts.path, users_file(tuple(users.items())))
        accounts.path.chmod(0o600)
    server = LiveServer("127.0.0.1", 0)
    page = Page(server.url.rstrip("/"))
    server.start(create_app(page.newest, Guard(accounts, AuditLog(None)), PublicAddress()))
    try:
        yield page
    finally:
        server.stop()
    assert server.error is None
