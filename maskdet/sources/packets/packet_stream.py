"""Encoded video of a network camera, received without decoding; opened again whenever lost."""

from __future__ import annotations

from collections.abc import Mapping

from maskdet.errors import SourceError
from maskdet.sources.address import parse
from maskdet.sources.options import StreamOptions, values_of
from maskdet.sources.packets.stream_packet import HEADER, StreamPacket
from maskdet.sources.reconnecting import Reconnecting
from maskdet.system.redaction import mask_address


class PacketStream(Reconnecting[StreamPacket]):
    """The packets of a network camera; `read` gives one after the other.

    Each connection begins with a key frame. Positions go on over a loss by the time that passed.
    """

    _CHILD = "maskdet.sources.packets.packet_process"

    def __init__(self, url: str, name: str, options: StreamOptions | None = None) -> None:
        """Plans to open a URL; where it cannot be opened it is tried again indefinitely.

        Raises:
            SourceError: the address cannot be read.
        """
        request = self._request_of(url, options)
        self._codec, self._parameters = "", b""
        self._position, self._offset = -1.0, 0.0
        self._began: float | None = None
        self._is_new = True
        super().__init__(name, request, retry_first_connection=True)

    def redirect(self, url: str, options: StreamOptions | None = None) -> None:
        """Opens another URL from the next connection on; for any thread.

        Raises:
            SourceError: the address cannot be read; nothing changes.
        """
        self._request = self._request_of(url, options)

    def _request_of(self, url: str, options: StreamOptions | None) -> dict[str, object]:
        options = options or StreamOptions()
        try:
            opened = parse(url).url
        except SourceError as error:
            raise SourceError(f"stream {mask_address(url)}: {error}") from None
        self._shown = mask_address(url)
        values = values_of(options, StreamOptions)
        return {"url": opened, **values, "ffmpeg": dict(options.ffmpeg)}

    def _begin(self, answer: Mapping[str, object]) -> None:
        super()._begin(answer)
        self._codec, self._is_new = str(answer["codec"]), True

    def _receive(self) -> StreamPacket | None:
        header = bytearray(HEADER.size)
        if self._child is None or not self._child.read_into(memoryview(header)):
            return None
        is_key, new_bytes, data_bytes, position, delay, arrived = HEADER.unpack(header)
        content = bytearray(new_bytes + data_bytes)
        if not self._child.read_into(memoryview(content)):
            return None
        if new_bytes:
            self._parameters = bytes(content[:new_bytes])
        if self._began is None:
            self._began = arrived
        if self._is_new:
            self._is_new, self._offset = False, arrived - self._began - position
        self._position = max(self._offset + position, self._position + 1e-3)
        return StreamPacket(
            data=bytes(content[new_bytes:]),
            codec=self._codec,
            parameters=self._parameters,
            is_key=is_key,
            position=self._position,
            delay=delay,
            connection=self.reconnects,
        )

    def _explain(self, failure: str) -> str:
        return f"stream {self._shown}: {failure}"
