"""Rows: a phone's segments as bytes, a hundred and thirty each and what few of them have beside.

As objects they took more than a kilobyte each, and a live sitting has nine hundred an hour.  Nothing in here
refers back to whoever holds it: a state that is let go of is gone at once, without the collector.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from evidence_server.segment import Measured, Segment
from pairing.digests import Digests
from pairing.encoding import from_b64u
from pairing.messages import CONTAINERS, SOURCES, ClockSample, Head

_SOURCES = tuple(sorted(SOURCES))
_CONTAINERS = tuple(sorted(CONTAINERS))

_HEAD = "HIBBBI32sqqqq"  # run, seq, source, container, flags, length, content, mono, wall, committed
_STORED = "qq"  # when, and by which event: they are numbered from 1
_MEASURED = "BIIqqq"  # flags, packets of pictures and sound, first, end, longest step
_PACKED_HEAD, _PACKED_STORED = struct.Struct(f"<{_HEAD}"), struct.Struct(f"<{_STORED}")
_PACKED_MEASURED, _ROW = struct.Struct(f"<{_MEASURED}"), struct.Struct(f"<{_HEAD}{_STORED}{_MEASURED}")
_AT_STORED = _PACKED_HEAD.size
_AT_MEASURED = _AT_STORED + _PACKED_STORED.size
# Parts of a row: its run; monotonic times; these, the flags of the measurement, and media times.
_RUN, _TIMES, _SHOWN = struct.Struct("<H"), struct.Struct("<45xqq"), struct.Struct("<45xqq32xB8xqq")
_CHUNK = 32
"""Rows in a piece of memory: pieces of one size are used again, one that grows leaves holes behind."""

_CARRIED, _SAMPLED = 1, 2  # flags of a head
_IS_MEASURED, _HAS_VIDEO, _KEY_FRAME, _ODD = 1, 2, 4, 8  # flags of a measurement


class Shown(NamedTuple):
    """When a segment begins and ends by its run's monotonic clock, and by its media clock."""

    mono_begin_ms: int
    mono_end_ms: int
    first_us: int
    end_us: int


class Rows:
    """A generation's rows, numbered from 0.  `known` are its chains' hashes, which name them."""

    def __init__(self, generation: int, known: Digests) -> None:
        self._generation = generation
        self._known = known
        self._heads = array("I")  # by row: the number of its name in `known`; ascending
        self._chunks: list[bytearray] = []
        self._sampled = array("I")  # the rows that have a clock sample; ascending
        self._samples = array("q")  # four numbers each
        self._problems: dict[int, tuple[str, ...]] = {}
        self._odd: dict[int, Measured] = {}  # measurements whose numbers do not fit into a row
        self.read_behind: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._heads)

    def find(self, name: object) -> int | None:
        """The row of the segment whose head is `name`."""
        number = self._known.number(name)
        if number is None:
            return None
        row = bisect_left(self._heads, number)
        return row if row < len(self._heads) and self._heads[row] == number else None

    def add(self, head: Head, name: str, committed_at_ms: int, *, carried: bool) -> int:
        """One more row.  Raises ValueError for numbers that no journal of ours has."""
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
        return row

    def store(self, row: int, at_ms: int, event: int) -> None:
        """Stored, as event `event` says.  Raises ValueError as `add` does."""
        self._put(row, _AT_STORED, _pack(_PACKED_STORED, at_ms, event))

    def measure(self, row: int, found: Measured | None) -> None:
        """What was measured last; None: nothing that counts."""
        self._problems.pop(row, None)
        self._odd.pop(row, None)
        packed = bytes(_PACKED_MEASURED.size)
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
        stored = stored_seq != 0
        return Segment(
            self._known.raw(self._heads[row]), self._generation, run, seq, _SOURCES[source],
            _CONTAINERS[container], length, content, begin_ms, end_ms, wall_ms, clock, committed_at_ms,
            bool(flags & _CARRIED), stored_at_ms if stored else None, stored_seq if stored else None, found,
            self.read_behind.get(row),
        )

    def times(self, row: int) -> tuple[int, int]:
        """When a row's segment begins and ends by its run's monotonic clock."""
        begin_ms, end_ms = _TIMES.unpack_from(*self._place(row))
        return begin_ms, end_ms

    def shown(self, row: int) -> Shown | None:
        """The same by both clocks; None unless it is measured and has pictures."""
        begin_ms, end_ms, measured, first_us, end_us = _SHOWN.unpack_from(*self._place(row))
        if not measured & _HAS_VIDEO:
            return None
        if measured & _ODD:
            first_us, end_us = self._odd[row].first_us, self._odd[row].end_us
        return Shown(begin_ms, end_ms, first_us, end_us)

    def problems(self, row: int) -> tuple[str, ...]:
        """What is wrong with what was measured."""
        return self._problems.get(row, ())

    def samples(self) -> Iterator[tuple[int, ClockSample]]:
        """The clock samples that came with segments, in order, each with its run."""
        for at, row in enumerate(self._sampled):
            (run,) = _RUN.unpack_from(*self._place(row))
            yield run, ClockSample(*self._samples[4 * at : 4 * at + 4])

    def _place(self, row: int) -> tuple[bytearray, int]:
        return self._chunks[row // _CHUNK], row % _CHUNK * _ROW.size

    def _put(self, row: int, part: int, packed: bytes) -> None:
        chunk, at = self._place(row)
        chunk[at + part : at + part + len(packed)] = packed


def _pack(into: struct.Struct, *values: object) -> bytes:
    try:
        return into.pack(*values)
    except struct.error as error:
        raise ValueError(str(error)) from error
