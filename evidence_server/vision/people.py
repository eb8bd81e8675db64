"""Who sits in front of the fixed camera: how many people, also where no face is seen for a while.

A face is looked for where one was seen, where the picture has changed, and in turn everywhere.  Whoever was
seen keeps a seat: the part of the picture around the head.  A candidate who turns away or looks down is
still there as long as something moves in the seat, or as long as it looks as it did; a seat is empty when
neither is so.

Limits: somebody whose face never shows is not noticed; a person who stays without any movement in another
posture counts as gone; a face on a living screen counts as a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from evidence_server.vision.continuity_thresholds import PEOPLE, PeopleThresholds
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.look import Grid, Look


class FaceBox(Protocol):
    """A face in fractions of the picture it was found in, and how sure the finder is, 0 to 1."""

    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def score(self) -> float: ...


class FaceFinding(Protocol):
    """What finds faces in a picture; :class:`evidence_server.vision.presence.FaceFinder` does."""

    def find(self, bgr: Picture, threshold: float) -> Sequence[FaceBox]:
        """The faces whose confidence reaches `threshold`."""


@dataclass(frozen=True)
class Box:
    """A rectangle in fractions of the picture."""

    x: float
    y: float
    width: float
    height: float
    score: float = 0.0

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height

    def grown(self, left: float, above: float, right: float, below: float) -> Box:
        """Larger by so many of its own widths and heights, and cut off at the picture's edges."""
        x, y = max(0.0, self.x - left * self.width), max(0.0, self.y - above * self.height)
        far_x = min(1.0, self.x + (1 + right) * self.width)
        far_y = min(1.0, self.y + (1 + below) * self.height)
        return Box(x, y, max(0.0, far_x - x), max(0.0, far_y - y), self.score)

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass
class Seat:
    """A place where somebody was seen."""

    face: Box
    seen_as: Grid
    seen_s: float
    hits: int = 1
    """How often a face was found there: one alone may be a pattern that looks like one."""
    lived: bool = False
    """Whether anything ever moved there: a face on a poster never does."""
    quiet: int = 0
    """Looks in a row without a sign of anybody."""
    as_seen: bool = True
    """It looks as it did when the face was last seen."""
    alive: bool = False
    """Something moved there since the look before."""
    emptied_s: float = 0.0
    """When it was left, if it is quiet."""

    @property
    def zone(self) -> Box:
        """Head and shoulders."""
        return self.face.grown(0.5, 0.4, 0.5, 1.0)


@dataclass(frozen=True)
class Present:
    """Who is there in one look."""

    known: int
    """Seats that somebody was ever seen in."""
    count: int
    """How many of them are taken now, as far as can be told."""
    sure: int
    """How many of those look as they did when a face was last seen in them."""
    doubtful: int
    """Faces that were found once: persons, or patterns that look like one."""
    emptied_s: float | None
    """When the seat that was left last was left."""


