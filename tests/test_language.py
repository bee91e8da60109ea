"""The words of what users read: messages, help, settings, docs, the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

AVOIDED = {
    r"looked[- ]at": "processed",
    r"told|tells?": "reports, prints, shows",
    r"mends?|mended": "fix, repair",
    r"rightly": "correctly",
    r"wrongly": "incorrectly",
    r"for ever": "indefinitely",
    r"anew": "again",
    r"whoever": "who, everybody who",
    r"by itself": "automatically",
    r"taught|pupils?": "pseudo-labels, student",
    r"donors?": "source face",
    r"far faces": "small faces",
    r"foreign model": "third-party or legacy model",
}
WORDS = re.compile(r"\b(" + "|".join(AVOIDED) + r")\b", re.IGNORECASE)


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def lines(path: Path) -> Iterator[tuple[int, str]]:
    yield from enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


OTHERS_WORDS = "class_names.py"  # class names of other people's data sets
READ = [
    *(path for path in sorted((ROOT / "maskdet").rglob("*.py")) if path.name != OTHERS_WORDS),
    *sorted((ROOT / "configs").glob("*.yaml")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "maskdet/web/static").glob("*.html")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]


def test_the_reader_finds_what_it_looks_for(tmp_path: Path):
    module = tmp_path / "module.py"
    module.write_text('"""Told."""\nprint(f"{n} frames, told apart")\n')
    assert [line for line, text in messages(module) if WORDS.search(text)] == [2]
    assert WORDS.search("the first looked-at frame") and not WORDS.search("a processed frame")
    assert len(READ) > 200


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_users_read_the_words_of_the_field(path: Path):
    read = messages if path.suffix == ".py" else lines
    assert not [f"{line}: {text.strip()[:90]}" for line, text in read(path) if WORDS.search(text)]
