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
from evidence_server.vision.look import TILE, Grid, Look


HOT, WARM = 0.3, 0.15
"""Share of looks in which a point changed, for it to belong to somebody who moves, or to count as a stir."""


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
    """The look when its face was last seen."""
    seen_s: float
    hits: int = 1
    """How often a face was found there: one alone may be a pattern that looks like one."""
    moved_as: Grid | None = None
    """The last look that lies between two movements."""
    asked: bool = False
    """Its face was looked for this time."""
    asked_s: float = -1.0
    missed: int = 0
    """How often it was not found although nothing had changed: then it never was one."""
    faceless: bool = False
    """Known by its movement only: the box is all of what moves."""
    lived: bool = False
    """Whether anything ever moved there: a face on a poster never does."""
    quiet: int = 0
    """Looks in a row without a sign of anybody."""
    as_seen: bool = True
    """It looks as it did when the face was last seen."""
    gone: int = 0
    """Looks in a row in which head and shoulders showed nobody."""
    gone_s: float = 0.0
    """When that began."""
    stirred: int = 0
    """For how many looks in a row something has moved there."""
    stirred_before: bool = False
    head_moved: bool = False
    emptied_s: float = 0.0
    """When it was left, if it is quiet."""

    def found(self, face: Box, look: Look) -> None:
        """Its face was seen again."""
        self.face, self.seen_s, self.seen_as, self.quiet = face, look.t_s, look.structure.copy(), 0
        self.hits += 1
        self.missed = 0

    @property
    def body(self) -> Box:
        """As far as its movements reach."""
        return self.face if self.faceless else self.face.grown(1.5, 0.8, 1.5, 3.0)

    @property
    def zone(self) -> Box:
        """Head and shoulders."""
        return self.face if self.faceless else self.face.grown(0.5, 0.4, 0.5, 1.0)


