"""The report as a browser lays it out: on a telephone, a screen and paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from pypdf import PdfReader

from maskdet.reports.charts import Bar, Strip, people_chart, uptime_chart
from maskdet.reports.local_time import LocalTime
from maskdet.reports.page import page
from maskdet.reports.queries import People
from tests.reports import synthetic
from tests.reports.synthetic import fill
from tests.reports.test_report import BERLIN, totals_of


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs a browser")
    yield found


def test_the_page_fits_a_telephone_and_a_screen(tmp_path: Path, chromium: str):
    """Nothing is wider than its place, no word of a head is broken: measured by the browser."""
    clock, file, store = LocalTime(BERLIN), tmp_path / "report.html", tmp_path / "people.db"
    fill(store, date(2026, 3, 23), 7, BERLIN, 900)
    probe = """<script>addEventListener("load", () => {
        const lines = e => {
            const range = document.createRange();
            range.selectNodeContents(e);
            return range.getClientRects().length };
        const wide = [...document.querySelectorAll("body *")].filter(
            e => e.getBoundingClientRect().right > innerWidth + 1
                || (/^T[HD]$/.test(e.tagName) && e.scrollWidth > e.clientWidth + 1)
                || (e.tagName == "TH" && lines(e) > e.textContent.split(" ").length));
        document.title = `widest ${wide.length} of ${innerWidth}`; })</script>"""
    text = page(totals_of(store, clock), clock, 0.0).replace("</body>", probe + "</body>")
    frame = tmp_path / "frame.html"
    file.write_text(text, encoding="utf-8")
    for width in (305, 390, 1280):  # a telephone of 320 has its scroll bar within
        frame.write_text(
            f'<iframe id="f" src="report.html" style="width:{width}px;height:3000px;border:0">'
            '</iframe><script>addEventListener("load", () => setTimeout(() => {'
            " document.body.innerText = document.getElementById('f').contentDocument.title"
            " }, 200))</script>"
        )
        done = browse(chromium, "--dump-dom", "--virtual-time-budget=2000", frame.as_uri())
        assert f"widest 0 of {width}" in done, done[-500:]


def browse(chromium: str, *arguments: str) -> str:
    return subprocess.run(
        [chromium, "--headless=new", "--no-sandbox", "--disable-gpu",
         "--allow-file-access-from-files", *arguments],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip


def test_the_page_is_printed_on_a4_with_numbers_and_whole_tables(tmp_path: Path, chromium: str):
    store, file, pdf = tmp_path / "m.db", tmp_path / "report.html", tmp_path / "report.pdf"
    fill(store, date(2026, 3, 2), 30, BERLIN, 40)
    clock = LocalTime(BERLIN)
    file.write_text(page(totals_of(store, clock), clock, 0.0), encoding="utf-8")
    browse(chromium, f"--print-to-pdf={pdf}", file.as_uri())
    pages = PdfReader(pdf).pages
    texts = [one.extract_text() for one in pages]
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]
    assert 3 <= len(pages) <= 5
    for number, text in enumerate(texts, 1):
        assert f"page {number} of {len(pages)}" in text and "2026-03-02 to 2026-03-31" in text
    row = re.compile(r"^\w{3} 2026-03-\d\d( \d+){5} \d+ %$", re.MULTILINE)
    assert sum(len(row.findall(text)) for text in texts) == 30
    head = "day people mask no mask incorrect unsure with mask"
    for text in texts:  # no row stands alone, and each part has its head
        found = len(row.findall(text))
        assert found != 1 and (found == 0 or head in text)
    assert row.findall(texts[-1]) or re.search(r"^\d\d:00-\d\d:59 ", texts[-1], re.MULTILINE)


def test_names_are_in_natural_order_and_distinct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = [f"warehouse, entrance of the northern building, gate {i}" for i in (1, 2, 10)]
    monkeypatch.setattr(synthetic, "CAMERAS", tuple(reversed(names)))
    store, clock = tmp_path / "m.db", LocalTime(BERLIN)
    fill(store, date(2026, 3, 2), 1, BERLIN, 40)
    text = page(totals_of(store, clock), clock, 0.0)
    chart = text.partition("up-time, by")[2].partition("</section>")[0]
    shown = re.findall(r">(wareh[^<]*)</text>", chart)
    assert len(shown) == 6 and len(set(shown[:3])) == len(set(shown[3:])) == 3
    assert all("…" in one for one in shown)
    cells = re.findall(r"<td>(?:<bdi>\w+</bdi> \()?<bdi>(wareh[^<]*)</bdi>\)?</td>", text)
    assert cells == names * 3  # cameras, zones, lines


@pytest.mark.parametrize(
    "name",
    [
        "A" * 100,
        "LAGERHALLE NORD, EINGANG WEST, TOR 17",
        "w" * 40,
        "i" * 100,
        "仓库北门入口三号摄像机" * 2,
    ],
)
def test_names_end_before_their_cells(name: str, tmp_path: Path, chromium: str):
    """As the browser lays them out: capitals are wider than digits, other letters wider still."""
    file = tmp_path / "chart.html"
    probe = """<script>addEventListener("load", () => { document.title = [...document
        .querySelectorAll("svg")].map(svg => { const at = e => e.getBoundingClientRect();
            return Math.round(at(svg.querySelector(".cell")).left - at(svg.querySelector(".name"))
                .right); }).join(" "); })</script>"""
    chart = uptime_chart([Strip(name, (1.0, 0.5), "75 %")], ["1", "2"], "Up-time")
    style = "<style>text { font: 12px sans-serif }</style>"
    file.write_text(f"<meta charset='utf-8'>{style}{chart}{probe}", encoding="utf-8")
    done = browse(chromium, "--dump-dom", "--virtual-time-budget=1000", file.as_uri())
    gaps = [int(gap) for gap in re.findall(r"<title>(-?\d+ -?\d+)</title>", done)[-1].split()]
    assert len(gaps) == 2 and min(gaps) >= 2


@pytest.mark.parametrize(
    ("totals", "columns", "expected"),
    [
        ([5, 999, 0], 24, ["5", "999"]),
        ([979, 2358, 0], 24, ["979", "2358"]),  # smaller
        ([979, 23580, 0], 24, []),  # not the low ones alone
        ([582, 799, 803], 31, ["582", "799", "803"]),
        ([9, 1000, 12], 31, []),
    ],
)
def test_all_columns_have_their_number_or_none(totals, columns, expected):
    counts = [*totals, *[0] * (columns - len(totals))]
    bars = [Bar(str(i), str(i), People(with_mask=count)) for i, count in enumerate(counts)]
    wide = people_chart(bars, "People").partition('<div class="narrow">')[0]
    values = re.findall(
        r'<text x="([\d.]+)" y="[\d.]+" font-size="(\d+)"[^>]*class="value"[^>]*>(\d+)', wide
    )
    assert [value for *_, value in values] == expected
    for (x, size, value), (following, *_) in pairwise(values):
        assert float(following) - float(x) >= len(value) * 0.6 * int(size) + 2


@pytest.mark.parametrize("columns", [1, 7, 24, 30, 31])
def test_labels_below_columns_stay_inside_their_chart(columns: int):
    bars = [Bar("Sat 28", "Saturday", People(with_mask=1)) for _ in range(columns)]
    for chart, width in zip(
        people_chart(bars, "").split('<div class="narrow">'), (720, 340), strict=True
    ):
        labels = re.findall(r'<text x="([\d.]+)"[^>]*>Sat 28<', chart)
        assert labels and all(float(x) + 21 <= width for x in labels)


def test_names_from_right_to_left_turn_nothing_around_them(
    tmp_path: Path, chromium: str, monkeypatch
):
    """Where each part of a name and of its table stands, as the browser lays it out."""
    # "camera 1 (entrance)" in Hebrew
    camera = "\u05de\u05e6\u05dc\u05de\u05d4 1 (\u05db\u05e0\u05d9\u05e1\u05d4)"
    monkeypatch.setattr(synthetic, "CAMERAS", (camera, "door"))
    store, file, clock = tmp_path / "m.db", tmp_path / "report.html", LocalTime(BERLIN)
    fill(store, date(2026, 3, 2), 1, BERLIN, 40)
    probe = """<script>addEventListener("load", () => {
        const cell = [...document.querySelectorAll("td")].find(
            e => e.innerText.startsWith("till (\u05de"));
        const at = (node, i) => { const r = document.createRange(); r.setStart(node, i);
            r.setEnd(node, i + 1); return r.getBoundingClientRect().left; };
        const [before, name, after] = cell.childNodes[1].data !== undefined
            ? [cell.childNodes[1], cell.childNodes[2].firstChild, cell.childNodes[3]] : [];
        document.body.innerText = [at(before, 1), at(name, name.length - 1), at(name, 0),
            at(after, 0)].map(Math.round).join(" "); })</script>"""
    text = page(totals_of(store, clock), clock, 0.0).replace("</body>", probe + "</body>")
    file.write_text(text, encoding="utf-8")
    budget = "--virtual-time-budget=1000"
    done = browse(chromium, "--window-size=1280,900", "--dump-dom", budget, file.as_uri())
    places = [int(x) for x in re.findall(r"<body>(?:<[^>]*>)*([\d ]+)<", done)[0].split()]
    assert places == sorted(places) and len(set(places)) == 4  # "(", name's end, its start, ")"


def test_a_time_without_anybody_has_no_empty_charts(tmp_path: Path):
    store, clock = tmp_path / "m.db", LocalTime(BERLIN)
    fill(store, date(2026, 3, 2), 1, BERLIN, 0)
    text = page(totals_of(store, clock), clock, 0.0)
    assert (
        "People by" not in text and "Share with" not in text and "Nobody in this time" not in text
    )
    assert text.count("<svg") == 2 and "up-time, by hour" in text  # for two widths
    assert re.findall(r"<td><bdi>(\w+)</bdi></td><td>0</td>", text) == ["door", "hall"]
