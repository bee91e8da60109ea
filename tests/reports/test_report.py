"""Reports and exports: totals, days of 23 and 25 hours, files, wrong use."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from maskdet.__main__ import main
from maskdet.commands.events import deletion
from maskdet.commands.events.selection import SelectionOptions, select
from maskdet.errors import ConfigError
from maskdet.reports.buckets import by_hour_of_day, by_time
from maskdet.reports.charts import Bar, people_chart
from maskdet.reports.local_time import LocalTime
from maskdet.reports.page import page, percent
from maskdet.reports.queries import People, Selection, Totals, read_totals
from maskdet.sinks.store import schema
from maskdet.sinks.store.schema import open_for_reading, open_for_writing
from tests.reports.synthetic import RUN, fill

ROOT = Path(__file__).resolve().parents[2]
BERLIN = "Europe/Berlin"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Days on which clocks are set, in Berlin."""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "week.db"
    fill(path, date(2026, 3, 23), 7, BERLIN, people_a_day=40)
    return path


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "days.db"
    fill(path, date(2026, 3, 23), 2, BERLIN, people_a_day=30)
    return path


def visit(connection: sqlite3.Connection, number: int, moment: float, state: str) -> None:
    connection.execute(
        "INSERT INTO visits VALUES (?, 'door', ?, ?, 5, ?, 0.9, 0, 1, NULL)",
        (RUN, number, moment, state),
    )


def totals_of(path: Path, clock: LocalTime, *arguments: str | None, **more: object) -> Totals:
    with closing(open_for_reading(path)) as connection:
        wanted = select(connection, clock, SelectionOptions(*arguments, **more))  # type: ignore[arg-type]
        return read_totals(connection, wanted, clock)


def test_a_recording_has_no_up_time(tmp_path: Path):
    path, clock = tmp_path / "files.db", LocalTime(BERLIN)
    fill(path, date(2026, 3, 23), 1, BERLIN, people_a_day=30)
    with closing(open_for_writing(path)) as connection:
        connection.execute("DELETE FROM cameras WHERE camera = 'hall'")
    totals = totals_of(path, clock, cameras=("hall",))
    assert not totals.uptime and not totals.uptime_by_hour and totals.people.total
    text = page(totals, clock, 0.0)
    assert "camera up-time" not in text and "up-time, by" not in text
    both = page(totals_of(path, clock), clock, 0.0)
    chart = both.partition("up-time, by")[2].partition("</section>")[0]
    assert "door" in chart and "hall" not in chart


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 7, 1), 24)])
@pytest.mark.parametrize("by_name", [True, False], ids=["named zone", "the machine's zone"])
def test_a_day_has_as_many_hours_as_its_clock_shows(
    tmp_path: Path, day: date, hours: int, by_name: bool, monkeypatch: pytest.MonkeyPatch
):
    import time

    monkeypatch.setenv("TZ", BERLIN)
    time.tzset()
    try:
        clock = LocalTime(BERLIN if by_name else None)
        path = tmp_path / "people.db"
        began = clock.start_of(day)
        with closing(open_for_writing(path)) as connection:
            for hour in range(-1, hours + 1):  # the first and the last are on other days
                visit(connection, hour + 2, began + 3600 * hour + 1800, "with_mask")
        totals = totals_of(path, clock, day.isoformat(), day.isoformat())
        assert totals.people.total == hours
        assert list(totals.by_day) == [day] and totals.by_day[day].total == hours
        buckets = by_time(totals, clock)
        assert [bar.people.total for bar in buckets.bars] == [1] * hours
        assert len({bar.name for bar in buckets.bars}) == hours
        of_day = [bar.people.total for bar in by_hour_of_day(totals, clock)]
        assert of_day[2] == hours - 23  # from 2 to 3 o'clock: never, twice, once
        assert sum(of_day) == hours
    finally:
        monkeypatch.undo()
        time.tzset()


def test_hours_of_zones_between_whole_hours(tmp_path: Path):
    clock, path = LocalTime("Asia/Kathmandu"), tmp_path / "people.db"  # UTC+5:45
    began = clock.start_of(date(2026, 5, 1)) + 9 * 3600
    with closing(open_for_writing(path)) as connection:
        for number, minutes in enumerate((-1, 0, 14, 59, 60)):
            visit(connection, number + 1, began + 60 * minutes, "with_mask")
    totals = totals_of(path, clock)
    assert [bar.people.total for bar in by_hour_of_day(totals, clock)][8:11] == [1, 3, 1]


