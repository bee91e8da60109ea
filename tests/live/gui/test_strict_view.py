"""Key b under `privacy: strict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from maskdet.live.gui.controls import Controls
from maskdet.live.gui.view import View


class Notices:
    """The board, as far as a key reaches it."""

    def __init__(self) -> None:
        self.printed: list[str] = []

    def show_notice(self, notice: str) -> None:
        self.printed.append(notice)


@pytest.mark.parametrize(("strict", "blurs"), [(True, False), (False, True)])
def test_no_key_uncovers_faces_where_privacy_is_strict(tmp_path: Path, strict: bool, blurs: bool):
    board: Any = Notices()
    window = Mock(**{"clicks.return_value": []})
    view = View(strict=strict)
    controls = Controls(view, board, window, [], tmp_path, Mock(kind=None))
    controls.obey("b")
    assert view.blur is blurs
    assert board.printed == ["privacy: strict keeps faces covered" if strict else "blur on"]
