"""Messages and exit status of a command: one line per error on stderr."""

from __future__ import annotations

import codecs
import contextlib
import errno
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO, TypeVar

from maskdet.errors import ConfigError, MaskdetError, SinkError, reason_of
from maskdet.system.extras import extra_of, missing_line
from maskdet.system.processes.signals import EndedBySignal
from maskdet.system.redaction import hide_passwords, mask_password

log = logging.getLogger(__name__)

T = TypeVar("T")

BUG_EXIT_CODE = 1
"""Exit status when the program itself is at fault."""
_NO_ROOM = {errno.ENOSPC, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NO_RIGHT = {errno.EROFS, errno.EACCES, errno.EPERM}

Format = Literal["text", "json"]
_format: Format = "text"
_name = "maskdet"


def log_as(form: Format) -> None:
    """Sets the form of messages: lines for people, or one JSON object a line for machines."""
    global _format
    _format = form


def say(text: str, level: str = "info") -> None:
    """A message to the person at the terminal; stdout stays free for data.

    Where it cannot be written (a full disk, a reader that has gone, no stderr at all) it is lost:
    a message never ends a run.

    Args:
        text: one line.
        level: info, warning or error; shown in JSON only.
    """
    if sys.stderr is None:  # closed by the parent; print would take stdout instead
        return
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed since
        print(_dressed(mask_password(text), level), file=sys.stderr, flush=True)


def as_typed(words: str) -> str:
    """A command of this program, begun as the person began the one that runs.

    Args:
        words: after the program's name: ``cluster up``.

    Returns:
        ``python -m maskdet cluster up`` or ``maskdet cluster up``: what works where the person is.
        Beside ``monitor.py`` there is the module, and perhaps no ``maskdet``.
    """
    return f"{'maskdet' if _name.split(' ')[0] == 'maskdet' else 'python -m maskdet'} {words}"


def set_typed(name: str) -> None:
    """Sets the command's name as the person typed it, in a process that has no command line."""
    global _name
    _name = name


def say_named(text: str, level: str = "info") -> None:
    """A message after the command's name as the person typed it; see `say` and `ending`."""
    say(f"{_name}: {text}", level)


def say_line(text: str, level: str = "info") -> None:
    """A message that stays one line, whatever names of files there are in it; see `say`."""
    say(text.replace("\n", "\\n"), level)


def has_terminal() -> bool:
    """Whether messages go to a terminal, as text: where a progress bar can be shown."""
    return _format == "text" and sys.stderr is not None and sys.stderr.isatty()


def _dressed(text: str, level: str) -> str:
    text = _plain(text)
    if _format == "text":
        return text
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": now, "level": level, "message": text}, ensure_ascii=False)


def print_data(data: str | bytes | Iterable[str]) -> None:
    """Writes JSON, CSV or YAML to standard output, in UTF-8 whatever the terminal's encoding is.

    What another program reads must not depend on the language that a system is set to.

    Raises:
        SinkError: there is no standard output.
        OSError: it cannot be written.
    """
    require_stdout()
    parts = [data] if isinstance(data, str | bytes) else data
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # replaced by something that takes text alone, as tests do
        for part in parts:
            print(part if isinstance(part, str) else part.decode(), end="", flush=True)
        return
    sys.stdout.flush()
    for part in parts:
        binary.write(part.encode("utf-8", _PLAIN) if isinstance(part, str) else part)
    binary.flush()


def require_stdout() -> None:
    """Makes sure that data for standard output gets somewhere.

    Raises:
        SinkError: the process was started without it (``>&-``).
    """
    if sys.stdout is None or getattr(sys.stdout, "name", None) == os.devnull:
        raise SinkError("standard output is closed; write to a file, or run it with > FILE")


def ending(name: str, command: Callable[[], int], *, interrupted: int) -> int:
    """Runs a command; whatever ends it becomes an exit status and lines a person understands.

    Args:
        name: what the person typed, put before each line.
        command: returns the exit status of a good end.
        interrupted: the exit status after Ctrl-C; 0: after any signal.

    Environment:
        MASKDET_DEBUG: set to 1, unexpected errors show their traceback.
    """
    global _name
    before, _name = _name, name
    _accept_every_character()
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s", handlers=[_Log()])
    hide_passwords()
    try:
        return _status(command, interrupted)
    finally:
        for stream in (sys.stdout, sys.stderr):
            _let_go(stream)
        _name = before


def _status(command: Callable[[], int], interrupted: int) -> int:
    try:
        status = command()
        if sys.stdout is not None:
            sys.stdout.flush()  # Python's own flush, at its end, would name no reason
        return status
    except MaskdetError as error:
        for line in str(error).splitlines():
            say_named(line, "error")
        return error.exit_code
    except KeyboardInterrupt:
        return interrupted
    except EndedBySignal as end:
        say_named(str(end))
        return 128 + end.number if interrupted else 0
    except BrokenPipeError:  # the reader of our output has gone, as in: … | head
        return 0
    except OSError as error:
        return _unwritable(error)
    except ModuleNotFoundError as error:
        extra = extra_of(error.name)
        if extra is None or error.name is None:
            return _bug(error)
        say_named(missing_line(error.name.partition(".")[0], extra), "error")
        return ConfigError.exit_code
    except Exception as error:
        return _bug(error)


def _unwritable(error: OSError) -> int:
    """Reports a full disk, or a lack of rights, that no output has named; or a bug."""
    if error.errno in _NO_RIGHT and error.filename:
        say_named(f"{error.filename} cannot be used: {reason_of(error)}; check its rights", "error")
        return SinkError.exit_code
    if error.errno not in _NO_ROOM:
        return _bug(error)
    place = error.filename or "standard output or a temporary file"
    say_named(f"cannot write to {place}: {reason_of(error)}; check disk space", "error")
    return SinkError.exit_code


def _bug(error: Exception) -> int:
    """Reports an error that nobody expected; returns its exit status."""
    if os.environ.get("MASKDET_DEBUG") == "1":
        say(traceback.format_exc())
    say_named(bug_line(error), "error")
    return BUG_EXIT_CODE


_PLAIN = "maskdet.plain"
"""Name of the error handler for characters that an encoding lacks."""
_SUBSTITUTES = {
    "…": "...", "–": "-", "−": "-", "─": "-", "‖": "|", "·": "-", "×": "x", "→": "->",
    "≥": ">=", "≤": "<=", "±": "+-", "²": "2", "³": "3", "●": "*", "■": "#", "□": "o",
    "▲": "^", "├": "+", "└": "+", "│": "|", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip
"""What our own texts hold beyond ASCII, for terminals and files that cannot hold it."""


def _accept_every_character() -> None:
    """Makes printing work in any encoding: cp1252 of a Windows file, ASCII, half a surrogate."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):  # not None, nor a test's
            reconfigure(errors=_PLAIN)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: the nearest in ASCII, or an escape that JSON reads, too."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_SUBSTITUTES.get(c) or json.dumps(c)[1:-1] for c in text), error.end


codecs.register_error(_PLAIN, _substitute)


def _let_go(stream: TextIO | None) -> None:
    """Where it cannot take what it still holds: Python would fail at its last flush (120)."""
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def bug_line(error: BaseException) -> str:
    """One line about an error that nobody expected: what, where, what to do."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    what = mask_password(" ".join(f"{type(error).__name__}: {error}".split()))  # before it is cut
    return (
        f"internal error: {what:.200} ({Path(frame.filename).name}:{frame.lineno}); this is a bug, "
        "please report it with the output of the same command under MASKDET_DEBUG=1"
    )


def without_bugs(job: Callable[[], T]) -> T | None:
    """Does what others can do without; a bug in it is logged, and gives None."""
    try:
        return job()
    except Exception as error:
        log.error("%s", bug_line(error))
        return None


class _Log(logging.StreamHandler):  # type: ignore[type-arg]
    """Log lines to stderr, without passwords."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one; a progress bar puts another stream in the place of stderr meanwhile."""
        self.stream = sys.stderr
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        return _dressed(mask_password(super().format(record)), record.levelname.lower())


def printable(text: str, encoding: str | None = None) -> str:
    """A text that may go to a terminal: names come from strangers.

    Args:
        text: control characters in it, and half a surrogate pair, are written as in Python.
        encoding: of the file it goes to; characters that it lacks are written the same way.
    """
    text = _plain(text)
    return text.encode(encoding, "backslashreplace").decode(encoding) if encoding else text


def _plain(text: str) -> str:
    """The text, what could command a terminal written as in Python: names come from strangers."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def counted(number: int, one: str, several: str = "") -> str:
    """A number with its noun: ``1 box``, ``2 boxes``.

    Args:
        number: how many.
        one: the noun of one.
        several: of more or none; by default with an ``s``.
    """
    return f"{number} {one if number == 1 else several or one + 's'}"
