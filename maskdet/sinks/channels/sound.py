"""A sound: by Windows' own call, or by the player that the system has."""

from __future__ import annotations

import math
import re
import shutil
import struct
import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

from maskdet.alarm import AlarmMessage
from maskdet.sinks.channels.channel import ChannelError
from maskdet.system.processes.external_command import run_command

PLAYERS = (
    ("afplay",),  # of macOS, on every one
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)
"""Programs that play a WAV file, the first that is installed is taken."""
_FAILED = re.compile(r"fail|could not|cannot|no such", re.IGNORECASE)
_TIMEOUT_S = 30.0
"""After which a program that plays is ended."""
_RATE, _TONES, _TONE_S = 16_000, (880.0, 660.0, 880.0), 0.18


class Sound:
    """Plays a sound for each message; a `Channel`."""

    def __init__(self, file: str | None = None) -> None:
        """Plays nothing yet.

        Args:
            file: WAV file; None: three tones.
        """
        self._file = file
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def send(self, message: AlarmMessage) -> None:
        """Plays the sound to its end."""
        path = self._path()
        player = player_of(sys.platform)
        if player is None:
            _play_on_windows(path)
            return
        done = run_command([*player, path], timeout_s=_TIMEOUT_S)
        if done.status != 0 or _FAILED.search(done.last_line):  # ffplay ends with 0 all the same
            detail = done.last_line or f"ended with status {done.status}"
            if self._file is None and path in detail:  # ffplay names the file: ours is whole
                detail = "no sound device can be opened"
            raise ChannelError(f"{player[0]}: {detail}", "check the sound device")

    def close(self) -> None:
        """Removes the tones."""
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _path(self) -> str:
        if self._file is not None:
            if not Path(self._file).is_file():
                raise ChannelError(f"{self._file} is not there", "check the setting file")
            return self._file
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="maskdet-")
        path = Path(self._folder.name) / "alarm.wav"
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)  # systems tidy /tmp while we run
            write_tones(path)
        return str(path)


def player_of(
    system: str, find: Callable[[str], str | None] = shutil.which
) -> tuple[str, ...] | None:
    """The command that plays a file on a system; None where that is a call of Windows.

    Args:
        system: as `sys.platform` names it.
        find: finds a program by its name, or gives None.

    Raises:
        ChannelError: none of the programs is installed.
    """
    if system == "win32":
        return None
    player = next((one for one in PLAYERS if find(one[0])), None)
    if player is None:
        names = ", ".join(one[0] for one in PLAYERS)
        raise ChannelError("no player is installed", f"install one of {names}")
    return player


def write_tones(path: Path) -> None:
    """Writes the sound that is played where no file is named."""
    count = int(_RATE * _TONE_S)
    samples = [
        int(12_000 * math.sin(2 * math.pi * tone * i / _RATE) * math.sin(math.pi * i / count))
        for tone in _TONES
        for i in range(count)
    ]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def _play_on_windows(path: str) -> None:
    import winsound  # of Windows alone

    try:
        winsound.PlaySound(path, winsound.SND_FILENAME | winsound.SND_NODEFAULT)  # type: ignore[attr-defined,unused-ignore]
    except RuntimeError as error:
        raise ChannelError(f"no sound: {error}", "check the sound device") from None
