"""Unseen: what of a sitting is to be looked at next, and in which order (pure).

The order is that in which somebody waits: the room scan, whose candidate may still repeat it; the placement;
and then each run from its beginning on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from evidence_server.scan import Marked, Stretch, marked, stretch
from evidence_server.seen import Look
from evidence_server.segment import Segment
from evidence_server.sitting import Generation, Sitting
from pairing.policy import OFF

CHECKS = ("scan", "placement", "continuity", "anchor")


@dataclass(frozen=True)
class MarkedTask:
    """A scan or placement: `ordinal` of its run is to be read next, None: nothing but the answer is left."""

    generation: Generation
    of: Marked
    stretch: Stretch
    ordinal: int | None


@dataclass(frozen=True)
class LookTask:
    """Segment `ordinal` of a run, to be looked at behind the stored ones among those before it; `told`: they
    have been, all of them, and only that is left to be journalled."""

    generation: Generation
    run: int
    ordinal: int
    skipped: tuple[int, ...]
    told: bool


@dataclass
class Progress:
    """How far a scan, a placement or a run has been read since it was last journalled, in this process."""

    read: int = 0
    skipped: tuple[int, ...] = ()
    told: dict[str, Any] | None = None
    upto: int = 0
    lost: int = 0

    def valid_for(self, look: Look) -> Progress:
        """Itself, or a new one where something that was missing came: all of it is looked at again then."""
        return Progress() if self.upto > look.upto else self


SoFar = Callable[[Generation, str], Progress]
"""How far a phone's scan or placement (the hash of its note) or run (its number) has been read."""


def unseen(state: Sitting, so_far: SoFar, *, over: bool) -> Iterator[MarkedTask | LookTask]:
    """What can be looked at now; `over`: what is not stored is not waited for."""
    checks = {check for check in CHECKS if state.policy.checks[check] != OFF}
    for generation in state.generations:
        listed = over or generation.manifest_current
        for of in marked(generation, over=listed):
            done = generation.seen.scans if of.kind == "scan" else generation.seen.placements
            if of.kind in checks and of.note not in done:
                yield from _marked_task(generation, of, so_far(generation, of.note), over=over)
    if checks & {"continuity", "anchor"}:
        for generation in state.generations:
            for run, segments in generation.runs.items():
                if segments.source == "camera":
                    yield from _look_task(state, generation, run, so_far(generation, str(run)), over=over)


def _marked_task(
    generation: Generation, of: Marked, at: Progress, *, over: bool
) -> Iterator[MarkedTask]:
    can_be_read = stretch(generation, of, over=over)
    ordinal = next(iter(can_be_read.ordinals[at.read :]), None)
    if ordinal is not None:
        yield MarkedTask(generation, of, can_be_read, ordinal)
    elif can_be_read.complete and (over or all(_stored(orientations(generation, of)))):
        yield MarkedTask(generation, of, can_be_read, None)


def _look_task(
    state: Sitting, generation: Generation, run: int, at: Progress, *, over: bool
) -> Iterator[LookTask]:
    segments = generation.runs[run]
    look = generation.seen.looks.get(run) or Look()
    at = at.valid_for(look)
    ordinal = max(at.read, look.upto)
    missing = tuple(sorted({*look.skipped, *at.skipped}))
    while ordinal < len(segments) and segments[ordinal].stored_at_ms is None and over:
        missing = (*missing, ordinal)
        ordinal += 1
    if ordinal < len(segments) and segments[ordinal].measurement is not None:
        yield LookTask(generation, run, ordinal, missing, told=False)
    elif look.upto < ordinal and (over or state.ended_at_ms is not None or _no_more(generation, run)):
        yield LookTask(generation, run, ordinal, missing, told=True)


def is_over(state: Sitting, now_ms: int) -> bool:
    """Whether what is not stored by now is not waited for any longer."""
    deadline = state.deadline_ms
    return bool(state.verdicts) or (deadline is not None and now_ms >= deadline)


def _no_more(generation: Generation, run: int) -> bool:
    """Whether no more segments of this run will come: the phone has listed all, or records another one."""
    return generation.manifest_current or any(
        number > run and segments.source == "camera" for number, segments in generation.runs.items()
    )


def orientations(generation: Generation, of: Marked) -> list[Segment]:
    """The segments that hold the phone's orientation during a scan."""
    if of.kind != "scan" or of.end_ms is None:
        return []
    return [
        run[ordinal] for run in generation.runs.values() if run.source == "orientation"
        for ordinal, (begin_ms, end_ms) in enumerate(run.times())
        if begin_ms < of.end_ms and end_ms > of.begin_ms
    ]


def _stored(segments: list[Segment]) -> Iterator[bool]:
    return (segment.stored_at_ms is not None for segment in segments)
