"""One phone's segments, packed: a live sitting has nine hundred an hour, and a server has many sittings.

As objects they took more than a kilobyte each; here it is about two hundred bytes.  What is asked after every
event (what waits, how far the phone has come) is kept up to date, so that it takes no longer late in an exam.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, overload

from evidence_server.segment import Measured, Segment
from pairing.digests import Digests
from pairing.encoding import from_b64u
from pairing.messages import CONTAINERS, SOURCES, ClockSample, Head

_SOURCES = tuple(sorted(SOURCES))
_CONTAINERS = tuple(sorted(CONTAINERS))

_HEAD = "HIBBBI32sqqqq"  # run, seq, source, container, flags, length, content, mono, wall, committed
_STORED = "qq"  # when, and by which event
_MEASURED = "BIIqqq"  # flags, packets of pictures and sound, first, end, longest step
_PACKED_HEAD, _PACKED_STORED = struct.Struct(f"<{_HEAD}"), struct.Struct(f"<{_STORED}")
_PACKED_MEASURED, _ROW = struct.Struct(f"<{_MEASURED}"), struct.Struct(f"<{_HEAD}{_STORED}{_MEASURED}")
_AT_STORED = _PACKED_HEAD.size
_AT_MEASURED = _AT_STORED + _PACKED_STORED.size
_RUN = struct.Struct("<H")
_SHOWN = struct.Struct("<45xqq32xB8xqq")  # of a row: monotonic times, flags of the measurement, media times
_CHUNK = 32
"""Rows in a piece of memory: pieces of one size are used again, one that grows leaves holes behind."""

_CARRIED, _SAMPLED = 1, 2  # flags of a head
_IS_MEASURED, _HAS_VIDEO, _KEY_FRAME, _ODD = 1, 2, 4, 8  # flags of a measurement


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


class Shown(NamedTuple):
    """When a segment begins and ends by its run's monotonic clock, and by its media clock."""

    mono_begin_ms: int
    mono_end_ms: int
    first_us: int
    end_us: int


class Run(Sequence[Segment]):
    """A run's segments, in order.  `source` and `container` are the same in all of them."""

    def __init__(self, of: Segments, source: str, container: str) -> None:
        self.source, self.container = source, container
        self._of = of
        self.rows = array("I")
        self.waiting: set[int] = set()
        self.read_behind: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, ordinal: int) -> Segment: ...
    @overload
    def __getitem__(self, ordinal: slice) -> list[Segment]: ...
    def __getitem__(self, ordinal: int | slice) -> Segment | list[Segment]:
        if isinstance(ordinal, slice):
            return [self._of.read(row) for row in self.rows[ordinal]]
        return self._of.read(self.rows[ordinal])

    def __iter__(self) -> Iterator[Segment]:
        return map(self._of.read, self.rows)

    def ordinal(self, row: int) -> int:
        """The place of one of its rows."""
        return bisect_left(self.rows, row)

    def shown(self) -> Iterator[Shown]:
        """When those that are measured and have pictures begin and end."""
        return (shown for row in self.rows if (shown := self._of.shown(row)))

    def unfinished(self) -> Iterator[tuple[int, Segment]]:
        """Those that are not stored or not measured, in order, each with its place in the run."""
        return ((self.ordinal(row), self._of.read(row)) for row in sorted(self.waiting))


