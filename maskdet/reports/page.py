"""A report as one HTML page that loads nothing: for a screen, a telephone, and A4 paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from maskdet.detections import MaskState
from maskdet.images.folder import natural_key
from maskdet.reports.buckets import Buckets, by_hour_of_day, by_time, uptime_by
from maskdet.reports.charts import Bar, Strip, compliance_chart, people_chart, uptime_chart
from maskdet.reports.local_time import LocalTime
from maskdet.reports.queries import STATES, People, Place, Totals
from maskdet.system.console import counted

_STYLE = Path(__file__).with_name("page.css")
_TITLES = {state.name: state.title for state in MaskState}
_HEAD = ("people", *_TITLES.values(), "with mask")
_NONE = "–"
_WEEK_S = 7 * 86_400


def page(totals: Totals, clock: LocalTime, made: float) -> str:
    """The page.

    Args:
        totals: what it shows.
        clock: of the place that it is for.
        made: Unix time at which it is made.
    """
    buckets = by_time(totals, clock)
    parts = [
        _head(totals, clock, made),
        _tiles(totals),
        '<div class="charts">',
        *_charts(totals, clock, buckets),
        "</div>",
        *_tables(totals, clock, buckets),
        _notes(totals),
    ]
    period = _period(totals, clock)
    style = _STYLE.read_text(encoding="utf-8")
    style += f'@page {{ @bottom-left {{ content: "People and masks, {period}"; }} }}\n'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>People and masks, {escape(period)}</title>"
        f"<style>\n{style}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def percent(share: float | None) -> str:
    """A share as people read it: ``97 %``; never 100 % of what is less."""
    if share is None:
        return _NONE
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return f"{math.floor(1000 * share) / 10:.1f} %"
    return f"{rounded} %"


def _period(totals: Totals, clock: LocalTime) -> str:
    first = clock.at(totals.selection.began)
    last = clock.at(totals.selection.ended)
    if first.hour == first.minute == last.hour == last.minute == 0:
        final = clock.day_of(totals.selection.ended - 1)
        return f"{first.date()}" if final == first.date() else f"{first.date()} to {final}"
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"


def _head(totals: Totals, clock: LocalTime, made: float) -> str:
    selection = totals.selection
    cameras = ", ".join(map(_name, selection.cameras)) or "all cameras"
    zones = f"; people in {', '.join(map(_name, selection.zones))}" if selection.zones else ""
    days = _period(totals, clock).split(" to ")
    period = " to ".join(f'<span class="whole">{escape(day)}</span>' for day in days)
    return (
        f"<header><h1>People and masks: {period}</h1>"
        f'<p class="soft">{cameras}{zones}; times of {_time_zones(totals, clock)}; '
        f"made {clock.at(made):%Y-%m-%d %H:%M}</p></header>"
    )


def _time_zones(totals: Totals, clock: LocalTime) -> str:
    """``CEST (UTC+02:00)``; with ``CET (UTC+01:00)`` where clocks are set meanwhile."""
    began, ended = totals.selection.began, totals.selection.ended
    weeks = (began + n * _WEEK_S for n in range(math.ceil((ended - began) / _WEEK_S)))
    times = [*weeks, max(began, ended - 1)]
    names = dict.fromkeys(f"{clock.at(time):%Z} (UTC{clock.text(time)[-6:]})" for time in times)
    return escape(" and ".join(names))


def _tiles(totals: Totals) -> str:
    people = totals.people
    expected = sum(one.expected_s for one in totals.uptime.values())
    up_s = sum(min(one.up_s, one.expected_s) for one in totals.uptime.values())
    tiles = [
        ("share", percent(people.compliance), f"wear a mask correctly{_interval(people)}"),
        ("", str(people.total), "people"),
        ("without_mask", str(people.without_mask), "without a mask"),
        ("mask_weared_incorrect", str(people.mask_weared_incorrect), "mask worn incorrectly"),
        ("unsure", str(people.unsure), "unsure, not in the share"),
    ]
    if totals.uptime:
        share = up_s / expected if expected >= 1 else None
        tiles.append(("", percent(share), "camera up-time"))
    items = (
        f'<div class="tile {name}"><b>{value}</b>{escape(text)}</div>'
        for name, value, text in tiles
    )
    return f'<div class="tiles">{"".join(items)}</div>'


def _interval(people: People) -> str:
    """Wilson's 95 % interval of the share: of few people it is wide."""
    known = people.total - people.unsure
    if not known:
        return ""
    z, share = 1.96, people.with_mask / known
    middle = (share + z * z / (2 * known)) / (1 + z * z / known)
    half = z * math.sqrt(share * (1 - share) / known + z * z / (4 * known * known))
    half /= 1 + z * z / known
    low, high = 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)
    digits = 0 if round(low) < round(high) else 1  # of many people it is less than a percent wide
    return f" ({low:.{digits}f}–\N{WORD JOINER}{high:.{digits}f}\N{NO-BREAK SPACE}%)"


def _charts(totals: Totals, clock: LocalTime, buckets: Buckets) -> Iterable[str]:
    if totals.people.total:
        yield from _people_charts(totals, clock, buckets)
    if totals.uptime:
        yield _uptime(totals, clock, buckets)


