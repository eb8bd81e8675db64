"""Looks for the small faces of people who stand in the room during its scan, up to three metres away.

The side of the picture where the room comes in is looked at in a larger picture, and the whole width now and
then for who is higher, lower or nearer. What the full-range network takes for a face is shown to the other
one, from closer. Patterns are taken for faces, too; so a face has to be found again in the same direction of
the room, or very surely.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

from evidence_server.vision.boxes import FAR_PIXELS, NEAR_PIXELS, Box, apart, faces_in
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.presence import Face, FaceFinder, Glimpse, Sighting
from evidence_server.vision.thresholds import ScanThresholds

RIM = math.tan(math.radians(33))
"""Of the angle from the picture's middle to its rim: an ordinary front camera's (60 to 74 degrees in all)."""
PIXELS, CLOSER_PIXELS = 360, 720
"""Of the picture's width in a look, and in the closer one."""


class Distant:
    """One scan's looks; they come in order."""

    def __init__(self, finder: FaceFinder, thresholds: ScanThresholds) -> None:
        """Nothing was looked at."""
        self._finder = finder
        self._limits = thresholds
        self._turn = 0.0
        self._at_s = 0.0
        self._looks = 0

    def look(self, seen: Sighting, larger: Callable[[int], Picture], turn: float) -> Sighting:
        """The sighting, and who else was found beside the candidate; nobody where a look is not due.

        `larger` makes the sighting's picture with so many pixels along its shorter side; `turn` is how far
        the camera has turned, in apparent degrees, growing to the right.
        """
        step, limits = turn - self._turn, self._limits
        due = abs(step) >= limits.distant_every or seen.t_s - self._at_s >= limits.distant_every_s
        if not due or seen.candidate is None:
            # Without knowing which face is the candidate's, it would be found as somebody else.
            return seen
        self._turn, self._at_s = turn, seen.t_s
        self._looks += 1
        frame = Frame(seen.t_s, larger(PIXELS))
        if frame.width >= frame.height:
            return seen
        perhaps = self._perhaps(frame, seen.candidate, to_the_right=step > 0)
        if not perhaps:
            return seen
        frame = Frame(seen.t_s, larger(CLOSER_PIXELS))
        found = [one for face in perhaps if (one := self._closer(frame, face, turn)) is not None]
        large = limits.other_size * seen.candidate.width
        others = [
            one.face for one in found
            if one.face.width >= large and one.face.score >= limits.other_confident
            and not any(_is_same(one.face, other) for other in seen.others)
        ]
        return replace(seen, others=(*seen.others, *others), distant=tuple(found))

    def _perhaps(self, frame: Frame, candidate: Face, *, to_the_right: bool) -> list[Box]:
        limits = self._limits
        side = 1.0 if self._looks % limits.distant_whole_every == 0 else limits.distant_side
        high = min(1.0, side * frame.width / frame.height)
        top = min(max(0.0, candidate.centre[1] - high / 2), 1 - high)
        square = Box(1 - side if to_the_right else 0.0, top, side, high)
        head = Box(candidate.x, candidate.y, candidate.width, candidate.height).grown(0.35, 0.5, 0.35, 0.6)
        return apart([
            face for face in faces_in(frame, square, self._finder.find_far, limits.distant_far, FAR_PIXELS)
            if face.width >= limits.distant_width and not head.holds(*face.centre)
        ])[: limits.distant_faces]

    def _closer(self, frame: Frame, face: Box, turn: float) -> Glimpse | None:
        """The face, seen from closer in both of two pieces; None if it is none there."""
        limits, best = self._limits, None
        for sizes in limits.distant_pieces:
            piece = face.square(frame, sizes)
            for one in faces_in(frame, piece, self._finder.find, limits.distant_near, NEAR_PIXELS):
                near = face.is_near(one, 0.5) and face.is_like(one)
                if near and (best is None or one.score > best.score):
                    best = one
        if best is None or face.score + best.score < limits.distant_both:
            return None
        aside = math.degrees(math.atan((best.centre[0] - 0.5) * 2 * RIM))
        found = Face(best.x, best.y, best.width, best.height, best.score)
        return Glimpse(found, face.score + best.score, turn, turn + aside)


def distant_people(looks: Sequence[Sighting], limits: ScanThresholds) -> list[float]:
    """Times of the looks with somebody who stands in the room: found surely, or twice in one direction."""
    found = [(look.t_s, one) for look in looks for one in look.distant]
    times = {t_s for t_s, one in found if one.score >= limits.distant_sure}
    for (first_s, first), (then_s, then) in combinations(found, 2):
        moved = abs(then.turn - first.turn) >= limits.distant_moved
        if moved and abs(then.bearing - first.bearing) <= limits.distant_apart:
            times |= {first_s, then_s}
    return sorted(times)


def _is_same(face: Face, other: Face) -> bool:
    (x, y), (other_x, other_y) = face.centre, other.centre
    return abs(x - other_x) < other.width and abs(y - other_y) < other.height
