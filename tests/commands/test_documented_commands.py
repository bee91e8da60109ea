"""Commands in README and docs: each exists, and so does each of its options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from maskdet.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)
START = re.compile(r"(?:^|[/\s`])(?:python -m maskdet|maskdet(?= [a-z]+)|(?:python )?monitor\.py) ")
"""Where a command begins in a line of a block, or in a piece of code within a sentence."""


def code_of(text: str) -> list[str]:
    """Lines of a page's blocks, continued ones whole, and pieces of code in its sentences."""
    blocks = [body for _, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)]
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    indented = re.findall(r"^    (.*)$", text, re.M)
    return lines + indented + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def commands_of(page: Path) -> list[list[str]]:
    """The commands of a page, from the name of the command on, without comments."""
    found = []
    for line in code_of(page.read_text(encoding="utf-8")):
        for match in START.finditer(line + " "):
            rest = re.split(r"\s#|[|>&;]| on ", line[match.end() :])[0].replace("…", " ")
            name = ["monitor"] if "monitor.py" in match[0] else []
            try:
                found.append(name + shlex.split(rest))
            except ValueError:  # a piece of a sentence with an apostrophe
                continue
    return [words for words in found if words]


def unknown_option(words: list[str]) -> str | None:
    """The first option, or command, that does not exist."""
    at = typer.main.get_command(app)
    if words[0] == "serve" and "--live" in words:
        words = ["monitor", *(word for word in words[1:] if word != "--live")]
    while (names := getattr(at, "commands", None)) and words and not words[0].startswith("-"):
        if words[0] not in names:
            return words[0]
        at, words = names[words[0]], words[1:]
    there = {"--help", "-h"}.union(*(param.opts + param.secondary_opts for param in at.params))
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]
    return next((option for option in options if option not in there), None)


def test_a_wrong_option_is_found() -> None:
    assert unknown_option(["detect", "a.jpg", "--ouput", "x"]) == "--ouput"
    assert unknown_option(["detekt", "a.jpg"]) == "detekt"
    assert unknown_option(["alarms", "test", "--config", "own.yaml"]) is None
    assert sum(len(commands_of(page)) for page in PAGES) > 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_of_a_page_exist(page: Path) -> None:
    wrong = [
        (" ".join(words), bad) for words in commands_of(page) if (bad := unknown_option(words))
    ]
    assert not wrong
