"""Network cameras and streams."""

from __future__ import annotations

from maskdet.errors import SourceError
from maskdet.sources.address import parse
from maskdet.sources.options import StreamOptions, values_of
from maskdet.sources.reconnecting import LiveSource
from maskdet.system.redaction import mask_address


class Stream(LiveSource):
    """A network camera or stream: RTSP, MJPEG, an image fetched again and again, HLS, RTMP …"""

    def __init__(self, url: str, name: str, options: StreamOptions | None = None) -> None:
        """Plans to open a stream; see `maskdet.sources.opening.open_source`.

        Args:
            url: its address, with or without a login.
            name: what a person reads.
            options: None: the defaults.

        Raises:
            SourceError: the address cannot be read.
        """
        options = options or StreamOptions()
        self._shown = mask_address(url)
        try:
            address = parse(url)
        except SourceError as error:
            raise SourceError(self._explain(str(error))) from None
        if address.any_port is None:  # known before the first connection, which would wait
            raise SourceError(self._explain(address.missing_port))
        url = address.url
        request = {"url": url, **values_of(options, StreamOptions), "ffmpeg": dict(options.ffmpeg)}
        super().__init__(name, request, retry_first_connection=options.retry_first_connection)

    def _explain(self, failure: str) -> str:
        return f"stream {self._shown}: {failure}"