@dataclass(frozen=True)
class Present:
    """Who is there in one look."""

    known: int
    """Seats that somebody was ever seen in."""
    taken: int
    """How many of them are taken, as far as can be told: by any sign."""
    emptied_s: float | None
    """When the seat that was left last was left."""
    persons: int
    """How many persons there are for sure: faces seen lately, and one more who is apart from them."""
    doubtful: int
    """Faces that were found once: persons, or patterns that look like one."""
    fewer_s: float | None
    """When the last of those who are no longer counted among the persons went."""


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
    _walked: int = 0
    _asked: dict[tuple[int, int], int] = field(default_factory=dict)
    _heat: Grid | None = None

    def take(self, frame: Frame, look: Look) -> Present:
        """Count who is there in this look."""
        now = look.structure
        if self._before is None or self._before.shape != now.shape or self._usual is None:
            self._before, self._usual, self._seats = now, now.copy(), []
        changed = (np.abs(now - self._before) > self.limits.change).astype(np.uint8)
        self._seat_all(self._search(frame, look, changed), look)
        heat = self._seat_by_motion(changed, look)
        for seat in self._seats:
            self._watch(seat, look, changed, heat)
        self._seats = [seat for seat in self._seats if self._kept(seat, look)][: self.limits.seats]
        self._usual += np.clip(now - self._usual, -self.limits.absorb, self.limits.absorb)
        present = self._count(look)
        self._before, self._before_s = now, look.t_s
        return present

    def _count(self, look: Look) -> Present:
        limits = self.limits
        known = [seat for seat in self._seats if seat.lived and seat.hits >= limits.hits]
        doubtful = sum(seat.lived and seat.hits < limits.hits for seat in self._seats)
        if any(not seat.faceless for seat in known):
            known = [seat for seat in known if not seat.faceless]
        faces = [seat for seat in known if not seat.gone and look.t_s - seat.seen_s <= limits.recent_s]
        apart = [
            seat for seat in known
            if seat not in faces and not seat.gone and not seat.faceless
            and not any(_near(other.face, seat.face, limits.moved_over) for other in faces)
        ]
        taken = [seat for seat in known if seat.quiet < limits.quiet]
        gone = [seat.gone_s for seat in known if seat.gone]
        emptied = [seat.emptied_s for seat in known if seat not in taken]
        # What nobody sits in any more is forgotten, unless it is the only one.
        stale = [seat for seat in known if seat not in taken or look.t_s - seat.seen_s > limits.stale_s]
        if taken and faces:
            self._seats = [seat for seat in self._seats if seat in faces or seat not in stale]
        return Present(
            len(known), len(taken), max(emptied, default=None),
            len(faces) + min(len(apart), 1 if faces else 0), doubtful, max(gone, default=None),
        )

    def _kept(self, seat: Seat, look: Look) -> bool:
        if seat.missed >= self.limits.missed:
            return False
        if seat.hits < self.limits.hits:
            return look.t_s - seat.seen_s < self.limits.confirm_s
        return seat.quiet < self.limits.forget

    def _search(self, frame: Frame, look: Look, changed: Picture) -> list[Box]:
        """Faces found this time.  Each crop costs a run of the network, so few are looked at."""
        crops = []
        crowded = sum(seat.quiet < self.limits.quiet for seat in self._seats) > 1
        for seat in self._seats:
            if seat.faceless:
                continue
            alive = _stirs(changed, self._heat, seat, self.limits.alive)
            due = look.t_s - max(seat.seen_s, seat.asked_s) >= self.limits.refresh_s
            in_doubt = seat.hits < self.limits.hits or (alive and seat.quiet > 0)
            in_doubt = in_doubt or (crowded and seat.quiet < self.limits.quiet)
            seat.asked = due or in_doubt or not (alive or self._alike(seat, look))
            if seat.asked:
                seat.asked_s = look.t_s
                crops.append(_around(seat.face, frame, self.limits.crop_faces))
        crops += self._newcomers(look)
        known = any(not seat.faceless for seat in self._seats)
        if not known or self._turn % self.limits.every == 0:
            crops += self._in_turn(frame, 1)
        self._turn += 1
        found: list[Box] = []
        for crop in crops:
            for box in self._faces(frame, crop):
                if box.score < self.limits.new_score and box.width < self.limits.widest:
                    # Small in a large crop: look closer.
                    closer = self._faces(frame, _around(box, frame, self.limits.crop_faces))
                    box = max([box, *closer], key=lambda face: face.score)
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
        first = self._walked
        self._walked += count
        return [squares[(first + step) % len(squares)] for step in range(count)]

    def _newcomers(self, look: Look) -> list[Box]:
        """Squares around the parts of the picture that are not as usual, away from known seats."""
        if self._usual is None:
            return []
        unusual = (np.abs(look.structure - self._usual) > self.limits.unusual).astype(np.uint8)
        height, width = unusual.shape
        for seat in self._seats:
            body = seat.face.grown(1.0, 0.6, 1.0, 4.0)
            unusual[_rows(body, height), _columns(body, width)] = 0
        squares, asked = [], {}
        for left, top, wide, high, area in _blobs(unusual)[: self.limits.newcomers]:
            if area < self.limits.newcomer * unusual.size:
                break
            # a person's head is at the top of what has changed
            side = 1.2 * max(wide, min(high, 1.5 * wide))
            x, y = (left + wide / 2 - side / 2) / width, (top - 0.1 * side) / height
            cell = round((left + wide / 2) / TILE), round((top + high / 2) / TILE)
            asked[cell] = self._asked.get(cell, 0) + 1
            if asked[cell] <= self.limits.asked or asked[cell] % self.limits.asked == 0:
                squares.append(Box(max(0.0, x), max(0.0, y), side / width, side / height).grown(0, 0, 0, 0))
        self._asked = asked
        return squares

    def _seat_all(self, faces: Sequence[Box], look: Look) -> None:
        """Give each face its seat: the one that it is in, or one near by that has no face, or a new one."""
        free = [seat for seat in self._seats if not seat.faceless]
        homeless = []
        for face in faces:
            own = next((seat for seat in free if _near(seat.face, face, 1.0) and _like_size(seat.face, face)), None)
            if own is None:
                homeless.append(face)
            else:
                own.found(face, look)
                free.remove(own)
        for face in homeless:
            if face.score < self.limits.new_score or face.width > self.limits.widest:
                continue
            # Somebody who moved over, rather than somebody else.
            reach = self.limits.moved_over
            left = next((seat for seat in free if _near(seat.face, face, reach) and _like_size(seat.face, face)), None)
            if left is not None:
                left.found(face, look)
                free.remove(left)
            else:
                self._seats.append(Seat(face, look.structure.copy(), look.t_s))

    def _seat_by_motion(self, changed: Picture, look: Look) -> Grid:
        """How often each point moved lately.  Give a seat to what keeps moving while no face is known: somebody who is seen from the side."""
        if self._heat is None or self._heat.shape != changed.shape:
            self._heat = np.zeros(changed.shape, np.float32)
        if changed.any():
            self._heat += np.float32(self.limits.heat_share) * (changed - self._heat)
        if any(seat.hits >= self.limits.hits for seat in self._seats):
            return self._heat
        height, width = changed.shape
        blobs = _blobs((self._heat > self.limits.heat).astype(np.uint8))
        if blobs and blobs[0][4] > self.limits.body * changed.size:
            left, top, wide, high, _ = blobs[0]
            body = Box(left / width, top / height, wide / width, high / height)
            self._seats.append(
                Seat(body, look.structure.copy(), look.t_s, hits=self.limits.hits, lived=True, faceless=True)
            )
        return self._heat

    def _watch(self, seat: Seat, look: Look, changed: Picture, heat: Grid) -> None:
        """Look for signs that somebody is in a seat."""
        limits = self.limits
        seat.stirred = seat.stirred + 1 if _stirs(changed, heat, seat, limits.alive) else 0
        seat.lived = seat.lived or seat.stirred > 0
        has_face = seat.seen_s == look.t_s and not seat.faceless
        seat.as_seen = has_face or self._alike(seat, look)
        if seat.asked and seat.as_seen and not seat.stirred and not has_face:
            seat.missed += 1
        self._watch_head(seat, look, changed)
        if seat.stirred > 1 and seat.quiet == 0 and self._before is not None:
            # Not this look: whoever leaves is seen to move, too.
            seat.moved_as = self._before
        left = seat.quiet >= limits.quiet
        if seat.as_seen or seat.stirred >= (limits.stirred_again if left else 2):
            seat.quiet = 0
        elif not seat.stirred and not left and _as_moved(seat, look, heat, limits.alike):
            seat.quiet = 0
        elif not seat.stirred:
            if seat.quiet == 0:
                # Whoever leaves moves: if something moved last time, that was it.
                before_s = self._before_s
                seat.emptied_s = before_s if seat.stirred_before else (before_s + look.t_s) / 2
            seat.quiet += 1
        seat.stirred_before = seat.stirred > 0

    def _watch_head(self, seat: Seat, look: Look, changed: Picture) -> None:
        height, width = changed.shape
        head = changed[_rows(seat.zone, height), _columns(seat.zone, width)]
        moves = float(head.mean()) > self.limits.head_moves
        if seat.as_seen or (moves and not seat.gone):
            seat.gone = 0
        else:
            if not seat.gone:
                seat.gone_s = self._before_s if seat.head_moved else (self._before_s + look.t_s) / 2
            seat.gone += 1
        seat.head_moved = moves and not seat.as_seen

    def _alike(self, seat: Seat, look: Look) -> bool:
        """Whether head and shoulders look as they did when the face was last seen."""
        if seat.faceless:
            return False
        height, width = look.structure.shape
        cut = np.s_[_rows(seat.zone, height), _columns(seat.zone, width)]
        return _correlation(seat.seen_as[cut], look.structure[cut]) > self.limits.alike


