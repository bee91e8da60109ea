"""Files for people who carry on: what they name is there, and what they promise is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

import maskdet

ROOT = Path(__file__).resolve().parents[1]
PATHS = re.compile(r"`((?:maskdet|tests|configs|docs|models|scripts|\.ci)/[\w./-]*)`")


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/http_api.md", "docs/detect.md"),
        *("docs/index.md", "docs/monitor.md", "docs/picture_page.md", "docs/troubleshooting.md"),
    ],
)
def test_every_file_that_is_named_is_there(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    missing = [path for path in PATHS.findall(text) if not (ROOT / path).exists()]
    missing += [link for link in links if not ((ROOT / name).parent / link).exists()]
    assert not missing


def test_the_readme_begins_with_a_small_moving_picture_whose_origin_is_named():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = ROOT / "docs/demo.webp"
    assert text.index("(docs/demo.webp)") < text.index("## ")
    with Image.open(picture) as image:
        assert image.n_frames > 30
    assert picture.stat().st_size <= 2_000_000
    assert "docs/demo.webp" in (ROOT / "CREDITS.md").read_text(encoding="utf-8")


def test_contributing_names_lists_that_are_there():
    """For `KINDS` in `maskdet/sources/opening.py`: the name is defined in that file."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)` in `([\w/.]+\.py)`", text)
    assert len(named) >= 6
    for name, path in named:
        code = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(def )?{name}\b", code, re.MULTILINE), (name, path)


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == maskdet.__version__
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)


def test_everybody_runs_the_same_checks():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert job["steps"][-1]["run"] == ".ci/run"
    assert "scripts/check" in (ROOT / ".ci/run").read_text()
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"].split()[:2] for hook in hooks] == [["ruff", "check"], ["ruff", "format"]]
    for template in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        assert yaml.safe_load(template.read_text(encoding="utf-8")), template


def test_check_says_what_is_missing(tmp_path: Path):
    """With a Python that has no tools: one line with the command that helps, status 2."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts/check"],
        env=os.environ | {"PYTHON": str(bare)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "install.sh" in done.stderr


def test_the_guide_to_the_http_api_names_every_address():
    from maskdet.web.request_options import RequestOptions

    text = (ROOT / "docs/http_api.md").read_text(encoding="utf-8")
    for address in ("/api/detect", "/api/annotate", "/api/about", "/healthz", "/metrics"):
        assert address in text
    for option in RequestOptions.model_fields:
        assert f"| `{option}` |" in text


def test_the_guide_to_detect_names_the_columns_as_they_are():
    from maskdet.commands.detect.outputs import CSV_COLUMNS

    assert f"`{', '.join(CSV_COLUMNS)}`" in (ROOT / "docs/detect.md").read_text(encoding="utf-8")
