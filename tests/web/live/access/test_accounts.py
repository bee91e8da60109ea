"""The file of users, sessions, pauses of logins, the audit log: each alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import argon2
import pytest

from maskdet.errors import ConfigError
from maskdet.web.live.access.accounts import MAX_PASSWORD_CHARACTERS, Accounts
from maskdet.web.live.access.audit import AuditLog
from maskdet.web.live.access.sessions import IDLE_S, MAX_S, TRIES, LoginLimit, Sessions
from tests.helpers.monitors import ROOT
from tests.web.live.pages import PASSWORD


def test_pauses_double_and_end():
    now = [0.0]
    limit = LoginLimit(lambda: now[0])
    for _ in range(TRIES - 1):
        limit.fail("a", "n")
    assert limit.wait_s("a") == 0
    limit.fail("a")
    assert limit.wait_s("a", "n") == 30 and limit.wait_s("n") == 0
    now[0] = 31
    assert limit.wait_s("a") == 0
    limit.fail("a")
    assert limit.wait_s("a") == 60
    for _ in range(20):
        limit.fail("a")
    assert limit.wait_s("a") == 900
    limit.succeed("a")
    assert limit.wait_s("a") == 0


def test_sessions_end(tmp_path: Path):
    accounts = Accounts(tmp_path / "users.json")
    accounts.add("vera", "viewer", PASSWORD)
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    token, _ = sessions.begin(accounts.all()[0])
    now[0] = IDLE_S - 1
    assert sessions.get(token) and sessions.get("x") is None
    now[0] += IDLE_S + 1
    assert sessions.get(token) is None
    now[0] = 0.0
    token, _ = sessions.begin(accounts.all()[0])
    while now[0] <= MAX_S:
        assert sessions.get(token)
        now[0] += IDLE_S / 2
    assert sessions.get(token) is None


def test_lines_of_an_audit_log_stay_lines(tmp_path: Path):
    log = AuditLog(tmp_path / "log")
    log.write("login failed", "a\nb" + "x" * 9999, "1.2.3.4")
    log.write("export", "ö", "::1", first="2026")
    first, second = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert len(first["user"]) == 300 and second["user"] == "ö"
    with pytest.raises(ConfigError, match="cannot be written"):
        AuditLog(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_leaves_no_half_line_in_an_audit_log(tmp_path: Path):
    """A file that may not grow takes a part of a line, as a disk that is nearly full does."""
    code = f"""if True:
        import resource
        from pathlib import Path
        from maskdet.web.live.access.audit import AuditLog
        log = AuditLog(Path({str(tmp_path / "log")!r}))
        assert log.write("login", "ann", "::1")
        size = Path({str(tmp_path / "log")!r}).stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
        assert not log.write("export", "ann", "::1")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert log.write("logout", "ann", "::1")
    """
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["login", "logout"]


def test_the_file_of_users_is_its_owners_alone(tmp_path: Path):
    path = tmp_path / "settings" / "users.json"
    accounts = Accounts(path)
    with pytest.raises(ConfigError, match="maskdet users add"):
        accounts.all()
    assert accounts.add("vera", "viewer", PASSWORD)
    text = path.read_text()
    assert PASSWORD not in text and "$argon2id$" in text
    assert not accounts.add("vera", "operator", PASSWORD)
    assert accounts.verify("vera", PASSWORD) and not accounts.verify("vera", PASSWORD + "x")
    assert not accounts.verify("nobody", PASSWORD)
    for name, password, reported in (
        ("a b", PASSWORD, "not a name"),
        ("a", "short", "5 characters"),
    ):
        with pytest.raises(ConfigError, match=reported):
            accounts.add(name, "viewer", password)
    with pytest.raises(ConfigError, match="there is vera"):
        accounts.remove("nobody")
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        with pytest.raises(ConfigError, match="chmod 600"):
            Accounts(path).all()
        path.chmod(0o600)
    for broken in ("", "[]", '{"users": [{"name": "a"}]}', '{"users": 3}', "\udcff"):
        path.write_bytes(broken.encode("utf-8", "surrogateescape"))
        with pytest.raises(ConfigError, match=r"not a file of users|is not text"):
            Accounts(path).all()


def test_who_is_no_user_is_refused_after_the_same_work(tmp_path: Path, monkeypatch):
    """By the time of an answer nobody learns the names of users."""
    accounts = Accounts(tmp_path / "users.json")
    accounts.add("vera", "viewer", PASSWORD)
    hashes = []
    verify = argon2.PasswordHasher.verify

    def counted(hasher: argon2.PasswordHasher, hashed: str, password: str) -> bool:
        hashes.append(argon2.extract_parameters(hashed))
        return verify(hasher, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    assert accounts.verify("vera", PASSWORD + "x") is None
    assert accounts.verify("nobody", PASSWORD) is None
    assert len(hashes) == 2 and hashes[0] == hashes[1]


def test_a_password_of_any_length_costs_nothing(tmp_path: Path):
    path = tmp_path / "users.json"
    accounts = Accounts(path)
    accounts.add("vera", "viewer", PASSWORD)
    users = json.loads(path.read_text())
    password = "x" * (MAX_PASSWORD_CHARACTERS + 1)
    for length, is_verified in ((MAX_PASSWORD_CHARACTERS, True), (len(password), False)):
        users["users"][0]["password"] = argon2.PasswordHasher().hash(password[:length])
        path.write_text(json.dumps(users) + " " * length)  # another size: it is read again
        assert bool(accounts.verify("vera", password[:length])) == is_verified
