"""Options of a source out of its settings."""

from __future__ import annotations

from maskdet.live.settings.sources import SourceSettings
from maskdet.sources.options import SourceOptions, option_names


def source_options(wanted: SourceSettings, *, among_several: bool) -> SourceOptions:
    """The options of a source; one of several is waited for where it cannot be opened at first."""
    values = {name: getattr(wanted, name) for name in option_names()}
    if wanted.retry_first_connection is None:
        # One of a camera's two streams must not end the other.
        values["retry_first_connection"] = among_several or wanted.detect_source is not None
    return SourceOptions(**values)
