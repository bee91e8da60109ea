"""The family of errors that a user may meet.

    MaskdetError
    ├── ConfigError     settings or command line are wrong          exit status 2
    ├── ModelError      a model cannot be loaded or run             exit status 2
    ├── DatasetError    annotations or images cannot be used      exit status 2
    ├── SinkError       a recording, event log … cannot be written  exit status 2
    ├── SourceError     a camera, stream or file failed             exit status 3
    └── RetriedError    another program or machine did not answer   exit status 2

Every message is one line: what is wrong, where, and what to do about it.
"""


class MaskdetError(Exception):
    """Something the user can fix; commands print it as one line."""

    exit_code = 2


class ConfigError(MaskdetError):
    """Settings or command line are wrong."""


class ModelError(MaskdetError):
    """A model is missing, broken, of an unknown format or does not fit."""


class DatasetError(MaskdetError):
    """Annotations or images of a data set cannot be used."""


class SinkError(MaskdetError):
    """An output (recording, event log, image) cannot be written."""


class SourceError(MaskdetError):
    """A camera, stream, file or image cannot be opened or read."""

    exit_code = 3


class RetriedError(MaskdetError):
    """Another program or machine refuses, or does not answer; it is tried again.

    Attributes:
        reason: what is wrong.
        advice: what the person can do.
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}; {advice}")
        self.reason, self.advice = reason, advice


def one_line(error: BaseException) -> str:
    """The text of a library's error, cut to one line of bearable length; or else its kind."""
    return f"{' '.join(str(error).split()) or type(error).__name__:.200}"


def reason_of(error: BaseException) -> str:
    """Why something failed, in one line: the system's words for it, or else the library's."""
    return getattr(error, "strerror", None) or one_line(error)