@dataclass
class People:
    """Follows the people of one recording; looks come in order."""

    finder: FaceFinding
    limits: PeopleThresholds = PEOPLE
    _seats: list[Seat] = field(default_factory=list)
    _before: Grid | None = None
    _before_s: float = 0.0
    _usual: Grid | None = None
    _turn: int = 0
    _suspect: Box | None = None
    _asked: int = 0

    def take(self, frame: Frame, look: Look) -> Present:
        """Count who is there in this look."""
        now = look.structure
        if self._before is None or self._before.shape != now.shape or self._usual is None:
            self._before, self._usual, self._seats = now, now.copy(), []
        changed = (np.abs(now - self._before) > self.limits.change).astype(np.uint8)
        for face in self._search(frame, look, changed):
            self._seat(face, look)
        for seat in self._seats:
            self._watch(seat, look, changed)
        self._seats = [seat for seat in self._seats if self._kept(seat, look)][: self.limits.seats]
        self._before = now
        self._usual += np.clip(now - self._usual, -self.limits.absorb, self.limits.absorb)
        self._before_s = look.t_s
        living = [seat for seat in self._seats if seat.lived]
        known = [seat for seat in living if seat.hits >= self.limits.hits]
        taken = [seat for seat in known if seat.quiet < self.limits.quiet]
        emptied = [seat.emptied_s for seat in known if seat not in taken]
        return Present(
            len(known), len(taken), sum(seat.as_seen for seat in taken), len(living) - len(known),
            max(emptied, default=None),
        )

    def _kept(self, seat: Seat, look: Look) -> bool:
        if seat.hits < self.limits.hits:
            return look.t_s - seat.seen_s < self.limits.confirm_s
        return seat.quiet < self.limits.forget

    def _search(self, frame: Frame, look: Look, changed: Picture) -> list[Box]:
        """Faces found this time.  Each crop costs a run of the network, so few are looked at."""
        crops = []
        crowded = sum(seat.quiet < self.limits.quiet for seat in self._seats) > 1
        for seat in self._seats:
            alive = _share(changed, seat.zone) > self.limits.alive
            due = look.t_s - seat.seen_s >= self.limits.refresh_s or (seat.quiet > 0 and alive)
            if due or (crowded and seat.quiet < self.limits.quiet) or not (alive or self._alike(seat, look)):
                crops.append(_around(seat.face, frame, self.limits.crop_faces))
        newcomer = self._newcomer(look)
        if newcomer is not None:
            crops.append(newcomer)
        if not self._seats or self._turn % self.limits.every == 0:
            crops += self._in_turn(frame, 1 if self._seats else 3)
        self._turn += 1
        found: list[Box] = []
        for crop in crops:
            for box in self._faces(frame, crop):
                if not any(other.grown(0.3, 0.3, 0.3, 0.3).holds(*box.centre) for other in found):
                    found.append(box)
        return found

    def _faces(self, frame: Frame, crop: Box) -> list[Box]:
        top, left = int(crop.y * frame.height), int(crop.x * frame.width)
        bottom, right = round((crop.y + crop.height) * frame.height), round((crop.x + crop.width) * frame.width)
        cut = frame.bgr[top:bottom, left:right]
        if min(cut.shape[:2]) < self.limits.least_pixels:
            return []
        wide, high = cut.shape[1] / frame.width, cut.shape[0] / frame.height
        return [
            Box(left / frame.width + face.x * wide, top / frame.height + face.y * high,
                face.width * wide, face.height * high, face.score)
            for face in self.finder.find(np.ascontiguousarray(cut), self.limits.score)
        ]

    def _in_turn(self, frame: Frame, count: int) -> list[Box]:
        """The next crops of a walk over the picture: squares of its shorter side and of two thirds of it."""
        squares = []
        for side in (1.0, 0.67):
            pixels = side * min(frame.width, frame.height)
            wide, high = pixels / frame.width, pixels / frame.height
            columns, rows = (int(np.ceil((1 - part) / (part * 0.6))) + 1 for part in (wide, high))
            squares += [
                Box((1 - wide) * column / max(1, columns - 1), (1 - high) * row / max(1, rows - 1), wide, high)
                for row in range(rows) for column in range(columns)
            ]
        first = self._turn // self.limits.every * count if self._seats else self._turn * count
        return [squares[(first + step) % len(squares)] for step in range(count)]

    def _newcomer(self, look: Look) -> Box | None:
        """A square around the largest part of the picture that is not as usual, away from known seats."""
        if self._usual is None:
            return None
        unusual = (np.abs(look.structure - self._usual) > self.limits.unusual).astype(np.uint8)
        height, width = unusual.shape
        for seat in self._seats:
            zone = seat.face.grown(1.0, 0.6, 1.0, 4.0)
            unusual[_rows(zone, height), _columns(zone, width)] = 0
        unusual = cv2.morphologyEx(unusual, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(unusual)
        if count < 2:
            return None
        left, top, wide, high, area = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))].tolist()
        if area < self.limits.newcomer * unusual.size:
            return None
        # a person's head is at the top of what has changed
        side = max(wide, min(high, 1.5 * wide)) * 1.2
        x = (left + wide / 2 - side / 2) / width
        y = (top - 0.1 * side) / height
        box = Box(max(0.0, x), max(0.0, y), side / width, side / height).grown(0, 0, 0, 0)
        if self._suspect is None or not self._suspect.holds(*box.centre):
            self._suspect, self._asked = box, 0
        self._asked += 1
        return box if self._asked <= self.limits.asked else None

    def _seat(self, face: Box, look: Look) -> None:
        """Give a face its seat: the one that it is near to, or a new one."""
        for seat in self._seats:
            if seat.face.grown(1.0, 1.0, 1.0, 1.0).holds(*face.centre):
                seat.face, seat.seen_s, seat.quiet = face, look.t_s, 0
                seat.hits += 1
                seat.seen_as = look.structure.copy()
                return
        if face.score >= self.limits.new_score and face.width <= self.limits.widest:
            self._seats.append(Seat(face, look.structure.copy(), look.t_s))

    def _watch(self, seat: Seat, look: Look, changed: Picture) -> None:
        """Look for signs that somebody is in a seat."""
        was_alive, seat.alive = seat.alive, _share(changed, seat.zone) > self.limits.alive
        seat.lived = seat.lived or seat.alive
        seat.as_seen = seat.seen_s == look.t_s or self._alike(seat, look)
        if seat.as_seen or (seat.alive and was_alive):
            seat.quiet = 0
        elif not seat.alive:
            if seat.quiet == 0:
                # Whoever leaves moves: if something moved last time, that was it.
                seat.emptied_s = self._before_s if was_alive else (self._before_s + look.t_s) / 2
            seat.quiet += 1

    def _alike(self, seat: Seat, look: Look) -> bool:
        """Whether the seat looks as it did when its face was last seen."""
        height, width = look.structure.shape
        cut = np.s_[_rows(seat.zone, height), _columns(seat.zone, width)]
        one, other = seat.seen_as[cut].ravel(), look.structure[cut].ravel()
        power = float(np.sqrt((one @ one) * (other @ other)))
        return power > 0 and float(one @ other) / power > self.limits.alike


def _rows(box: Box, height: int) -> slice:
    return slice(int(box.y * height), max(int(box.y * height) + 1, round((box.y + box.height) * height)))


def _columns(box: Box, width: int) -> slice:
    return slice(int(box.x * width), max(int(box.x * width) + 1, round((box.x + box.width) * width)))


def _share(mask: Picture, box: Box) -> float:
    part = mask[_rows(box, mask.shape[0]), _columns(box, mask.shape[1])]
    return float(part.mean()) if part.size else 0.0


def _around(face: Box, frame: Frame, faces: float) -> Box:
    """A square of so many faces' size around a face."""
    side = faces * max(face.width * frame.width, face.height * frame.height)
    x, y = face.centre
    wide, high = min(1.0, side / frame.width), min(1.0, side / frame.height)
    return Box(min(max(0.0, x - wide / 2), 1 - wide), min(max(0.0, y - high / 2), 1 - high), wide, high)
