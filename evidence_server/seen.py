"""What the pictures and the sound of a sitting showed, as its journal has it (pure; requirements E5-E7).

Three kinds of events bring it: `scanned` (a room scan was measured), `placement` (where the phone was put),
`looked` (how far a run was looked through, and what was seen).  All numbers are integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pairing.encoding import sha256_b64u

FOREIGN = -1
"""In the place of a slot: a marker was read that this sitting's page never showed."""

UNCHECKED = "unchecked"
"""The kind of a stretch in which no key frame could be looked at: nothing was seen, right or wrong."""


def picture_name(jpeg: bytes) -> str:
    """The name under which a picture made here is stored, and shown: it tells its bytes."""
    return f"picture-{sha256_b64u(jpeg)}"


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """A stretch of a run, on its media clock, in which something was wrong; `picture` names its thumbnail,
    or is empty."""

    kind: str
    start_us: int
    end_us: int
    confidence_percent: int
    picture: str

    @classmethod
    def read(cls, row: Sequence[Any]) -> SeenSpan:
        """From an event."""
        kind, start_us, end_us, confidence_percent, picture = row
        return cls(str(kind), int(start_us), int(end_us), int(confidence_percent), str(picture))

    def row(self) -> list[object]:
        """For an event."""
        return [self.kind, self.start_us, self.end_us, self.confidence_percent, self.picture]


@dataclass(frozen=True, slots=True)
class Search:
    """A picture, at `at_us` of a run, that was searched for the laptop's marker: the 30 s slots of those that
    were read in it, FOREIGN for one that this sitting's page never showed."""

    at_us: int
    slots: tuple[int, ...]


@dataclass(slots=True)
class Look:
    """How far a run was looked through: its first `upto` segments, but for those in `skipped`, which were
    not stored then, and in `unread`, at which the eye failed."""

    upto: int = 0
    skipped: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()
    closed: list[SeenSpan] = field(default_factory=list)
    open: list[SeenSpan] = field(default_factory=list)
    searches: list[Search] = field(default_factory=list)

    @property
    def spans(self) -> list[SeenSpan]:
        """All of them; those that were not over come last."""
        return [*self.closed, *self.open]

    def take(self, body: dict[str, Any]) -> None:
        """Folds a `looked` event on."""
        self.upto, self.skipped = int(body["upto"]), tuple(body["skipped"])
        # Journals of rules before 3 do not say it.
        self.unread = tuple(sorted({*self.unread, *map(int, body.get("unread", ()))}))
        closed = [SeenSpan.read(row) for row in body["closed"]]
        if closed:
            # What was joined with a later one is told again, longer.
            self.closed = list({(one.kind, one.start_us): one for one in (*self.closed, *closed)}.values())
        self.open = [SeenSpan.read(row) for row in body["open"]]
        self.searches += [Search(int(at_us), tuple(map(int, slots))) for at_us, *slots in body["markers"]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was measured of a room scan or a placement, of the note that began it.

    `skipped`: segments of the run, by their place in it, that were not stored then.
    """

    run: int
    skipped: tuple[int, ...]
    result: dict[str, Any]
    picture: str

    @classmethod
    def read(cls, body: dict[str, Any]) -> Answer:
        """From an event."""
        return cls(int(body["run"]), tuple(body["skipped"]), dict(body["result"]), str(body["picture"]))


@dataclass(slots=True)
class Seen:
    """What one phone's recording showed: looks by run, scans and placements by the hash of their note."""

    looks: dict[int, Look] = field(default_factory=dict)
    scans: dict[str, Answer] = field(default_factory=dict)
    placements: dict[str, Answer] = field(default_factory=dict)

    def forget(self, run: int, ordinal: int) -> None:
        """A segment came that was missing when its run was looked at: that deserves another look."""
        look = self.looks.get(run)
        if look is not None and ordinal in look.skipped:
            del self.looks[run]
        for measured in (self.scans, self.placements):
            for name in [name for name, one in measured.items() if one.run == run and ordinal in one.skipped]:
                del measured[name]

    def pictures(self) -> Iterable[str]:
        """The names of all its pictures."""
        for look in self.looks.values():
            yield from (span.picture for span in look.spans if span.picture)
        for measured in (*self.scans.values(), *self.placements.values()):
            if measured.picture:
                yield measured.picture
