"""A collecting store in a real PostgreSQL server: the same rows, reports and deletions."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.errors import ConfigError, SinkError
from maskdet.sinks.store.collecting_store import CollectingStore, NotNowError
from maskdet.sinks.store.deletion import Limits
from maskdet.sinks.store.opening import open_store
from maskdet.sinks.store.postgres import Database, PostgresStore
from maskdet.sinks.store.rows import KINDS, RowError
from tests.sinks.messaging.site import name_of, script
from tests.sinks.messaging.sites import Sites
from tests.sinks.store.postgres_server import PostgresServer

pytestmark = pytest.mark.timeout(180)
VISITS = 12


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    made = PostgresServer()
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def database(server: PostgresServer) -> Iterator[Database]:
    found = Database(server.address)
    yield found
    with found.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS maskdet CASCADE")


def messages() -> list[tuple[str, str, bytes]]:
    """Site, kind and content of each message of two sites, older versions of rows included."""
    columns = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        from maskdet.sinks.store.rows import read_tables
        from maskdet.sinks.store.schema import migrate

        migrate(empty)
        columns = {name: list(table.types) for name, table in read_tables(empty).items()}
    return [
        (
            name_of(number),
            KINDS[table],
            json.dumps(dict(zip(columns[table], row, strict=True))).encode(),
        )
        for number in (0, 1)
        for rows in script(number, VISITS)
        for (table, *_), row in rows.items()
    ]


def fill(store: CollectingStore | PostgresStore) -> None:
    """Writes all messages, those of the first half once more at the end."""
    parsed = [store.parse(*message) for message in messages()]
    store.write(parsed)
    store.write(parsed[: len(parsed) // 2])


def test_it_holds_the_rows_of_a_file_and_gives_the_same_report(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with closing(PostgresStore(database)) as store:
        fill(store)
        assert store.consumer_of("s") == store.consumer_of("s") != store.consumer_of("t")
    with closing(CollectingStore(tmp_path / "all.db")) as other:
        fill(other)
    PostgresStore(database).close()  # again: nothing is lost
    with open_store(database) as one, open_store(tmp_path / "all.db") as two:
        for table in KINDS:
            found, wanted = (
                sorted(c.execute(f"SELECT * FROM {table}").fetchall(), key=str) for c in (one, two)
            )
            assert found == wanted, table
    printed = []
    for name in (database.address, str(tmp_path / "all.db")):
        for words in (["report"], ["export-events"]):
            assert main([*words, name, "--csv", "-"]) == 0
            printed.append(capsys.readouterr().out)
    assert printed[:2] == printed[2:] and len(printed[0].splitlines()) > 3


def test_a_person_a_day_and_what_is_old_are_deleted(
    database: Database, capsys: pytest.CaptureFixture[str]
):
    with closing(PostgresStore(database)) as store:
        fill(store)
    assert main(["export-events", database.address, "--csv", "-"]) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]
    day, person = rows[0][0][:10], rows[0][3]
    assert main(["delete-events", database.address, "--person", person]) == 0
    assert f"deleted person {person}" in capsys.readouterr().err
    assert main(["delete-events", database.address, "--person", person]) == 2
    assert main(["export-events", database.address, "--csv", "-"]) == 0
    left = capsys.readouterr().out
    assert f",{person}," not in left and len(left.splitlines()) > 3
    assert main(["delete-events", database.address, "--day", day]) == 0
    with open_store(database) as connection:
        assert connection.execute("SELECT count(*) FROM visits").fetchone() == (0,)
    with closing(PostgresStore(database, Limits(60.0))) as store:
        fill(store)  # of another year
        store.enforce_limits()
    with open_store(database) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in KINDS]
        assert sum(counts) == 0


def test_what_is_wrong_is_one_line(
    database: Database,
    server: PostgresServer,
    capsys: pytest.CaptureFixture[str],
    refusing_port: int,
):
    nobody = f"postgresql://127.0.0.1:{refusing_port}/x"
    for address, status, message in [
        (nobody, 2, "Connection refused"),
        (database.address, 2, "holds no event store; maskdet collect-events makes one"),
        (f"{server.address}x", 2, 'database "postgresx" does not exist'),
        ("postgresql://ann:geheim@127.0.0.1/x", 2, "no password in the database's address"),
        ("mysql://ann:geheim@127.0.0.1/x", 2, "mysql://ann:***@127.0.0.1/x is not an event store"),
    ]:
        assert main(["report", address]) == status
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line and "geheim" not in line
    with pytest.raises(SinkError, match="refused"):
        PostgresStore(Database(nobody))
    with pytest.raises(ConfigError):
        Database("postgres://host/x?password=geheim")
    with closing(PostgresStore(database)) as store:
        bad = {"run": "0" * 32, "camera": "a\0b", "began": 1.0}
        with pytest.raises(RowError, match="camera of cameras holds a zero byte"):
            store.parse("north", "camera", json.dumps(bad).encode())


def test_what_a_user_lacks_is_named_with_the_way_to_it(
    database: Database, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
):
    """A password, and the right to make a schema; one that is there is used without that right."""
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    ann = Database(server.address.replace("tester@", "ann@"))
    with database.connect() as admin:
        rules = Path(admin.execute("SHOW hba_file").fetchone()[0])
        before = rules.read_text()
        admin.execute("CREATE ROLE ann LOGIN PASSWORD 'geheim'")
        try:
            with pytest.raises(SinkError, match="permission denied.*; .*GRANT CREATE ON DATABASE"):
                PostgresStore(ann)
            rules.write_text(f"host all ann 127.0.0.1/32 scram-sha-256\n{before}")
            admin.execute("SELECT pg_reload_conf()")
            until(lambda: "no password supplied; set PGPASSWORD" in problem_of(ann))
            monkeypatch.setenv("PGPASSWORD", "wrong")
            assert "authentication failed" in problem_of(ann) and "PGPASSWORD" in problem_of(ann)
            monkeypatch.setenv("PGPASSWORD", "geheim")
            admin.execute("CREATE SCHEMA maskdet AUTHORIZATION ann")
            PostgresStore(ann).close()
            PostgresStore(ann).close()
        finally:
            rules.write_text(before)
            admin.execute("DROP SCHEMA IF EXISTS maskdet CASCADE")
            admin.execute("DROP ROLE ann")
            admin.execute("SELECT pg_reload_conf()")


def problem_of(database: Database) -> str:
    """The reason why a store is not opened; empty where it is."""
    try:
        PostgresStore(database).close()
    except SinkError as error:
        return str(error)
    return ""


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_connects_again_after_the_server_was_killed(database: Database, server: PostgresServer):
    with closing(PostgresStore(database)) as store:
        fill(store)
        rows = [store.parse(*message) for message in messages()]
        server.kill()
        try:
            with pytest.raises(NotNowError):
                store.write(rows)
        finally:
            server.start()
        store.write(rows)


@pytest.mark.slow
def test_sites_are_collected_into_it_whatever_is_killed(
    database: Database, server: PostgresServer, tmp_path: Path
):
    chance = random.Random(3)
    sites = Sites(tmp_path, sites=2, visits=150, pace=0.02, database=database.address)
    try:
        sites.start()
        for started in (1, 2):
            while sites.log.read_text().count("collecting events from") < started:
                time.sleep(0.1)  # a collector ends where there is no database at its start
            time.sleep(chance.random())
            server.kill()
            time.sleep(0.3)
            server.start()
            for _ in range(3):
                time.sleep(0.3 + 0.7 * chance.random())
                sites.kill_one(chance)
        sites.finish(120)
    finally:
        sites.stop()
    assert sites.differences() == {}, sites.log.read_text()
