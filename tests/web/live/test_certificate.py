"""A TLS certificate that expires, that has expired, and that was renewed."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.commands.doctor.certificate import check
from maskdet.commands.doctor.finding import Health
from maskdet.web.live import certificate as module
from maskdet.web.live.certificate import CertificateWatch, expiry, expiry_warning
from tests.sinks.channels.servers import make_certificate, wait_until
from tests.web.live.pages import PASSWORD, Page, serving_live

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl"),
    pytest.mark.timeout(120),
]
DAY_S = 24 * 3600
USERS = {"oleg": "operator", "vera": "viewer"}


def certificate(folder: Path, days: int, name: str = "own") -> tuple[Path, Path]:
    """One for this machine that signs itself and is valid for some days."""
    made, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", made,
         "-days", str(days), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return made, key


def signed_by_another(folder: Path) -> tuple[Path, Path]:
    """As a certificate authority gives them: the file holds its own certificate, too."""
    made, key = certificate(folder, 500, "authority")
    for words in (
        ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr",
         "-subj", "/CN=leaf"],
        ["x509", "-req", "-in", "leaf.csr", "-CA", made, "-CAkey", key, "-CAcreateserial",
         "-days", "5", "-out", "leaf.pem"],
    ):  # fmt: skip
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    chain = folder / "chain.pem"
    chain.write_bytes((folder / "leaf.pem").read_bytes() + made.read_bytes())
    return chain, folder / "leaf.key"


def test_when_it_expires(tmp_path: Path):
    files = certificate(tmp_path, 20)
    ends, now = expiry(*files), time.time()
    assert ends is not None and abs(ends - now - 20 * DAY_S) < 600
    assert expiry_warning(*files) == ""
    assert expiry_warning(*files, now=ends - 14 * DAY_S - 1) == ""
    warning = expiry_warning(*files, now=ends - 3.5 * DAY_S)
    assert f"the TLS certificate {files[0]} expires in 3 days (20" in warning
    assert warning.endswith(" UTC); renew it")
    assert "has expired (20" in expiry_warning(*files, now=ends + 1)
    assert "expires in 4 days" in expiry_warning(*signed_by_another(tmp_path))
    (tmp_path / "expired").mkdir()
    assert "2020-02-01 00:00" in expiry_warning(
        *make_certificate(tmp_path / "expired", expired=True)
    )
    assert expiry(tmp_path / "none", files[1]) is None


def test_it_is_logged_at_the_start_and_once_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    watch = CertificateWatch(*certificate(tmp_path, 5), lambda: None)
    for hour in range(50):
        clock[0] = hour * 3600.0
        watch.check()
    lines = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lines) == 3 and all("expires in 4 days" in line for line in lines)


def shown(page: Page) -> bytes:
    """The certificate that somebody gets who connects now."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = int(page.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def test_operators_get_a_line_and_a_new_one_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(module, "CHECK_INTERVAL_S", 0.1)
    made, key = certificate(tmp_path, 5)
    renewed = certificate(tmp_path, 90, "renewed")
    with serving_live(tmp_path, users=USERS, certificate=made, key=key) as page:
        page.see()
        first = shown(page)

        def notices(user: str) -> list[str]:
            with page.client(verify=False, auth=(user, PASSWORD)) as client:
                return list(client.get("/api/state").json()["notices"])

        assert [line.partition(" in ")[2][:6] for line in notices("oleg")] == ["4 days"]
        assert notices("vera") == []
        shutil.copy(renewed[0], made)  # its key is not there yet
        time.sleep(0.5)
        assert shown(page) == first
        shutil.copy(renewed[1], key)
        wait_until(lambda: shown(page) != first)
        wait_until(lambda: not notices("oleg"))
    lines = capfd.readouterr().err.splitlines()
    assert lines.count("live page: the new TLS certificate is served") == 1


def settings(folder: Path, made: Path, key: Path) -> Path:
    config = folder / "own.yaml"
    config.write_text(f"serve: {{address: 127.0.0.1:0, certificate: {made}, key: {key}}}\n")
    return config


def test_the_doctor_reports_it(tmp_path: Path, tiny_model: Path):
    config, report = settings(tmp_path, *certificate(tmp_path, 5)), tmp_path / "report.json"
    options = ["--model", str(tiny_model), "--folder", str(tmp_path), "--json", str(report)]
    assert main(["doctor", *options, "--config", str(config)]) == 0
    found = {check["name"]: check for check in json.loads(report.read_text())["checks"]}["TLS"]
    assert found["health"] == "warning" and "expires in 4 days" in found["text"]
    assert found["fix"] == "renew it"


def test_what_the_doctor_calls_well_and_broken(tmp_path: Path):
    (found,) = check(settings(tmp_path, *certificate(tmp_path, 90)))
    assert found.health is Health.OK and "holds until 20" in found.text
    (found,) = check(settings(tmp_path, *make_certificate(tmp_path, expired=True)))
    assert found.health is Health.BROKEN and "has expired" in found.text