def _as_moved(seat: Seat, look: Look, heat: Grid, alike: float) -> bool:
    """Whether what usually moves in a seat looks as it did between its last two movements."""
    if seat.moved_as is None:
        return False
    height, width = look.structure.shape
    cut = np.s_[_rows(seat.body, height), _columns(seat.body, width)]
    warm = heat[cut] > HOT
    return bool(warm.any()) and _correlation(seat.moved_as[cut][warm], look.structure[cut][warm]) > alike


def _correlation(one: Grid, other: Grid) -> float:
    one, other = one.ravel(), other.ravel()
    power = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / power if power > 0 else 0.0


def _stirs(changed: Picture, heat: Grid | None, seat: Seat, part: float) -> bool:
    """Whether enough changed around a seat: so large a part of the face that sits there."""
    height, width = changed.shape
    face = max(1.0, seat.face.width * width * seat.face.height * height)
    cut = np.s_[_rows(seat.body, height), _columns(seat.body, width)]
    body = changed[cut] if heat is None else changed[cut] * (heat[cut] > WARM)
    return float(body.sum()) > part * face


def _near(one: Box, face: Box, sizes: float) -> bool:
    """Whether a face is no further from another than so many of its own sizes."""
    return one.grown(sizes, sizes, sizes, sizes).holds(*face.centre)


def _like_size(one: Box, other: Box) -> bool:
    return 0.55 < one.width / max(other.width, 1e-6) < 1.8


def _blobs(mask: Picture) -> list[tuple[int, int, int, int, int]]:
    """Connected parts of a mask, the largest first: left, top, width, height, area."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed)
    return sorted((tuple(row) for row in stats[1:].tolist()), key=lambda row: -row[4])


def _rows(box: Box, height: int) -> slice:
    return slice(int(box.y * height), max(int(box.y * height) + 1, round((box.y + box.height) * height)))


def _columns(box: Box, width: int) -> slice:
    return slice(int(box.x * width), max(int(box.x * width) + 1, round((box.x + box.width) * width)))


def _around(face: Box, frame: Frame, faces: float) -> Box:
    """A square of so many faces' size around a face."""
    side = faces * max(face.width * frame.width, face.height * frame.height)
    x, y = face.centre
    wide, high = min(1.0, side / frame.width), min(1.0, side / frame.height)
    return Box(min(max(0.0, x - wide / 2), 1 - wide), min(max(0.0, y - high / 2), 1 - high), wide, high)
