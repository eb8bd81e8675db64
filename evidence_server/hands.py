"""Hands: when a phone is in its candidate's hands, as it should be, and how much of an exam that excuses.

Pure.  A phone that is carried around sees walls, laps and whoever stands beside: what is wrong with its
pictures then is not held against the candidate.  But when that is, the phone itself says, by its notes; so it
excuses a bounded part of the exam only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evidence_server.coverage import Span
from evidence_server.scan import Marked, marked
from evidence_server.sitting import Generation
from pairing.clock import Placement

HANDLING_MS = 600_000
"""So much of the required interval may each bound phone be in hands, all its scans and placings together.
A turn takes half a minute, the longest scan that is measured 5 minutes, putting the phone up one or two more;
somebody who repeats all of it twice is done in ten.  Before the exam it takes as long as it takes."""


@dataclass(frozen=True)
class Handling:
    """A stretch of a run, on its monotonic clock, in which the phone was in hands; `at`: the same on the
    server's."""

    run: int
    begin_ms: int
    end_ms: int
    at: Span


@dataclass(frozen=True)
class InHands:
    """What is excused, in order of time, and where the phone was in hands for longer than that."""

    excused: tuple[Handling, ...]
    beyond: tuple[Span, ...]


def in_hands(
    generation: Generation, placements: Mapping[tuple[int, int], Placement], required: Span
) -> InHands:
    """When one phone was in hands, and up to which moment of `required` that counts."""
    handlings = [
        Handling(run, begin_ms, end_ms, Span(clock.server_ms(begin_ms), clock.server_ms(end_ms)))
        for run, begin_ms, end_ms in _joined(handling(generation))
        for clock in [placements[generation.number, run]]
    ]
    left_ms, excused, beyond = HANDLING_MS, [], []
    for one in sorted(handlings, key=lambda item: item.at.start_ms):
        inside = one.at.clip(required)
        over_ms = 0 if inside is None else inside.end_ms - inside.start_ms - left_ms
        if inside is None or over_ms <= 0:
            excused.append(one)
            left_ms = min(left_ms, -over_ms) if inside is not None else left_ms
            continue
        since_ms, left_ms = inside.end_ms - over_ms, 0
        beyond.append(Span(since_ms, inside.end_ms))
        cut_ms = one.at.end_ms - since_ms
        if one.end_ms - cut_ms > one.begin_ms:
            end = Span(one.at.start_ms, since_ms)
            excused.append(Handling(one.run, one.begin_ms, one.end_ms - cut_ms, end))
    return InHands(tuple(excused), tuple(beyond))


def handling(generation: Generation) -> Iterator[tuple[int, int, int]]:
    """(run, from, to) on its monotonic clock: where the phone is in the candidate's hands, as it should be.

    That is before it is placed for the first time, during a scan, and from a scan to the next `placed`.
    A phone that is never placed is in hands only while it scans.
    """
    recorded = {
        run: (segments[0].mono_begin_ms, segments[-1].mono_end_ms)
        for run, segments in generation.runs.items() if segments.source == "camera"
    }
    notes = (one.note for one in generation.notes)
    first_placed = min(
        ((note.link.run, note.mono_ms) for note in notes if note.note == "placed"), default=None
    )
    if first_placed is not None:
        for run, (begin_ms, end_ms) in recorded.items():
            if run <= first_placed[0]:
                yield run, begin_ms, end_ms if run < first_placed[0] else first_placed[1]
    marks = list(marked(generation, over=True))
    for at, one in enumerate(marks):
        if one.kind != "scan" or one.run not in recorded:
            continue
        following: Marked | None = next((two for two in marks[at + 1 :] if two.kind == "placement"), None)
        end_ms = one.begin_ms if one.end_ms is None else one.end_ms
        if following is not None and following.run == one.run:
            end_ms = max(end_ms, following.begin_ms)
        yield one.run, one.begin_ms, end_ms


def _joined(stretches: Iterator[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Those that overlap or touch, as one: no moment of a run is counted twice."""
    open_one: tuple[int, int, int] | None = None
    for run, begin_ms, end_ms in sorted(one for one in stretches if one[1] <= one[2]):
        if open_one is not None and open_one[0] == run and begin_ms <= open_one[2]:
            open_one = run, open_one[1], max(open_one[2], end_ms)
            continue
        if open_one is not None:
            yield open_one
        open_one = run, begin_ms, end_ms
    if open_one is not None:
        yield open_one
