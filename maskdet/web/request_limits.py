"""Limits of what one visitor may ask for."""

from __future__ import annotations

from dataclasses import dataclass

MEGA = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Limits of a request, checked before it costs anything.

    Attributes:
        bytes: of one request, whatever number of pictures is in it.
        pixels: of one picture, by its header, before it is decoded; as many are in work at once.
        images: in one request.
        seconds: in which a request has to arrive.
        requests: whose pictures are held in memory at the same time; others wait unread.
    """

    bytes: int = 32 * MEGA
    pixels: int = 50 * MEGA
    images: int = 20
    seconds: float = 120.0
    requests: int = 16

    @property
    def pixels_of_all(self) -> int:
        """Of all pictures of a request: its answer holds them all."""
        return 6 * self.pixels
