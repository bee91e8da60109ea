"""Values of a benchmark as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdet.system.atomic_files import write_output


def write_values(path: Path | None, values: Mapping[str, Any]) -> None:
    """Writes what was measured as JSON; nothing where no file is named.

    Raises:
        SinkError: it cannot be written.
    """
    if path is not None:
        write_output(path, json.dumps(values, indent=2) + "\n")
