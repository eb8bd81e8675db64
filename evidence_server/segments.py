"""One phone's segments, and how far they have come.

What is asked after every event (what waits, how much is stored) is kept up to date, so that it takes no
longer late in an exam.  Segments themselves are made when they are read (`rows`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from evidence_server.rows import Rows, Shown
from evidence_server.segment import Measured, Segment
from pairing.digests import Digests
from pairing.messages import ClockSample, Head


@dataclass(slots=True)
class Tally:
    """How many segments, and how long they are by their run's clock."""

    segments: int = 0
    length_ms: int = 0

    def add(self, length_ms: int) -> None:
        """One more."""
        self.segments += 1
        self.length_ms += length_ms


@dataclass(slots=True)
class CameraProgress:
    """How far the camera's segments have come, and when the newest one was committed, stored."""

    committed: Tally = field(default_factory=Tally)
    stored: Tally = field(default_factory=Tally)
    verified: Tally = field(default_factory=Tally)
    committed_at_ms: int = 0
    stored_at_ms: int = 0


class Run(Sequence[Segment]):
    """A run's segments, in order.  `source` and `container` are the same in all of them."""

    def __init__(self, rows: Rows, source: str, container: str) -> None:
        self.source, self.container = source, container
        self.waiting: set[int] = set()
        self._all = rows
        self._rows = array("I")

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, ordinal: int) -> Segment: ...
    @overload
    def __getitem__(self, ordinal: slice) -> list[Segment]: ...
    def __getitem__(self, ordinal: int | slice) -> Segment | list[Segment]:
        if isinstance(ordinal, slice):
            return [self._all.read(row) for row in self._rows[ordinal]]
        return self._all.read(self._rows[ordinal])

    def __iter__(self) -> Iterator[Segment]:
        return map(self._all.read, self._rows)

    def append(self, row: int) -> None:
        """One more: neither stored nor measured."""
        self._rows.append(row)
        self.waiting.add(row)

    def ordinal(self, row: int) -> int:
        """The place of one of its rows."""
        return bisect_left(self._rows, row)

    def times(self) -> Iterator[tuple[int, int]]:
        """When each begins and ends by the run's monotonic clock."""
        return map(self._all.times, self._rows)

    def shown(self) -> Iterator[Shown]:
        """When those that are measured and have pictures begin and end."""
        return (shown for row in self._rows if (shown := self._all.shown(row)))

    def unfinished(self) -> Iterator[tuple[int, Segment]]:
        """Those that are not stored or not measured, in order, each with its place in the run."""
        return ((self.ordinal(row), self._all.read(row)) for row in sorted(self.waiting))


class Segments:
    """All segments of generation `generation`, in the order in which they were committed.

    `known` are its chains' hashes: a segment's name is one of them.
    """

    def __init__(self, generation: int, known: Digests) -> None:
        self.runs: dict[int, Run] = {}
        self.camera = CameraProgress()
        self._rows = Rows(generation, known)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Segment]:
        return map(self._rows.read, range(len(self._rows)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segments) and list(self) == list(other)

    def __contains__(self, name: object) -> bool:
        return self._rows.find(name) is not None

    def __getitem__(self, name: str) -> Segment:
        return self._rows.read(self._row(name))

    def get(self, name: str) -> Segment | None:
        """The segment whose head is `name`."""
        row = self._rows.find(name)
        return None if row is None else self._rows.read(row)

    def unfinished(self) -> Iterator[Segment]:
        """Those that are not stored or not measured, in order."""
        return map(self._rows.read, sorted(row for run in self.runs.values() for row in run.waiting))

    def samples(self) -> Iterator[tuple[int, ClockSample]]:
        """The clock samples that came with them, in order, each with its run."""
        return self._rows.samples()

    def add(self, head: Head, name: str, committed_at_ms: int, *, carried: bool = False) -> None:
        """Takes in the segment that `head`, whose record's hash is `name`, commits to."""
        row = self._rows.add(head, name, committed_at_ms, carried=carried)
        if head.link.run not in self.runs:
            self.runs[head.link.run] = Run(self._rows, head.source, head.container)
        self.runs[head.link.run].append(row)
        if head.source == "camera":
            self.camera.committed.add(head.mono_ms[1] - head.mono_ms[0])
            self.camera.committed_at_ms = committed_at_ms

    def store(self, name: str, at_ms: int, event: int) -> tuple[int, int]:
        """Segment `name` is durable, as event `event` says; gives its run and its place there."""
        row = self._row(name)
        segment = self._rows.read(row)
        run = self.runs[segment.run]
        self._rows.store(row, at_ms, event)
        if segment.source == "camera":
            self.camera.stored_at_ms = at_ms
            if segment.stored_seq is None:
                self.camera.stored.add(segment.mono_end_ms - segment.mono_begin_ms)
        self._wait(run, row)
        # What could not be read because this one was missing deserves another look.
        for later in self._rows.read_behind:
            wrong = later > row and self._rows.problems(later)
            if wrong and self._rows.read(later).run == segment.run:
                self._measure(run, later, None)
        return segment.run, run.ordinal(row)

    def measure(self, name: str, found: Measured, read_behind: tuple[int, ...] | None) -> None:
        """Segment `name` was measured, behind `read_behind` of its run if something was missing there."""
        row = self._row(name)
        run = self.runs[self._rows.read(row).run]
        if read_behind is None:
            self._rows.read_behind.pop(row, None)
            self._measure(run, row, found)
            return
        self._rows.read_behind[row] = read_behind
        late = bool(found.problems) and self._stored_before(run, row) > len(read_behind)
        # What was missing may have come while it was being read.
        self._measure(run, row, None if late else found)

    def _stored_before(self, run: Run, row: int) -> int:
        waiting = [other for other in run.waiting if other < row]
        return run.ordinal(row) - sum(self._rows.read(other).stored_seq is None for other in waiting)

    def _measure(self, run: Run, row: int, found: Measured | None) -> None:
        before = self._rows.read(row)
        self._rows.measure(row, found)
        if before.source == "camera" and (before.measurement is None) != (found is None):
            sign = 1 if before.measurement is None else -1
            self.camera.verified.segments += sign
            self.camera.verified.length_ms += sign * (before.mono_end_ms - before.mono_begin_ms)
        self._wait(run, row)

    def _wait(self, run: Run, row: int) -> None:
        """It waits for as long as it is not stored or not measured."""
        now = self._rows.read(row)
        if now.stored_seq is None or now.measurement is None:
            run.waiting.add(row)
        else:
            run.waiting.discard(row)

    def _row(self, name: str) -> int:
        row = self._rows.find(name)
        if row is None:
            raise KeyError(name)
        return row