LORD_HOWE = "Australia/Lord_Howe"
"""Clocks are set by half an hour there: some hours have thirty minutes."""


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 4, 5), 24.5), (date(2026, 10, 4), 23.5)])
def test_days_on_which_clocks_are_set_by_half_an_hour(tmp_path: Path, day: date, hours: float):
    clock, path = LocalTime(LORD_HOWE), tmp_path / "people.db"
    began = clock.start_of(day)
    with closing(open_for_writing(path)) as connection:
        ended = began + 3600 * hours
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, '1')", (RUN, began, ended))
        connection.execute("INSERT INTO cameras VALUES (?, 'door', ?)", (RUN, began))
        for quarter in range(int(4 * hours)):
            visit(connection, quarter + 1, began + 900 * quarter + 60, "with_mask")
            minute = int(began) + 900 * quarter
            values = (RUN, "door", minute, 0, 9, 60, 0, 0, 0, 0, 0)
            connection.execute(f"INSERT INTO minutes VALUES ({', '.join('?' * 11)})", values)
    totals = totals_of(path, clock, day.isoformat(), day.isoformat())
    people = [bar.people.total for bar in by_time(totals, clock).bars]
    assert sum(people) == totals.people.total == 4 * hours
    assert sorted(people) == [2] + [4] * (len(people) - 1)
    seconds = [one.expected_s for one in totals.uptime_by_hour.values()]
    assert sum(seconds) == totals.uptime["door"].expected_s == 3600 * hours


def test_a_period_of_all_years_is_a_page_at_once(week: Path, tmp_path: Path):
    output = tmp_path / "all.html"
    whole = ["--from", "1970-01-01", "--to", "2099-12-31"]
    assert main(["report", str(week), *whole, "--output", str(output)]) == 0
    assert output.stat().st_size < 3_000_000


def test_a_name_that_looks_like_a_formula_is_text_in_a_spreadsheet(
    two_days: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    path = tmp_path / "people.db"
    shutil.copy(two_days, path)
    with closing(open_for_writing(path)) as connection:
        for table in ("visits", "crossings", "stays"):
            query = f"UPDATE {table} SET camera = ? WHERE camera = 'door'"
            connection.execute(query, ('=HYPERLINK("x")',))
        connection.execute("UPDATE stays SET zone = '-1+1'")
    for arguments in (["export-events", str(path)], ["report", str(path)]):
        assert main([*arguments, "--csv", "-"]) == 0
        rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
        assert any(row["camera"] == '\'=HYPERLINK("x")' for row in rows)
        for cell in (cell for row in rows for cell in row.values()):
            assert cell[:1] not in ("=", "+", "-", "@")


def test_figures_add_up_by_hour_day_camera_and_agree_with_the_table(week: Path):
    clock = LocalTime(BERLIN)
    totals = totals_of(week, clock)
    with closing(open_for_reading(week)) as connection:
        expected = dict(connection.execute("SELECT state, count(*) FROM visits GROUP BY 1"))
    assert {name: getattr(totals.people, name) for name in expected} == expected
    for parts in (totals.by_hour, totals.by_day, totals.by_camera, totals.by_camera_hour):
        assert sum(one.total for one in parts.values()) == totals.people.total
    assert len(by_time(totals, clock).bars) == 7
    known = totals.people.total - totals.people.unsure
    assert totals.people.compliance == totals.people.with_mask / known


def test_uptime_is_of_the_time_in_which_the_monitor_ran(week: Path):
    totals = totals_of(week, LocalTime(BERLIN))
    hours = 7 * 24 - 1  # the clocks were set on the Sunday
    away = sum(2 for day in range(23, 30) if date(2026, 3, day).toordinal() % 3 == 0)
    assert totals.uptime["door"].share == 1.0
    assert totals.uptime["hall"].expected_s == hours * 3600
    assert totals.uptime["hall"].up_s == (hours - away) * 3600


def test_overlapping_runs_and_a_camera_that_never_came(tmp_path: Path):
    path, began = tmp_path / "people.db", 1_767_265_200
    with closing(open_for_writing(path)) as connection:
        for run, offset in (("a", 0), ("b", 600)):
            values = (run, began + offset, began + offset + 1200)
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, '1')", values)
            for camera in ("door", "dead"):
                connection.execute("INSERT INTO cameras VALUES (?, ?, ?)", (run, camera, values[1]))
            for minute in range(values[1] // 60 * 60, values[2], 60):
                connection.execute(
                    "INSERT INTO minutes VALUES (?, 'door', ?, 0, 9, 60, 0, 0, 0, 0, 0)",
                    (run, minute),
                )
    totals = totals_of(path, LocalTime("UTC"))
    assert totals.uptime["door"].expected_s == totals.uptime["door"].up_s == 1800
    assert totals.uptime["dead"].share == 0.0
    assert "dead" in page(totals, LocalTime("UTC"), began)


def test_zones_lines_and_filters(week: Path):
    clock = LocalTime(BERLIN)
    everyone = totals_of(week, clock)
    door = totals_of(week, clock, cameras=["door"])
    till = totals_of(week, clock, zones=["till"])
    assert set(everyone.zones) == {("door", "till"), ("hall", "till")}
    assert set(door.zones) == {("door", "till")} and set(door.uptime) == {"door"}
    assert door.people.total == everyone.by_camera["door"].total
    assert till.people.total == sum(one.people.total for one in everyone.zones.values())
    line = everyone.lines["door", "entrance"]
    assert line.ins + line.outs == line.people.total == door.people.total
    day = totals_of(week, clock, "2026-03-24", "2026-03-24")
    assert day.people.total == everyone.by_day[date(2026, 3, 24)].total
    morning = totals_of(week, clock, "2026-03-24T00:00", "2026-03-24T12:00")
    assert 0 < morning.people.total < day.people.total


def test_the_page_is_whole_and_loads_nothing(week: Path):
    clock = LocalTime(BERLIN)
    text = page(totals_of(week, clock), clock, 0.0)
    assert not re.search(r"(src|href)\s*=|@import|url\(|<script|https?://(?!www\.w3\.org)", text)
    charts = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(charts) == 10  # five, each for wide and for narrow places
    for chart in charts:
        root = ET.fromstring(chart)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for part in root.iter("{http://www.w3.org/2000/svg}rect"):
            x, y, w, h = (float(part.attrib[name]) for name in ("x", "y", "width", "height"))
            assert x >= 0 and x + w <= width + 0.1 and y >= 0 and y + h <= height
    assert text.count("<tbody>") == 5


@pytest.mark.parametrize("highest", [0, 1, 7, 42, 999, 1001, 12_345, 987_654, 3_456_789])
def test_axes_have_room_for_their_numbers(highest: int):
    chart = people_chart([Bar("Mon", "Monday", People(with_mask=highest))], "People")
    for svg in re.findall(r"<svg.*?</svg>", chart, re.DOTALL):
        texts = list(ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))
        axis = [text for text in texts if text.attrib["text-anchor"] == "end"]
        assert 2 <= len(axis) <= 6
        for text in axis:
            assert 7.2 * len(text.text or "") <= float(text.attrib["x"]) + 3.5


