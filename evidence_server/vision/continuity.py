"""Continuity: whether the fixed camera goes on seeing what it should, by key frames and sound levels.

Pictures come about every two seconds; what happens between two of them is not seen.  State is bounded: some
small grids, and spans (joined beyond a hundred of a kind).  It is not stored: it is had again by feeding the
same pictures again.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from evidence_server.vision.boxes import FaceFinding
from evidence_server.vision.continuity_thresholds import (
    LIGHT,
    OCCUPANCY,
    VIEW,
    LightThresholds,
    ViewThresholds,
)
from evidence_server.vision.frame import Frame
from evidence_server.vision.look import Look
from evidence_server.vision.occupancy import Occupancy
from evidence_server.vision.people import People, Persons
from evidence_server.vision.place import Compared, Place
from evidence_server.vision.repeats import Repeats
from evidence_server.vision.sound import Hearing
from evidence_server.vision.spans import Sight, Span, SpanKeeper
from evidence_server.vision.stillness import Stillness

MAX_SIZES = 1000
"""Coded sizes kept between two pictures; more are dropped."""


class Continuity:
    """Finds the spans of one recording, fed in order of time.

    Without a face finder `absent` and `people` are not measured.
    """

    def __init__(
        self, faces: FaceFinding | None, light: LightThresholds = LIGHT, view: ViewThresholds = VIEW,
        sight: Sight | None = None,
    ) -> None:
        """Nothing was seen yet; `sight`: of the recording that this goes on with."""
        self.sight = sight or Sight()
        self._light, self._view = light, view
        self._people = People(faces) if faces else None
        self._occupancy = Occupancy()
        self._place, self._next_place = Place(), Place()
        self._stillness = Stillness()
        self._repeats = Repeats()
        self._hearing = Hearing()
        self._sizes: list[float] = []
        self._last_s: float | None = None
        self._somebody = False
        self._perhaps_s = 0.0  # when a face that is nobody's yet was seen last
        self._stirred = 0  # looks in which something moved since nobody was there
        self._moved_since_s: float | None = None
        self._keepers = {
            kind: SpanKeeper(kind, confirm, release)
            for kind, confirm, release in (
                ("black", 1, 1), ("covered", 2, 1), ("frozen", 2, 1), ("repeated", 1, 1), ("moved", 2, 2),
                ("absent", 1, 1), ("people", 1, 1), ("blurred", 2, 1), ("dark", 2, 1),
            )
        }

    def take_sizes(self, sizes: Sequence[tuple[float, float]]) -> None:
        """Say how large the coded pictures are that are no key frames: (time in seconds, bytes)."""
        for t_s, _ in sizes:
            self.sight.there(t_s)
        self._sizes += [size for _, size in sizes[: MAX_SIZES - len(self._sizes)]]

    def take_unreadable(self, t_s: float) -> None:
        """There is a key frame that cannot be decoded."""
        self.sight.there(t_s)

    def take_sound(self, t_s: float, length_s: float, rms: float) -> None:
        """One window of sound: see :meth:`Hearing.take`."""
        self._hearing.take(t_s, length_s, rms)

    def take_picture(self, frame: Frame) -> None:
        """Measure the next picture.

        Raises:
            ValueError: it is not later than the one before.
        """
        if self._last_s is not None and frame.t_s <= self._last_s:
            raise ValueError(f"a picture at {frame.t_s} s after one at {self._last_s} s")
        self._last_s = frame.t_s
        self.sight.looked(frame.t_s)
        self._hearing.picture_at(frame.t_s)
        look = Look.at(frame)
        compared = self._place.compare(look)
        black = _is_black(look, self._light)
        dark = not black and _is_dark(look, self._light)
        covered = not black and self._is_covered(look, compared)
        seen = not (black or covered)
        self._note("black", frame, black)
        self._note("covered", frame, covered if not black else None)
        self._note("dark", frame, dark and not covered if not black else None)
        self._note_still(frame, look, seen)
        moved = self._note_moved(frame, look, compared) if seen and not dark else False
        clear = seen and not dark and not moved
        blurred = self._note_blurred(frame, compared if clear else None)
        if clear and not blurred and not self._keepers["moved"].is_rising:
            self._place.learn(look)
            if not self._stillness.noise_gone:
                self._note_people(frame, look)

    def finish(self, end_s: float) -> None:
        """Say that the recording ends at `end_s`: what goes on goes on to there."""
        self._hearing.finish(end_s)
        for keeper in self._keepers.values():
            keeper.finish(end_s)

    def spans(self) -> list[Span]:
        """All spans so far, by their starts; those that go on are open."""
        found = [span for keeper in self._keepers.values() for span in keeper.spans()]
        found += self._hearing.spans() + self.sight.spans()
        return sorted(found, key=lambda span: (span.start_s, span.kind))

    def _note(
        self, kind: str, frame: Frame, yes: bool | None, confidence: float = 0.95,
        since_s: float | None = None,
    ) -> None:
        self._keepers[kind].observe(frame.t_s, yes, confidence, frame, since_s)

    def _is_covered(self, look: Look, compared: Compared | None) -> bool:
        """Structure is gone: everywhere, and also in relation to the place if that is known."""
        view = self._view
        if compared is None:
            return look.coarse < view.covered_coarse and look.spread < view.covered_spread
        lost = compared.kept is None or compared.kept < view.covered_kept
        return lost and compared.contrast < view.covered_contrast

    def _note_still(self, frame: Frame, look: Look, seen: bool) -> None:
        coded = median(self._sizes) if self._sizes else None
        self._sizes.clear()
        if not seen:
            self._stillness.forget()
            self._note("frozen", frame, None)
            self._note("repeated", frame, None)
            return
        # An empty room is still, too: only where somebody sits must something move.
        somebody = self._people is not None and self._somebody and not self._keepers["absent"].is_open
        frozen, confidence, since_s = self._stillness.take(look, coded, somebody=somebody)
        self._note("frozen", frame, frozen, confidence, since_s if frozen else None)
        repeated = self._repeats.take(look)
        self._note("repeated", frame, repeated.yes, repeated.confidence, repeated.since_s)

    def _note_moved(self, frame: Frame, look: Look, compared: Compared | None) -> bool:
        if compared is None or compared.kept is None:
            return False
        view, keeper = self._view, self._keepers["moved"]
        far = compared.kept < view.moved_kept
        near = compared.shift is not None and compared.shift > view.moved_shift
        self._note("moved", frame, far or near, 0.8 if far else 0.9)
        if not keeper.is_open:
            self._moved_since_s = None
            return far or near
        if self._moved_since_s is None:
            self._moved_since_s, self._next_place = frame.t_s, Place()
        self._next_place.learn(look)
        if frame.t_s - self._moved_since_s > view.settle_s and self._next_place.established:
            # It stays there: from now on this is its place.
            self._place, self._next_place = self._next_place, Place()
            for _ in range(2):
                self._note("moved", frame, False, since_s=frame.t_s)
        return True

    def _note_blurred(self, frame: Frame, compared: Compared | None) -> bool:
        if compared is None:
            self._note("blurred", frame, None)
            return False
        blurred = compared.sharpness < self._view.blurred_sharpness
        self._note("blurred", frame, blurred, 0.9)
        return blurred

    def _note_people(self, frame: Frame, look: Look) -> None:
        if self._people is None:
            return
        changed = self._occupancy.changed(look)
        persons = self._people.take(frame, look, changed, doubt=self._occupancy.in_doubt(look, changed))
        self._occupancy.reach = persons.reach
        anybody = self._occupancy.take(look, changed, seen=persons.seen)
        self._somebody = persons.ever and anybody
        if persons.ever or self._occupancy.known:
            since_s = self._occupancy.filled_s if anybody else self._occupancy.emptied_s
            self._note("absent", frame, not anybody, 0.8, since_s)
        else:
            stirs = float(changed.mean()) > OCCUPANCY.vacant_stir
            self._note_vacant(frame, persons, anybody=anybody, stirs=stirs)
        if persons.count > 1:
            self._note("people", frame, True, 0.85)
        else:
            in_doubt = persons.doubtful > 0 and persons.ever
            self._note("people", frame, None if in_doubt else False, since_s=persons.fewer_s)

    def _note_vacant(self, frame: Frame, persons: Persons, *, anybody: bool, stirs: bool) -> None:
        """Nobody was ever seen: for some minutes that says nothing."""
        if persons.doubtful:
            self._perhaps_s = frame.t_s
        if anybody:
            self._stirred = 0
            if self._keepers["absent"].is_open:
                self._note("absent", frame, False, since_s=self._occupancy.filled_s)
            return
        self._stirred += stirs
        since_s, quiet = max(self._occupancy.emptied_s, self._perhaps_s), self._occupancy.quiet
        calm = self._stirred <= OCCUPANCY.vacant_stirs * quiet
        if frame.t_s - since_s >= OCCUPANCY.vacant_s and quiet >= OCCUPANCY.vacant_looks and calm:
            self._note("absent", frame, True, OCCUPANCY.vacant_confidence, since_s)


def _is_black(look: Look, limits: LightThresholds) -> bool:
    faint = look.bright < limits.black_bright and look.mean < limits.black_mean
    return faint and look.spread < limits.black_spread


def _is_dark(look: Look, limits: LightThresholds) -> bool:
    return look.mean < limits.dark_mean and look.bright < limits.dark_bright
