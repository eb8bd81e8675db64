"""A committed segment: what verdict, views and uploads read of its records.

Nothing is kept that the journal holds and nobody reads here: no link to the record before, no receipt, no
whole measurement.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from pairing.encoding import b64u
from pairing.messages import ClockSample
from pairing.receipt import Receipt


class Measured(NamedTuple):
    """What is read of a measurement.

    Where a segment added no pictures, `has_video` is False and the numbers of its picture track are 0.
    `first_us` and `end_us` are on the run's own media clock; `problems` are codes, as in `media`.
    """

    has_video: bool
    packets: int
    first_us: int
    end_us: int
    max_step_us: int
    audio_packets: int
    key_frame_decoded: bool
    problems: tuple[str, ...]

    @classmethod
    def of(cls, measurement: Mapping[str, Any]) -> Measured:
        """From the object that was journalled."""
        video, audio = measurement.get("video"), measurement.get("audio")
        key_frame = measurement.get("key_frame")
        pictures = (False, 0, 0, 0, 0)
        if video is not None and video["first_us"] is not None:
            pictures = True, video["packets"], video["first_us"], video["end_us"], video["max_step_us"]
        return cls(
            *pictures, audio["packets"] if audio else 0, bool(key_frame and key_frame["decoded"]),
            tuple(sys.intern(problem["code"]) for problem in measurement["problems"]),
        )


class Segment(NamedTuple):
    """A committed segment: entry `seq` of run `run`, as `Segments` has it when it is asked.

    What its head says has the head's names; `mono_ms` is split, hashes are bytes.  `stored_at_ms`,
    `stored_seq` (the event that holds the receipt) and `measurement` are None until it is stored, measured.
    """

    head: bytes
    generation: int
    run: int
    seq: int
    source: str
    container: str
    length: int
    content: bytes
    mono_begin_ms: int
    mono_end_ms: int
    wall_ms: int
    clock: ClockSample | None
    committed_at_ms: int
    carried: bool
    stored_at_ms: int | None
    stored_seq: int | None
    measurement: Measured | None
    read_behind: tuple[int, ...] | None
    """Where something in front of it was missing: the places in its run that it was read behind."""

    @property
    def name(self) -> str:
        """Its head's hash."""
        return b64u(self.head)

    @property
    def sha256(self) -> str:
        """Its media's hash."""
        return b64u(self.content)

    def receipt(self, sitting: str, stored_at_ms: int) -> Receipt:
        """What is signed when it becomes durable."""
        return Receipt(
            sitting, self.generation, self.run, self.seq, self.name, self.sha256, self.length, stored_at_ms
        )