class Segments:
    """All segments of generation `generation`, in the order in which they were committed.

    `known` are its chains' hashes: a segment's name is one of them.
    """

    def __init__(self, generation: int, known: Digests) -> None:
        self.runs: dict[int, Run] = {}
        self.camera = CameraProgress()
        self._generation = generation
        self._known = known
        self._heads = array("I")  # by row: the number of its name in `known`; ascending
        self._chunks: list[bytearray] = []
        self._sampled = array("I")  # the rows that have a clock sample; ascending
        self._samples = array("q")  # four numbers each
        self._problems: dict[int, tuple[str, ...]] = {}
        self._odd: dict[int, Measured] = {}  # measurements whose numbers do not fit into a row

    def __len__(self) -> int:
        return len(self._heads)

    def __iter__(self) -> Iterator[Segment]:
        return map(self.read, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segments) and list(self) == list(other)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._row(name) is not None

    def __getitem__(self, name: str) -> Segment:
        return self.read(self._row_of(name))

    def get(self, name: str) -> Segment | None:
        """The segment whose head is `name`."""
        row = self._row(name)
        return None if row is None else self.read(row)

    def unfinished(self) -> Iterator[Segment]:
        """Those that are not stored or not measured, in order."""
        return map(self.read, sorted(row for run in self.runs.values() for row in run.waiting))

    def samples(self) -> Iterator[tuple[int, ClockSample]]:
        """The clock samples that came with them, each with its run."""
        for at, row in enumerate(self._sampled):
            (run,) = _RUN.unpack_from(*self._place(row))
            yield run, ClockSample(*self._samples[4 * at : 4 * at + 4])

    # --- what changes them -------------------------------------------------------------------------------

    def add(self, head: Head, name: str, committed_at_ms: int, *, carried: bool = False) -> None:
        """Takes in the segment that `head`, whose record's hash is `name`, commits to."""
        link, row = head.link, len(self)
        flags = (_CARRIED if carried else 0) | (_SAMPLED if link.clock else 0)
        packed = _pack(
            _PACKED_HEAD, link.run, link.seq,
            _SOURCES.index(head.source), _CONTAINERS.index(head.container), flags,
            head.length, from_b64u(head.sha256), *head.mono_ms, head.wall_ms, committed_at_ms,
        )
        if row % _CHUNK == 0:
            self._chunks.append(bytearray(_CHUNK * _ROW.size))
        self._put(row, 0, packed)
        self._heads.append(self._known.add(name))
        if link.clock is not None:
            self._sampled.append(row)
            clock = link.clock
            self._samples.extend((clock.server_ms, clock.mono_ms, clock.wall_ms, clock.rtt_ms))
        run = self.runs.setdefault(link.run, Run(self, head.source, head.container))
        run.rows.append(row)
        run.waiting.add(row)
        if head.source == "camera":
            self.camera.committed.add(head.mono_ms[1] - head.mono_ms[0])
            self.camera.committed_at_ms = committed_at_ms

    def store(self, name: str, at_ms: int, event: int) -> tuple[int, int]:
        """Segment `name` is durable, as event `event` says; gives its run and its place there."""
        row = self._row_of(name)
        segment = self.read(row)
        run = self.runs[segment.run]
        self._put(row, _AT_STORED, _pack(_PACKED_STORED, at_ms, event))
        if segment.source == "camera":
            self.camera.stored_at_ms = at_ms
            if segment.stored_seq is None:
                self.camera.stored.add(segment.mono_end_ms - segment.mono_begin_ms)
        self._await(run, row)
        # What could not be read because this one was missing deserves another look.
        for later in [later for later in run.read_behind if later > row]:
            if self._problems.get(later):
                self._measure(run, later, None)
        return segment.run, run.ordinal(row)

    def measure(self, name: str, found: Measured, read_behind: tuple[int, ...] | None) -> None:
        """Segment `name` was measured, behind `read_behind` of its run if something was missing there."""
        row = self._row_of(name)
        run = self.runs[self.read(row).run]
        run.read_behind.pop(row, None)
        if read_behind is None:
            self._measure(run, row, found)
            return
        run.read_behind[row] = read_behind
        missing = sum(other < row and self.read(other).stored_seq is None for other in run.waiting)
        # What was missing may have come while it was being read.
        late = bool(found.problems) and run.ordinal(row) - missing > len(read_behind)
        self._measure(run, row, None if late else found)

    def _measure(self, run: Run, row: int, found: Measured | None) -> None:
        before = self.read(row)
        self._problems.pop(row, None)
        self._odd.pop(row, None)
        flags, packed = 0, bytes(_PACKED_MEASURED.size)
        if found is not None:
            has_video, packets, first_us, end_us, max_step_us, sounds, key_frame, problems = found
            flags = _IS_MEASURED | (_HAS_VIDEO if has_video else 0) | (_KEY_FRAME if key_frame else 0)
            if problems:
                self._problems[row] = problems
            try:
                packed = _PACKED_MEASURED.pack(flags, packets, sounds, first_us, end_us, max_step_us)
            except struct.error:
                self._odd[row] = found
                packed = _PACKED_MEASURED.pack(flags | _ODD, 0, 0, 0, 0, 0)
        self._put(row, _AT_MEASURED, packed)
        if before.source == "camera" and (before.measurement is None) != (found is None):
            sign = 1 if before.measurement is None else -1
            self.camera.verified.segments += sign
            self.camera.verified.length_ms += sign * (before.mono_end_ms - before.mono_begin_ms)
        self._await(run, row)

    def _await(self, run: Run, row: int) -> None:
        now = self.read(row)
        if now.stored_seq is None or now.measurement is None:
            run.waiting.add(row)
        else:
            run.waiting.discard(row)

    # --- rows --------------------------------------------------------------------------------------------

    def read(self, row: int) -> Segment:
        """The segment of a row."""
        (
            run, seq, source, container, flags, length, content, begin_ms, end_ms, wall_ms, committed_at_ms,
            stored_at_ms, stored_seq, measured, packets, sounds, first_us, end_us, max_step_us,
        ) = _ROW.unpack_from(*self._place(row))
        clock = found = None
        if flags & _SAMPLED:
            at = 4 * bisect_left(self._sampled, row)
            clock = ClockSample(*self._samples[at : at + 4])
        if measured & _ODD:
            found = self._odd[row]
        elif measured:
            found = Measured(
                bool(measured & _HAS_VIDEO), packets, first_us, end_us, max_step_us, sounds,
                bool(measured & _KEY_FRAME), self._problems.get(row, ()),
            )
        stored = stored_seq != 0  # the first event of a journal is another
        return Segment(
            self._known.raw(self._heads[row]), self._generation, run, seq, _SOURCES[source],
            _CONTAINERS[container], length, content, begin_ms, end_ms, wall_ms, clock, committed_at_ms,
            bool(flags & _CARRIED), stored_at_ms if stored else None, stored_seq if stored else None, found,
            self.runs[run].read_behind.get(row),
        )

    def shown(self, row: int) -> Shown | None:
        """When a row's segment begins and ends; None unless it is measured and has pictures."""
        begin_ms, end_ms, measured, first_us, end_us = _SHOWN.unpack_from(*self._place(row))
        if not measured & _HAS_VIDEO:
            return None
        if measured & _ODD:
            first_us, end_us = self._odd[row].first_us, self._odd[row].end_us
        return Shown(begin_ms, end_ms, first_us, end_us)

    def _place(self, row: int) -> tuple[bytearray, int]:
        return self._chunks[row // _CHUNK], row % _CHUNK * _ROW.size

    def _put(self, row: int, part: int, packed: bytes) -> None:
        chunk, at = self._place(row)
        chunk[at + part : at + part + len(packed)] = packed

    def _row(self, name: str) -> int | None:
        number = self._known.number(name)
        if number is None:
            return None
        row = bisect_left(self._heads, number)
        return row if row < len(self._heads) and self._heads[row] == number else None

    def _row_of(self, name: str) -> int:
        row = self._row(name)
        if row is None:
            raise KeyError(name)
        return row


def _pack(into: struct.Struct, *values: object) -> bytes:
    """Raises ValueError where something is no number that a journal of ours has."""
    try:
        return into.pack(*values)
    except struct.error as error:
        raise ValueError(str(error)) from error
