"""Interlaced video: each frame has lines of two moments, between which what moves is torn apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av.filter import Graph
    from av.video.frame import VideoFrame

_FILTER, _OPTIONS = "bwdif", "mode=send_frame:deint=interlaced"
"""FFmpeg's filter, which gives a frame for a frame; those that are not marked stay as they are."""


class Deinterlacer:
    """Makes whole frames of interlaced ones; others pass.

    A frame comes once the one after it is known.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form = (0, 0, "")

    def frames(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """The frames that are complete with a further one.

        Args:
            frame: as decoded.
        """
        form = (frame.width, frame.height, frame.format.name)
        if form != self._form:
            yield from self.rest()
        if self._graph is None:
            if not frame.interlaced_frame:
                yield frame
                return
            self._graph, self._form = _graph_for(frame), form
        self._graph.push(frame)
        yield from self._complete()

    def rest(self) -> Iterator[VideoFrame]:
        """The frames that waited for another one, which does not come."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._complete()
            self._graph = None

    def _complete(self) -> Iterator[VideoFrame]:
        from av import EOFError as EndOfFrames

        assert self._graph is not None
        while True:
            try:
                yield cast("VideoFrame", self._graph.pull())
            except (BlockingIOError, EndOfFrames):  # it waits for the next frame, or has no more
                return


def _graph_for(frame: VideoFrame) -> Graph:
    """The filter for frames of a size and format."""
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(source, graph.add(_FILTER, _OPTIONS), graph.add("buffersink")).configure()
    return graph