def test_names_from_outside_are_text_on_the_page(tmp_path: Path):
    path = tmp_path / "people.db"
    fill(path, date(2026, 3, 2), 1, BERLIN, people_a_day=3)
    evil = '<script>alert(1)</script>&"'
    with closing(open_for_writing(path)) as connection:
        for table in ("visits", "stays", "minutes", "cameras"):
            connection.execute(f"UPDATE {table} SET camera = ? WHERE camera = 'door'", (evil,))
        connection.execute("UPDATE stays SET zone = ?", (evil,))
    text = page(totals_of(path, LocalTime(BERLIN)), LocalTime(BERLIN), 0.0)
    assert "<script" not in text and "&lt;script&gt;" in text


@pytest.mark.parametrize(("days", "unit", "bars"), [(2, "hour", 48), (40, "day", 40)])
def test_columns_suit_the_period(days: int, unit: str, bars: int):
    clock = LocalTime(BERLIN)
    began = clock.start_of(date(2026, 5, 1))
    selection = Selection(began, began + days * 86_400)
    assert len(by_time(Totals(selection), clock).bars) == bars
    assert by_time(Totals(selection), clock).unit == unit
    year = Totals(Selection(began, began + 365 * 86_400))
    assert by_time(year, clock).unit == "month" and len(by_time(year, clock).bars) == 12


@pytest.mark.parametrize(
    ("first", "last", "zone", "named"),
    [
        ("2026-10-25", "2026-10-25", BERLIN, "times of CEST (UTC+02:00) and CET (UTC+01:00);"),
        ("2026-03-29", "2026-03-29", BERLIN, "times of CET (UTC+01:00) and CEST (UTC+02:00);"),
        ("2026-01-01", "2026-12-31", BERLIN, "times of CET (UTC+01:00) and CEST (UTC+02:00);"),
        ("2026-10-25", "2026-10-25", "Asia/Kolkata", "times of IST (UTC+05:30);"),
    ],
)
def test_every_time_zone_of_the_period_is_named(first: str, last: str, zone: str, named: str):
    clock = LocalTime(zone)
    began, ended = clock.parse(first, "--from"), clock.parse(last, "--to", is_end=True)
    assert named in page(Totals(Selection(began, ended)), clock, 0.0)


