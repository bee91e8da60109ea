"""Text files, and pipes in their place."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from maskdet.config import read_yaml
from maskdet.system.text_files import raw_content

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.timeout(60)
def test_a_pipe_that_nobody_writes_is_an_error_that_says_so(pipe: Path):
    with pytest.raises(OSError, match=r"nobody writes to this pipe \(waited 0.1 s\); start its"):
        raw_content(pipe, timeout=0.1)


@pytest.mark.timeout(60)
def test_a_pipe_is_read_whole_however_slowly_it_is_written(pipe: Path):
    def write() -> None:
        with pipe.open("wb", buffering=0) as out:
            for part in (b"device", b": ", b"cpu\n" + b"#" * 100_000):
                time.sleep(0.1)
                out.write(part)

    writer = Thread(target=write)
    writer.start()
    assert read_yaml(pipe) == {"device": "cpu"}
    writer.join()


def test_a_limit_holds_for_files(tmp_path: Path):
    (tmp_path / "long").write_bytes(b"12345")
    assert raw_content(tmp_path / "long", 3) == b"123"
