"""Somebody new who is somebody that was given up: soon, near, of the same size and colors.

A face that is turned away or covered for longer than the memory comes back so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskdet.people.tracking.affinity import offsets
from maskdet.people.tracking.appearance import differences
from maskdet.people.tracking.track import Track

RETURN_S = 5.0
"""Seconds without a detection, at most, after which somebody comes back under the same number."""
RETURN_DISTANCE = 6.0
"""Face widths, at most, from where the person's velocity leads."""
RETURN_SIZE_RATIO = 0.4
"""Change of the face's size, at most, as a natural logarithm."""
SAME_COLORS = 0.5
"""Difference of colors, at most, as a share of the contrast within either face: so it holds in the
dark, too. Of pairs of people in one image 0.5 to 1.6 % are that much alike (measured)."""


def returning(track: Track, gone: Sequence[Track]) -> Track | None:
    """Who of those given up a new person is; None: nobody, or more than one may be meant.

    Args:
        track: of the new person.
        gone: who was given up within the last seconds, moved on to this frame.
    """
    known = [one for one in gone if one.appearance is not None]
    if track.appearance is None or not known:
        return None
    way = offsets([one.motion for one in known], track.motion.box[None])
    near = (way.distance <= RETURN_DISTANCE * way.size) & (way.size_change <= RETURN_SIZE_RATIO)
    before = np.array([one.appearance for one in known])
    contrast = np.minimum(before.std(axis=1), track.appearance.std())
    unlike = differences(before, track.appearance[None])[:, 0]
    found = np.flatnonzero(near[:, 0] & (unlike <= SAME_COLORS * contrast))
    return known[found[0]] if len(found) == 1 else None
