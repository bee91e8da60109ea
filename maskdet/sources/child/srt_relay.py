"""SRT streams: OpenCV's FFmpeg does not know the protocol, the system's ``ffmpeg`` does.

It receives the stream and hands it on undecoded through a pipe. Runs in the process that reads the
stream (`maskdet.sources.camera_process`), and ends with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess

HINT = "SRT needs the program ffmpeg with SRT in it: apt install ffmpeg, brew install ffmpeg"

_ARGUMENTS = (
    *("-nostdin", "-hide_banner", "-loglevel", "error"),
    *("-fflags", "nobuffer", "-analyzeduration", "1000000"),
    # The address comes in a list on stdin: arguments can be read by every user, and it may hold a
    # passphrase.
    *("-safe", "0", "-protocol_whitelist", "pipe,srt,udp", "-f", "concat", "-i", "pipe:0"),
    *("-map", "0:v:0", "-c", "copy", "-f", "mpegts", "-flush_packets", "1", "pipe:1"),
)


class SrtRelay:
    """The program, as long as it runs.

    Attributes:
        url: what FFmpeg in this process opens in the stream's place.
    """

    def __init__(self, url: str) -> None:
        """Starts it.

        Raises:
            OSError: there is no such program.
        """
        program = shutil.which("ffmpeg")
        if program is None:
            raise FileNotFoundError("ffmpeg")
        out, into = os.pipe()
        self.url = f"pipe:{out}"
        self._process = subprocess.Popen([program, *_ARGUMENTS], stdin=subprocess.PIPE, stdout=into)
        os.close(into)
        self._out = out
        assert self._process.stdin is not None
        quoted = url.replace("'", "%27").replace("\n", "")
        self._process.stdin.write(f"ffconcat version 1.0\nfile '{quoted}'\n".encode())
        self._process.stdin.close()

    def end(self) -> None:
        """Ends it where nothing came of it."""
        self._process.kill()
        self._process.wait()
        os.close(self._out)
