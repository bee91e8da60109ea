"""The words of texts, and of the code: messages, help, docs, the page, docstrings, names."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import lru_cache
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
    r"whoever|(?<=[.;] )who": "a person who, people who, anybody who",
    r"in place of": "instead of",
    r"by itself": "automatically",
    r"taught|pupils?": "pseudo-labels, student",
    r"donors?": "source face",
    r"far faces": "small faces",
    r"foreign model": "third-party or legacy model",
}
WORDS = re.compile(r"\b(" + "|".join(AVOIDED) + r")\b", re.IGNORECASE)


@lru_cache(maxsize=1)
def nodes(path: Path) -> list[ast.AST]:
    """All parts of a module, which is read once for all that wants them of it in turn."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of a module that are not docstrings."""
    alone = {id(node.value) for node in nodes(path) if isinstance(node, ast.Expr)}
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def lines(path: Path) -> Iterator[tuple[int, str]]:
    yield from enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


BRITISH = re.compile(
    r"(?<![a-z])(colour|grey|centre|neighbour|behaviour|favour|honour|licence|artefact|catalogue"
    r"|defence|judgement|analysed?(?![a-z])|analysing|learnt|spelt|towards|programmes?(?![a-z])"
    r"|(?:un)?(?:label|cancel|model|travel|channel|level|signal)l(?:ed|ing)"
    r"|(?:organ|recogn|normal|initial|serial|optim|minim|maxim|summar|synchron|visual|real|author"
    r"|custom|general|quant|random|standard|capital|local|anonym|token|memor)is(?:e|ing|ation|able))",
    re.IGNORECASE,
)
"""American spelling it is; within names, too."""
SPELLED_SO = (
    *('"labelled"', "'labelled'", '"colour"'),  # the report's key; old names of settings
    "(?:colour|grey|phone|car)_",  # other people's files
    *("aria-labelledby", "CancelledError", "cancelled_caught"),  # of HTML, and of Python
    "TownCentre",
)
OTHERS_WORDS = "class_names.py"  # class names of other people's data sets
READ = [
    *(path for path in sorted((ROOT / "maskdet").rglob("*.py")) if path.name != OTHERS_WORDS),
    *sorted((ROOT / "configs").rglob("*.yaml")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "maskdet/web").glob("**/static/*.html")),
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


SPELLED = {*READ, *(ROOT / "tests").rglob("*.py"), *(ROOT / "tools").rglob("*.py")}
SPELLED -= {Path(__file__).resolve(), *(ROOT / "tests/data").rglob("*.py")}


def test_british_spelling_is_found():
    british = "licence colours GREY_2 centred _neighbours Quantised unlabelled learnt cancelling"
    assert len(BRITISH.findall(british)) == len(british.split())
    assert not BRITISH.search("license promise analyses Center controlled noise likewise precise")


def test_spelling_is_american():
    found = []
    for path in sorted(SPELLED):
        for line, text in lines(path):
            for known in SPELLED_SO:
                text = text.replace(known, "")
            if BRITISH.search(text):
                found.append(f"{path.relative_to(ROOT).as_posix()}:{line}: {text.strip()[:90]}")
    assert not found


CODE = [path for path in READ if path.suffix == ".py"]
FIRST_WORDS = {"What", "How", "From"}
"""A docstring begins with the noun, or the verb, of what it documents."""
NAMES_AVOIDED = re.compile(
    r"(^|_)(told|tells?|said|mends?|mended|rightly|wrongly|anew|whoever|taught|pupils?|donors?|insist"
    r"|foreign|patience|owed|sick|LARGEST|SMALLEST|MOST|LEAST|SURE|ENOUGH|TWICE|LONGEST|NARROWEST|WIDEST)(_|$)"
)
SAID = re.compile(r"\bsaid\b")  # a program reports, logs, prints
IMAGES = re.compile(r"(?<![a-z])pictures?(?![a-z])")
OF_USERS = {
    # stand in settings, options and answers as they are
    *("picture_seconds", "_picture_seconds", "max_pictures"),
    "tell",  # of a file, in Python
}
PAGES = ("maskdet/web/live/", "maskdet/commands/live_page/", "maskdet/live/alarms/",
         "maskdet/sinks/channels/", "maskdet/people/alarms/")  # fmt: skip
"""Rooms whose "picture" is what a user sees on a page or in a message."""


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """First lines of a module's docstrings, with their place."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in nodes(path):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def descriptions(path: Path) -> Iterator[tuple[int, str]]:
    """Docstrings, those of constants and attributes with them."""
    for node in nodes(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Those of a module that may have an avoided word: else it is not read as Python, for time."""
    behind = [text.partition("#")[2] for _, text in lines(path)]
    if not any(WORDS.search(text) or SAID.search(text) for text in behind):
        return
    with path.open(encoding="utf-8") as file:
        for token in tokenize.generate_tokens(io.StringIO(file.read()).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def names(path: Path) -> Iterator[tuple[int, str]]:
    """What a module defines: functions, classes, arguments, variables, attributes."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def test_the_readers_of_code_find_what_they_look_for(tmp_path: Path):
    module = tmp_path / "module.py"
    module.write_text(
        '"""What it is."""\n# told\nLARGEST = 1\n"""Said."""\n\n\n'
        "def f(picture):\n    self.anew = 1\n"
    )
    assert [text for _, text in descriptions(module)] == ["What it is.", "Said."]
    assert [text.split()[0] for _, text in docstrings(module)] == ["What"]
    assert [line for line, text in comments(module) if WORDS.search(text)] == [2]
    assert {n for _, n in names(module)} == {"LARGEST", "f", "picture", "anew"}
    found = [name for _, name in names(module) if NAMES_AVOIDED.search(name)]
    assert set(found) == {"LARGEST", "anew"} and IMAGES.search("list_pictures")
    assert not NAMES_AVOIDED.search("message") and not IMAGES.search("depicture")


def lapses(path: Path) -> list[str]:
    """Docstrings, comments and names of a module with words to avoid, each with its line."""
    wrong = [(line, text) for line, text in docstrings(path) if text.split()[0] in FIRST_WORDS]
    texts = (*descriptions(path), *comments(path))
    wrong += [found for found in texts if WORDS.search(found[1]) or SAID.search(found[1])]
    wrong += [
        (line, name)
        for line, name in names(path)
        if name not in OF_USERS and NAMES_AVOIDED.search(name)
    ]
    return [f"{line}: {text.splitlines()[0][:90]}" for line, text in wrong]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_has_the_words_of_the_field(path: Path):
    assert not lapses(path)
    if not path.relative_to(ROOT).as_posix().startswith(PAGES):
        found = [name for _, name in names(path) if IMAGES.search(name)]
        assert not set(found) - OF_USERS


def test_tests_and_tools_have_them_too():
    beside = [path for path in sorted(SPELLED) if path.suffix == ".py" and path not in CODE]
    found = {path.relative_to(ROOT).as_posix(): lapses(path) for path in beside}
    assert len(found) > 300 and not {path: wrong for path, wrong in found.items() if wrong}