@pytest.mark.parametrize(
    ("people", "interval"),
    [(People(9, 1), "(60–\u206098\xa0%)"), (People(70_252, 8_477), "(89.0–\u206089.4\xa0%)")],
)
def test_an_interval_has_two_ends(people: People, interval: str):
    totals = Totals(Selection(0.0, 3600.0), people)
    assert interval in page(totals, LocalTime(BERLIN), 0.0)


def test_shares_are_never_rounded_up_to_all():
    assert [percent(x) for x in (None, 0.0, 0.894, 0.9996, 1.0)] == [
        *("–", "0 %", "89 %", "99.9 %", "100 %")
    ]


def test_the_command_writes_a_page_and_a_table(
    week: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    output = tmp_path / "new" / "report.html"
    arguments = ["report", str(week), "--timezone", BERLIN]
    assert main([*arguments, "--output", str(output), "--csv", "-"]) == 0
    written = capfd.readouterr()
    rows = list(csv.DictReader(io.StringIO(written.out)))
    people = sum(int(row["people"]) for row in rows)
    assert f"{people} people from 2026-03-23 00:00 to 2026-03-30 00:00" in written.err
    assert {row["hour"][-6:] for row in rows} == {"+01:00", "+02:00"}
    assert len(rows) == 2 * (7 * 24 - 1)
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_slow_reader_of_an_export_does_not_hold_the_store(week: Path, tmp_path: Path) -> None:
    """Its write-ahead log would grow for as long."""
    path = shutil.copy(week, tmp_path)
    command = [sys.executable, "-m", "maskdet", "export-events", str(path), "--csv", "-"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.read(4) == b"time"
            with closing(sqlite3.connect(path)) as writer:
                writer.execute("DELETE FROM crossings")
                writer.commit()
                assert writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            assert process.poll() is None  # it still waits for us
        finally:
            process.kill()


def test_export_has_every_event_in_order_and_all_tables(
    two_days: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    target = tmp_path / "all.json"
    arguments = ["export-events", str(two_days), "--timezone", BERLIN, "--json", str(target)]
    assert main([*arguments, "--csv", "-"]) == 0
    events = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    tables = json.loads(target.read_text())
    visits = len(tables["visits"])
    kinds = [event["event"] for event in events]
    assert kinds.count("appeared") == kinds.count("gone") == kinds.count("crossed") == visits
    assert kinds.count("entered") == kinds.count("left") == len(tables["stays"])
    assert [event["utc"] for event in events] == sorted(event["utc"] for event in events)
    assert tables["visits"][0]["local_time"].startswith("2026-03-23T08")
    assert main([*arguments, "--from", "2026-03-24", "--to", "2026-03-24", "--camera", "hall"]) == 0
    less = json.loads(target.read_text())["visits"]
    assert {row["camera"] for row in less} == {"hall"}
    assert {row["local_time"][:10] for row in less} == {"2026-03-24"}


def test_a_day_and_a_person_are_deleted_by_command(
    two_days: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    path = tmp_path / "people.db"
    shutil.copy(two_days, path)
    zone = ["--timezone", BERLIN]
    assert main(["delete-events", str(path), "--day", "2026-03-24", *zone]) == 0
    assert main(["export-events", str(path), "--csv", "-", *zone]) == 0
    events = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert not [event for event in events if event["time"].startswith("2026-03-24")]
    person = events[0]["person"]
    assert main(["delete-events", str(path), "--person", person]) == 0
    assert main(["export-events", str(path), "--csv", "-", *zone]) == 0
    left = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert person not in {event["person"] for event in left} and len(left) >= len(events) - 5


def content(path: Path) -> list[str]:
    with closing(open_for_reading(path)) as connection:
        return list(connection.iterdump())


WRONG = {
    "no store": (["report", "{none}"], "no such event store"),
    "a folder as store": (["report", "{folder}"], "is a folder"),
    "empty file": (["report", "{empty}"], "is empty: no monitor has written to it yet"),
    "PDF": (["report", "{week}", "--output", "{none}.pdf"], ".html (--csv FILE writes a table)"),
    "no database": (["report", "{text}"], "not an event store, or damaged"),
    "another program's": (["export-events", "{other}", "--csv", "-"], "of another program"),
    "torn page": (["report", "{torn}"], "cannot be read: database disk image is malformed; try"),
    "torn export": (["export-events", "{torn}", "--csv", "-"], ".recover`, which saves what"),
    "torn delete": (["delete-events", "{torn}", "--day", "2026-03-24"], "no row was deleted"),
    "newer": (["report", "{newer}"], "newer maskdet"),
    "unknown camera": (["report", "{week}", "--camera", "dor"], "it has door, hall"),
    "unknown zone": (["report", "{week}", "--zone", "tills"], "it has till"),
    "unknown camera to export": (
        ["export-events", "{week}", "--csv", "-", "--camera", "dor"],
        "--camera dor: no such camera in the store; it has door, hall",
    ),
    "a year that no store has": (["report", "{week}", "--to", "9999-12-31"], "from 1970 to 2099"),
    "the first year": (["report", "{week}", "--from", "0001-01-01T00:00"], "from 1970 to 2099"),
    "a day that no store has": (["delete-events", "{week}", "--day", "9999-12-31"], "1970 to 2099"),
    "no day": (["report", "{week}", "--from", "31.1.2026"], "expected a day or a time"),
    "end before beginning": (
        ["report", "{week}", "--from", "2026-03-25", "--to", "2026-03-24"],
        "is after --to 2026-03-24",
    ),
    "unknown time zone": (["report", "{week}", "--timezone", "Berlin"], "unknown time zone"),
    "nothing to write": (["export-events", "{week}"], "say --csv FILE or --json FILE"),
    "nothing to delete": (["delete-events", "{week}", "--day", "2025-01-01"], "has nothing of"),
    "nobody to delete": (["delete-events", "{week}", "--person", "7"], "RUN/CAMERA/NUMBER"),
    "day and person": (["delete-events", "{week}"], "say either --day"),
    "a folder in the way": (["report", "{week}", "--output", "{folder}"], "cannot write"),
}


def tear(store: Path, torn: Path) -> None:
    """Copies a store whose table of visits cannot be read."""
    shutil.copy(store, torn)
    with closing(sqlite3.connect(torn)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'visits'"
        (root,) = connection.execute(query).fetchone()
    with torn.open("r+b") as file:
        file.seek(size * (root - 1))
        file.write(bytes(size))


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_one_line(
    case: str, week: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    places = {
        name: tmp_path / name
        for name in ("none", "text", "other", "newer", "folder", "torn", "empty")
    }
    places["empty"].touch()
    places["text"].write_text("no database at all " * 100)
    places["folder"].mkdir()
    with closing(sqlite3.connect(places["other"])) as connection:
        connection.execute("CREATE TABLE x (y)")
    with closing(open_for_writing(places["newer"])) as connection:
        connection.execute("PRAGMA user_version = 9")
    tear(week, places["torn"])
    arguments, expected = WRONG[case]
    before = content(week)
    assert main([one.format(week=week, **places) for one in arguments]) == 2
    reported = capfd.readouterr()
    assert reported.out == "" and len(reported.err.splitlines()) == 1 and expected in reported.err
    assert content(week) == before and not places["none"].exists()


def test_deleting_from_a_locked_store_is_one_line(
    two_days: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch
):
    monkeypatch.setattr(schema, "BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr(deletion, "BUSY_TIMEOUT_MS", 10)
    path = tmp_path / "people.db"
    shutil.copy(two_days, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert main(["delete-events", str(path), "--day", "2026-03-24"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("database is locked; repeat this when the program that holds it is done")
    assert content(path) == content(two_days)


def test_an_empty_store_is_a_page_that_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path, output = tmp_path / "people.db", tmp_path / "report.html"
    open_for_writing(path).close()
    assert main(["report", str(path), "--output", str(output)]) == 0
    assert "nobody was seen" in capfd.readouterr().err
    assert "Nobody in this time." in output.read_text(encoding="utf-8")


@pytest.mark.parametrize("typed", ["{} 22:00", "{}T22:00", "{}T22:00:00"])
def test_a_shift_is_named_by_the_day_before_and_an_hour(typed: str):
    clock = LocalTime(BERLIN)
    midnight = clock.parse("today", "--from")
    start, end = (
        clock.parse(typed.format("yesterday"), "--from"),
        clock.parse("today 06:00", "--to"),
    )
    assert (midnight - start) / 3600 in (1, 2, 3) and (end - midnight) / 3600 in (5, 6, 7)
    assert datetime.fromtimestamp(start, ZoneInfo(BERLIN)).hour == 22
    with pytest.raises(ConfigError, match="--from yesterday 25:00: expected a day or a time, such"):
        clock.parse("yesterday 25:00", "--from")
