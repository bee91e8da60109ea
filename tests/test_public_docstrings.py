"""Docstrings of what other programs call: each argument and error of a function is in its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskdet import _HOMES

PACKAGE = Path(__file__).resolve().parents[1] / "maskdet"
WHOLE = ("contracts.py", "boxes.py", "detections.py", "frame.py", "observation.py")
"""Modules of which everything public is documented; of others, the names of `maskdet` are."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(module: Path, names: frozenset[str] | None = None) -> Iterator[Function]:
    """The public functions and methods of a module; of these names alone, if there are some."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if names is not None and getattr(node, "name", "") not in names:
            continue
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(one, Function) and not one.name.startswith("_"):
                yield one


def lacking(function: Function) -> list[str]:
    """Arguments and errors that a function's docstring does not have."""
    text = ast.get_docstring(function) or ""
    every = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    arguments = [one.arg for one in every if one.arg not in ("self", "cls")]
    raised = {
        ast.unparse(node.exc.func)
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    }
    sections = text.partition("Args:\n")[2]
    return [
        *(name for name in arguments if not re.search(rf"^ +{name}: ", sections, re.MULTILINE)),
        *(name for name in sorted(raised) if f"{name}: " not in text.partition("Raises:\n")[2]),
    ]


def documented() -> Iterator[tuple[str, Function]]:
    for name in WHOLE:
        for function in functions_of(PACKAGE / name):
            yield f"{name}:{function.name}", function
    for name, home in _HOMES.items():
        module = PACKAGE / f"{home.replace('.', '/')}.py"
        if module.name not in WHOLE:
            for function in functions_of(module, frozenset({name})):
                yield f"{home}:{function.name}", function


DOCUMENTED = dict(documented())


def test_the_reader_finds_what_is_public_and_what_lacks(tmp_path: Path) -> None:
    assert {"boxes.py:iou", "contracts.py:detect", "sources.opening:open_source"} <= set(DOCUMENTED)
    module = tmp_path / "module.py"
    module.write_text(
        "class A:\n    def b(self, first, *, second):\n"
        '        """Does.\n\n        Args:\n            first: of two.\n        """\n'
        "        raise ValueError(first)\n    def _c(self, x):\n        pass\n"
    )
    assert [lacking(function) for function in functions_of(module)] == [["second", "ValueError"]]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_argument_and_error_is_in_the_docstring(name: str) -> None:
    assert not lacking(DOCUMENTED[name])
