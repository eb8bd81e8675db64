"""Placing: where each run of a sitting lies on the server's clock.

Pure.  A run is placed by its own clock samples, a run without any by its phone's wall clock and what the
phone's other samples say of that.  What one sample is worth is in `pairing.clock`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from evidence_server.sitting import Generation, Sitting
from pairing.chain import Entry
from pairing.clock import UNSAMPLED_MS, Placement, place_by_samples, place_by_wall
from pairing.messages import ClockSample, Head

STEP_MS = 2_000
"""Two samples of one clock that disagree by more, round trips aside, stand for a clock that stood still."""


def place_runs(state: Sitting) -> dict[tuple[int, int], Placement]:
    """Where each run of each generation lies on the server's clock.

    No placement counts as vaguer than one by wall clock: a phone that claims slow round trips gains nothing.
    """
    return {
        (generation.number, run): placement
        for generation in state.generations
        for run, placement in place_phone(marks(generation)).items()
    }


class Mark(NamedTuple):
    """When an entry of a run was made, by both of its phone's clocks, and the server's if it was read."""

    run: int
    mono_ms: int
    wall_ms: int
    clock: ClockSample | None

    @classmethod
    def of(cls, entry: Entry) -> Mark:
        """An entry's."""
        mono_ms = entry.mono_ms[0] if isinstance(entry, Head) else entry.mono_ms
        return cls(entry.link.run, mono_ms, entry.wall_ms, entry.link.clock)


def marks(generation: Generation, fresh: Sequence[Entry] = ()) -> Iterable[Mark]:
    """All of one phone's that place its runs, those of `fresh` entries among them, heads before notes."""
    for run, segments in generation.runs.items():
        yield Mark(run, segments[0].mono_begin_ms, segments[0].wall_ms, None)
    for run, clock in generation.segments.samples():
        yield Mark(run, clock.mono_ms, clock.wall_ms, clock)
    yield from (Mark.of(entry) for entry in fresh if isinstance(entry, Head))
    yield from (Mark.of(placed.note) for placed in generation.notes)
    yield from (Mark.of(entry) for entry in fresh if not isinstance(entry, Head))


def place_phone(entries: Iterable[Mark]) -> dict[int, Placement]:
    """The same for one phone's runs; of each run, heads come before notes."""
    samples: dict[int, list[ClockSample]] = {}
    first: dict[int, tuple[int, int]] = {}
    for entry in entries:
        first.setdefault(entry.run, (entry.mono_ms, entry.wall_ms))
        if entry.clock is not None:
            samples.setdefault(entry.run, []).append(entry.clock)
    # another phone's samples say nothing about this one's wall clock
    of_phone = sorted((one for some in samples.values() for one in some), key=lambda one: one.wall_ms)
    placements = {}
    for run, (mono, wall) in first.items():
        own = _place_by_steps(samples.get(run, ()))
        own = own or place_by_wall(mono, wall, _nearest(of_phone, wall))
        placements[run] = replace(own, uncertainty_ms=min(own.uncertainty_ms, UNSAMPLED_MS))
    return placements


@dataclass(frozen=True)
class SteppedPlacement(Placement):
    """A run whose clock did not run evenly: a phone's monotonic clock stands still while it sleeps.

    `steps` are (monotonic time, offset from then on); in front of the first it is `offset_ms`.
    """

    steps: tuple[tuple[int, int], ...]

    def server_ms(self, mono_ms: int) -> int:
        """`mono_ms` on the server's clock."""
        behind = bisect_right(self.steps, mono_ms, key=lambda step: step[0])
        return mono_ms + (self.steps[behind - 1][1] if behind else self.offset_ms)


def _place_by_steps(samples: Iterable[ClockSample]) -> Placement | None:
    """The placement of a run by its own samples; a new step where they contradict the ones before."""
    groups: list[list[ClockSample]] = []
    for sample in sorted(samples, key=lambda item: item.mono_ms):
        if groups and not _contradict(groups[-1][0], sample):
            groups[-1].append(sample)
        else:
            groups.append([sample])
    steps = [(group[0].mono_ms, placed) for group in groups if (placed := place_by_samples(group))]
    if not steps:
        return None
    uncertainty = max(placed.uncertainty_ms for _, placed in steps)
    later = tuple((since, placed.offset_ms) for since, placed in steps[1:])
    return SteppedPlacement(steps[0][1].offset_ms, uncertainty, later)


def _contradict(one: ClockSample, other: ClockSample) -> bool:
    """Whether two samples of one clock cannot both be right."""
    apart = abs((other.server_ms - other.mono_ms) - (one.server_ms - one.mono_ms))
    return apart > STEP_MS + (one.rtt_ms + other.rtt_ms) // 2


def _nearest(samples: Sequence[ClockSample], wall_ms: int) -> Sequence[ClockSample]:
    """Of samples in the order of wall time, the two around `wall_ms`."""
    at = bisect_left(samples, wall_ms, key=lambda sample: sample.wall_ms)
    return samples[max(0, at - 1) : at + 1]
