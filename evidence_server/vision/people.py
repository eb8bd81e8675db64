"""How many persons' faces a fixed camera sees.

A face is looked for where one was seen, where the picture is not as usual, and in turn everywhere; one that
nobody knows yet must be found twice, in differently cut pieces.  A place where a face was seen is a seat.  A
person's head moves: what looks like a face and never moves (a poster, a pattern) is none.

Limits: somebody whose face never shows is not counted; a face on a living screen is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from evidence_server.vision.boxes import NEAR_PIXELS, Box, FaceFinding, faces_in, walk
from evidence_server.vision.continuity_thresholds import PEOPLE, PeopleThresholds
from evidence_server.vision.frame import Frame, Picture
from evidence_server.vision.look import TILE, Grid, Look


@dataclass
class Seat:
    """A place where a face was seen."""

    face: Box
    seen_as: Grid
    """The look when it was seen last."""
    seen_s: float
    hits: int = 1
    """How often it was found."""
    moves: int = 0
    """In how many looks the head moved."""
    moved_s: float = -1e9
    asked_s: float = -1e9
    missed: int = 0
    """How often it was not found although the picture had not changed: then it never was one."""
    as_seen: bool = True
    """It looks as it did when the face was last seen."""
    gone_s: float | None = None
    """Since when the head shows nobody."""
    moves_now: bool = False
    row: int = 0
    """In how many looks in a row it moved."""

    @property
    def zone(self) -> Box:
        """Head and shoulders."""
        return self.face.grown(0.5, 0.4, 0.5, 1.0)

    def found(self, face: Box, look: Look) -> None:
        """Its face was seen again."""
        self.face, self.seen_s, self.seen_as = face, look.t_s, look.structure
        self.hits, self.missed, self.gone_s = self.hits + 1, 0, None


@dataclass(frozen=True)
class Persons:
    """Who is there in one look."""

    ever: bool
    """Whether a person was ever found."""
    seen: bool
    """Whether a face is there now, or a seat looks as it did with one."""
    count: int
    """Faces seen lately, and one more person who has turned away and is apart from them."""
    doubtful: int
    """Faces that were found once: persons, or patterns that look like one."""
    fewer_s: float | None
    """When the last who is no longer counted went."""
    reach: Picture | None
    """Where those whose faces were seen lately can move: 1 on the grid; None if none ever was."""


@dataclass
class People:
    """Follows the faces of one recording; looks come in order."""

    finder: FaceFinding
    limits: PeopleThresholds = PEOPLE
    _seats: list[Seat] = field(default_factory=list)
    _usual: Grid | None = None
    _before_s: float = 0.0
    _looks: int = 0
    _walked: int = 0
    _asked: dict[tuple[int, int], int] = field(default_factory=dict)
    _ever: bool = False
    _bodies: list[Box] = field(default_factory=list)

    def take(self, frame: Frame, look: Look, changed: Picture, *, doubt: bool) -> Persons:
        """Count the persons in this look.

        `changed` marks the grid's points that changed since the look before; `doubt` asks to look for known
        faces whatever it costs.
        """
        now = look.structure
        if self._usual is None or self._usual.shape != now.shape:
            self._usual, self._seats = now.copy(), []
        self._seat_all(self._search(frame, look, changed, doubt), look)
        for seat in self._seats:
            self._watch(seat, look, changed)
        self._usual += np.clip(now - self._usual, -self.limits.absorb, self.limits.absorb)
        persons = self._count(look)
        self._forget(look)
        self._before_s = look.t_s
        self._looks += 1
        return persons

    def _search(self, frame: Frame, look: Look, changed: Picture, doubt: bool) -> list[Box]:
        """Faces found this time.  Each piece costs a run of the network, so few are looked at."""
        pieces = []
        crowded = sum(seat.gone_s is None for seat in self._seats) > 1
        for seat in self._seats:
            due = look.t_s - max(seat.seen_s, seat.asked_s) >= self.limits.refresh_s
            here = crowded and seat.gone_s is None
            if due or here or seat.hits < self.limits.hits or (doubt and not self._looks_as_seen(seat, look)):
                seat.asked_s = look.t_s
                pieces.append(seat.face.square(frame, self.limits.piece_faces))
        pieces += self._newcomers(look)
        every = self.limits.every if self._seats or self._looks > self.limits.every_look_until else 1
        if self._looks % every == 0:
            squares = walk(frame)
            pieces.append(squares[self._walked % len(squares)])
            self._walked += 1
        found: list[Box] = []
        for piece in pieces[: self.limits.pieces]:
            for face in self._faces(frame, piece):
                sure = face if self._is_known(face) else self._again(frame, face)
                if sure is not None and not any(other.is_near(sure, 0.3) for other in found):
                    found.append(sure)
        return found

    def _faces(self, frame: Frame, piece: Box) -> list[Box]:
        rows, columns = piece.cut(frame.height, frame.width)
        if min(rows.stop - rows.start, columns.stop - columns.start) < self.limits.least_pixels:
            return []
        found = faces_in(frame, piece, self.finder.find, self.limits.score, NEAR_PIXELS)
        least, most = self.limits.face_widths
        return [face for face in found if least <= face.width <= most]

    def _is_known(self, face: Box) -> bool:
        return face.score >= self.limits.known_score and any(
            seat.face.is_near(face, 0.5) and seat.face.is_like(face) for seat in self._seats
        )

    def _again(self, frame: Frame, face: Box) -> Box | None:
        """The same face found in a closer piece, surely enough for somebody new; None if it is not."""
        closer = self._faces(frame, face.square(frame, self.limits.piece_faces))
        sure = [one for one in closer if one.score >= self.limits.new_score and face.is_near(one, 0.5)]
        return max(sure, key=lambda one: one.score, default=None)

    def _newcomers(self, look: Look) -> list[Box]:
        """Squares around the parts of the picture that are not as usual, away from known seats."""
        if self._usual is None:
            return []
        unusual = (np.abs(look.structure - self._usual) > self.limits.unusual).astype(np.uint8)
        height, width = unusual.shape
        for seat in self._seats:
            unusual[seat.face.grown(1.0, 0.6, 1.0, 4.0).cut(height, width)] = 0
        squares, asked = [], {}
        for left, top, wide, high, area in _blobs(unusual)[: self.limits.newcomers]:
            if area < self.limits.newcomer * unusual.size:
                break
            # a person's head is at the top of what has changed
            side = 1.2 * max(wide, min(high, 1.5 * wide))
            x, y = (left + wide / 2 - side / 2) / width, (top - 0.1 * side) / height
            cell = round((left + wide / 2) / TILE), round((top + high / 2) / TILE)
            near = [(cell[0] + right, cell[1] + down) for right in (-1, 0, 1) for down in (-1, 0, 1)]
            asked[cell] = 1 + max(self._asked.get(place, 0) for place in near)
            # at the first look, the second, the fourth, the eighth, …
            if asked[cell] & (asked[cell] - 1) == 0:
                square = Box(max(0.0, x), max(0.0, y), side / width, side / height)
                squares.append(square.grown(0, 0, 0, 0))
        self._asked = asked
        return squares

    def _seat_all(self, faces: Sequence[Box], look: Look) -> None:
        """Give each face its seat: the one that it is in, or one near by that has no face, or a new one."""
        free = list(self._seats)
        for reach in (1.0, self.limits.moved_over, None):
            homeless = []
            for face in faces:
                near = [seat for seat in free if reach and seat.face.is_near(face, reach)]
                own = next((seat for seat in near if seat.face.is_like(face)), None)
                if own is not None:
                    own.found(face, look)
                    free.remove(own)
                elif reach is None:
                    self._seats.append(Seat(face, look.structure, look.t_s))
                else:
                    homeless.append(face)
            faces = [face for face in homeless if face.score >= self.limits.new_score]

    def _watch(self, seat: Seat, look: Look, changed: Picture) -> None:
        """Look for signs of a person in a seat."""
        cut = seat.zone.cut(changed.shape[0], changed.shape[1])
        did_move, seat.moves_now = seat.moves_now, float(changed[cut].mean()) > self.limits.head_moves
        found = seat.seen_s == look.t_s
        seat.as_seen = found or self._looks_as_seen(seat, look)
        seat.row = seat.row + 1 if seat.moves_now else 0
        seat.moves += seat.moves_now and found
        if seat.as_seen and not found and not seat.moves_now and seat.asked_s == look.t_s:
            seat.missed += 1
        back = seat.row >= self.limits.moves_again
        if seat.as_seen or back or (seat.moves_now and seat.gone_s is None):
            seat.gone_s = None
            seat.moved_s = look.t_s if seat.moves_now else seat.moved_s
        elif seat.gone_s is None:
            # Whoever leaves moves: if something moved last time, that was it.
            seat.gone_s = self._before_s if did_move else (self._before_s + look.t_s) / 2

    def _looks_as_seen(self, seat: Seat, look: Look) -> bool:
        cut = seat.zone.cut(look.structure.shape[0], look.structure.shape[1])
        return _correlation(seat.seen_as[cut], look.structure[cut]) > self.limits.alike

    def _count(self, look: Look) -> Persons:
        limits = self.limits
        known = [seat for seat in self._seats if seat.hits >= limits.hits and seat.moves >= limits.moves]
        living = [
            seat for seat in known if seat.gone_s is None and look.t_s - seat.moved_s <= limits.still_s
        ]
        faces = [seat for seat in living if look.t_s - seat.seen_s <= limits.recent_s]
        apart = [
            seat for seat in living if seat not in faces
            and not any(other.face.is_near(seat.face, limits.moved_over) for other in faces)
        ]
        self._ever = self._ever or bool(known)
        return Persons(
            ever=self._ever,
            seen=any(seat.as_seen for seat in known),
            count=len(faces) + (1 if faces and apart else 0),
            doubtful=sum(
                seat not in living and seat.gone_s is None and look.t_s - seat.seen_s <= limits.confirm_s
                for seat in self._seats
            ),
            fewer_s=max((seat.gone_s for seat in known if seat.gone_s is not None), default=None),
            reach=self._reach(look, known),
        )

    def _reach(self, look: Look, known: Sequence[Seat]) -> Picture | None:
        self._bodies += [seat.face.grown(1.0, 0.8, 1.0, 2.5) for seat in known if seat.seen_s == look.t_s]
        self._bodies = self._bodies[-self.limits.bodies :]
        if not self._bodies:
            return None
        height, width = look.structure.shape
        reach = np.zeros((height, width), np.uint8)
        for body in self._bodies:
            reach[body.cut(height, width)] = 1
        return reach

    def _forget(self, look: Look) -> None:
        limits, kept = self.limits, []
        anybody = any(seat.seen_s == look.t_s for seat in self._seats)
        for seat in self._seats:
            unseen_s = look.t_s - seat.seen_s
            unconfirmed = seat.hits < limits.hits and unseen_s > limits.confirm_s
            idle = unseen_s > limits.stale_s and look.t_s - seat.moved_s > limits.still_s
            left = anybody and (seat.gone_s is not None or idle)
            if not (unconfirmed or left or seat.missed >= limits.missed):
                kept.append(seat)
        self._seats = kept[: limits.seats]


def _blobs(mask: Picture) -> list[tuple[int, ...]]:
    """Connected parts of a mask, the largest first: left, top, width, height, area."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed)
    return sorted((tuple(row) for row in stats[1:].tolist()), key=lambda row: -row[4])


def _correlation(one: Grid, other: Grid) -> float:
    one, other = one.ravel(), other.ravel()
    power = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / power if power > 0 else 0.0
