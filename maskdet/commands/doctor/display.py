"""The window, and the scripts that can be written into it."""

from __future__ import annotations

from collections.abc import Iterator

from maskdet.commands.doctor.finding import Finding, absent, ok
from maskdet.drawing.text_renderer import missing_letters
from maskdet.live.gui.window import display_available

SCRIPTS = {
    "Latin": "Åß", "Greek": "Ωλ", "Cyrillic": "Жя", "Hebrew": "שם", "Arabic": "عن",
    "Devanagari": "नम", "Thai": "กข", "Chinese": "口罩", "Japanese": "かナ", "Korean": "한글",
}  # fmt: skip
"""Letters of each."""


def check() -> Iterator[Finding]:
    """Whether a window can be opened, and which scripts its font has."""
    available, reason = display_available()
    if available:
        yield ok("display", "a window can be opened")
    else:
        yield absent("display", reason, "the monitor then runs headless")
    lacking = [name for name, text in SCRIPTS.items() if missing_letters(text)]
    if lacking:
        fix = "names in them show as □; give such a source another: sources, name, in the settings"
        yield absent("font", f"has no {', '.join(lacking)}", fix)
    else:
        yield ok("font", f"writes {', '.join(SCRIPTS)}")