def _people_charts(totals: Totals, clock: LocalTime, buckets: Buckets) -> Iterable[str]:
    unit = buckets.unit
    legend = _legend(STATES, [_TITLES[state] for state in STATES])
    yield _section(f"People by {unit}", legend + people_chart(buckets.bars, f"People by {unit}"))
    title = f"Share with a mask worn correctly, by {unit}"
    yield _section(title, compliance_chart(buckets.bars, title))
    if unit != "hour":
        hours = by_hour_of_day(totals, clock)
        title = "People by hour of the day, all days together"
        yield _section(title, legend + people_chart(hours, title))
        title = "Share with a mask worn correctly, by hour of the day"
        yield _section(title, compliance_chart(hours, title))


def _uptime(totals: Totals, clock: LocalTime, buckets: Buckets) -> str:
    strips = [
        Strip(
            camera,
            tuple(one.share for one in uptime_by(totals, clock, buckets, camera)),
            percent(totals.uptime[camera].share),
        )
        for camera in sorted(totals.uptime, key=natural_key)
    ]
    title = f"Cameras' up-time, by {buckets.unit}"
    labels = [bar.label for bar in buckets.bars]
    legend = _legend(
        ("up", "part", "down", "off"), ("99 % or more", "50 % or more", "less", "not watched")
    )
    return _section(title, legend + uptime_chart(strips, labels, title))


def _tables(totals: Totals, clock: LocalTime, buckets: Buckets) -> Iterable[str]:
    """Tables; where nobody was seen, that of the cameras alone."""
    yield _table_of_cameras(totals)
    if not totals.people.total:
        return
    if totals.zones:
        rows = [
            (f"{_name(zone)}{_of(camera, totals)}", place.people, (_mean_stay(place),))
            for (camera, zone), place in _by_name(totals.zones)
        ]
        yield _people_table("By zone", "zone", rows, ("mean stay",))
    if totals.lines:
        crossed = [
            (f"{_name(line)}{_of(camera, totals)}", place.people, (str(place.ins), str(place.outs)))
            for (camera, line), place in _by_name(totals.lines)
        ]
        yield _people_table("By line", "line", crossed, ("in", "out"))
    yield _bar_table(f"By {buckets.unit}", buckets.unit, buckets.bars)
    if buckets.unit != "hour":
        yield _bar_table("By hour of the day", "hour", by_hour_of_day(totals, clock))


def _table_of_cameras(totals: Totals) -> str:
    names = sorted({*totals.by_camera, *totals.uptime}, key=natural_key)
    rows = [
        (
            _name(name),
            totals.by_camera.get(name, People()),
            (percent(totals.uptime[name].share if name in totals.uptime else None),),
        )
        for name in names
    ]
    return _people_table("By camera", "camera", rows, ("up-time",))


def _bar_table(title: str, unit: str, bars: Sequence[Bar]) -> str:
    rows = [(escape(bar.name), bar.people, ()) for bar in bars if bar.people.total]
    return _people_table(title, unit, rows, is_long=True)


def _people_table(
    title: str,
    first: str,
    rows: Sequence[tuple[str, People, tuple[str, ...]]],
    last: tuple[str, ...] = (),
    *,
    is_long: bool = False,
) -> str:
    """A table of people by state.

    Args:
        title: above it.
        first: head of its first column.
        rows: content of the first column as HTML, people, and what stands in the last columns.
        last: heads of the last columns.
        is_long: whether it may go on on the next page.
    """
    heads = (first, *_HEAD, *last)
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    lines = []
    for name, people, notes in rows:
        counts = (people.total, *(getattr(people, state) for state in STATES))
        texts = (*map(str, counts), percent(people.compliance), *notes)
        cells = [name, *map(escape, texts)]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    if not lines:
        return _section(title, '<p class="soft">Nobody in this time.</p>')
    table = f'<table style="--columns: {len(heads) - 1}">'
    table += f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return _section(title, table, is_long=is_long)


def _by_name(places: Mapping[tuple[str, str], Place]) -> list[tuple[tuple[str, str], Place]]:
    """Places by camera and name: gate 2 before gate 10."""
    return sorted(places.items(), key=lambda item: [natural_key(name) for name in item[0]])


def _of(camera: str, totals: Totals) -> str:
    """Names the camera whose zone or line it is, where there are several."""
    return f" ({_name(camera)})" if len({*totals.by_camera, *totals.uptime}) > 1 else ""


def _name(name: str) -> str:
    """A user's name as HTML; one that is written from right to left turns nothing around it."""
    return f"<bdi>{escape(name)}</bdi>"


def _mean_stay(place: Place) -> str:
    mean = place.seconds / place.people.total if place.people.total else 0.0
    return f"{mean:.0f} s" if mean < 90 else f"{mean / 60:.1f} min"


def _legend(names: Sequence[str], texts: Sequence[str]) -> str:
    items = (
        f'<span><i class="{name}"></i>{escape(text)}</span>'
        for name, text in zip(names, texts, strict=True)
    )
    return f'<div class="legend">{"".join(items)}</div>'


def _section(title: str, content: str, *, is_long: bool = False) -> str:
    name = ' class="long"' if is_long else ""
    return f"<section{name}><h2>{escape(title)}</h2>{content}</section>"


def _notes(totals: Totals) -> str:
    return (
        '<p class="soft notes">A person is counted once for each visit, in the state worn longest; '
        "a person who leaves the image and comes back is counted again. The share is of those "
        "whose state is known; in brackets its 95\N{NO-BREAK SPACE}% interval. Faces that never "
        "move (posters, screens) are not counted. Up-time is of the time in which the monitor ran; "
        "recordings have none. "
        "People were seen to put a mask on, take it off or move it "
        f"{counted(totals.changes, 'time')}.</p>"
    )
