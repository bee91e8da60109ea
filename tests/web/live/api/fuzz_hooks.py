"""Has schemathesis ask for what is there, too: the one camera, alarm and clip of the target."""

from __future__ import annotations

from typing import Any

import schemathesis

KNOWN = {"camera": 0, "alarm": "a1", "name": "a.mp4"}


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Every second example names what is there."""
    if not path_parameters or len(str(path_parameters)) % 2:
        return path_parameters
    return {name: KNOWN.get(name, value) for name, value in path_parameters.items()}


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Endless MJPEG would be waited for."""
    path = context.operation.path if context.operation is not None else ""
    return "mjpeg" not in path or str((query or {}).get("frames", "")).isdecimal()
