"""Coverage: which stretches of the exam the stored, measured media shows, and what interrupts it.

Pure.  Segments are placed on the server's clock by their run's clock samples and their own monotonic
times, and measured by their packets: neither a container that claims to be continuous while the
phone's clock jumped, nor a clock that ran while the frames stood still, hides a gap (requirement E7).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from evidence_server.placing import place_runs
from evidence_server.segment import Measured, Segment
from evidence_server.sitting import Generation, PlacedNote, Sitting
from pairing.clock import UNSAMPLED_MS, Placement
from pairing.jws import MAX_INTEGER

JOIN_MS = 1_000
"""Jitter between a segment's monotonic times and its packets that is no gap: a recorder reports its slices
up to a second late."""
LISTED_GAP_MS = 500
"""Shortest interruption that is listed: seven frames at 15 a second."""
STEP_GAP_US = 1_000_000
"""Longest step between two frames inside a segment that still counts as recording."""
CAUSE_REACH_MS = 15_000
"""How far from a gap's edges the phone's own notes may lie to explain it: its watchdog needs some seconds."""
UNREADABLE = frozenset(
    {
        "not_media", "container_mismatch", "no_header", "undecodable", "key_frame_undecodable", "pixel_limit",
        "time_limit", "memory_limit", "size_limit", "no_packets", "no_video",
    }
)
"""Problems of a measurement that leave nothing to be seen; the others are listed for review."""
UNSEEN_US = 4_000_000
"""Longest segment that may lack a key frame: recorders are told to make one every two seconds."""
FORGIVEN_MS = 2 * UNSAMPLED_MS
"""Most that uncertainty takes off all gaps of a sitting together: one interruption, vague on both sides."""
DRIFT_MS = 2_000
"""Deviation of the media clock from the monotonic clock within one run that is reported."""


class Span(NamedTuple):
    """A stretch of the server's time, [start_ms, end_ms)."""

    start_ms: int
    end_ms: int

    def clip(self, to: Span) -> Span | None:
        """The part inside `to`."""
        start, end = max(self.start_ms, to.start_ms), min(self.end_ms, to.end_ms)
        return Span(start, end) if start < end else None


class PlacedSegment(NamedTuple):
    """A camera segment on the server's clock, give or take `uncertainty_ms`; `readable`: shows pictures."""

    segment: Segment
    span: Span
    uncertainty_ms: int
    readable: bool


@dataclass(frozen=True)
class Gap:
    """A stretch of the required interval that was never recorded (or cannot be read)."""

    span: Span
    length_ms: int
    uncertainty_ms: int
    cause: str


@dataclass(frozen=True)
class Coverage:
    """What a required interval consists of: shown, missing (committed but not delivered), and gaps."""

    placed: tuple[PlacedSegment, ...]
    shown_ms: int
    missing: tuple[PlacedSegment, ...]
    gaps: tuple[Gap, ...]
    unreadable: tuple[PlacedSegment, ...]
    drift_ms: int


def cover(state: Sitting, required: Span) -> Coverage:
    """How the camera's media covers `required`."""
    placements = place_runs(state)
    placed: list[PlacedSegment] = []
    drift = 0
    for generation in state.generations:
        for run, segments in generation.runs.items():
            if segments.source != "camera":
                continue
            some, worst = _place_run(segments, placements[generation.number, run])
            placed += map(_within_numbers, some)
            drift = min(max(drift, worst), MAX_INTEGER)
    shown = [item for item in placed if item.readable]
    missing = [item for item in placed if item.segment.stored_at_ms is None and item.span.clip(required)]
    unreadable = [
        item for item in placed
        if item.segment.stored_at_ms is not None and is_unreadable(item.segment) and item.span.clip(required)
    ]
    causes = _causes(state, placements)
    covered = union([*(item.span for item in shown), *(item.span for item in missing)], required)
    edges = _Edges(placed)
    gaps, forgiven_ms = [], 0
    for hole in _holes(covered, required):
        length_ms = hole.end_ms - hole.start_ms
        if length_ms >= LISTED_GAP_MS:
            # Many short runs of a vague placement must not add up to an exam that nobody recorded.
            uncertainty_ms = min(edges.uncertainty_ms(hole), FORGIVEN_MS - forgiven_ms, length_ms)
            forgiven_ms += uncertainty_ms
            gaps.append(_weigh(hole, uncertainty_ms, causes, required))
    shown_ms = sum(span.end_ms - span.start_ms for span in union([item.span for item in shown], required))
    return Coverage(
        tuple(placed), shown_ms, tuple(missing), tuple(gaps), tuple(unreadable), drift
    )


def _within_numbers(item: PlacedSegment) -> PlacedSegment:
    """Clocks that were made up may add up to more than a record can say: a verdict that cannot be read."""
    start_ms, end_ms = item.span
    if -MAX_INTEGER <= start_ms <= MAX_INTEGER and -MAX_INTEGER <= end_ms <= MAX_INTEGER:
        return item
    return item._replace(span=Span(*(max(-MAX_INTEGER, min(ms, MAX_INTEGER)) for ms in item.span)))


def pending(state: Sitting, end_ms: int) -> list[Segment]:
    """The segments that were recorded before the end and are not stored, or (the camera's) not measured.

    Those from before the exam, too: they hold the room scan, and what later ones of their run are read by.
    They are placed by their heads, as `cover` places them; asked after each event, it reads no others.
    """
    waiting = [
        segment for generation in state.generations for segment in generation.segments.unfinished()
        if (segment.measurement if segment.source == "camera" else segment.stored_at_ms) is None
    ]
    placements = place_runs(state) if waiting else {}
    return [
        segment for segment in waiting
        if placements[segment.generation, segment.run].server_ms(segment.mono_begin_ms) < end_ms
    ]


def _place_run(
    segments: Sequence[Segment], placement: Placement
) -> tuple[list[PlacedSegment], int]:
    """The segments of one run on the server's clock, and the worst drift between its clocks.

    Where packets and monotonic clock agree to within JOIN_MS, a segment continues the one before it by its
    packets: a slice reported late is no gap.  Where they differ more, the monotonic clock counts.  Packets
    show nothing beyond the clock they were captured by, nor what came after they were committed.
    """
    placed: list[PlacedSegment] = []
    drift = 0
    before: tuple[int, int] | None = None  # where the last segment ended: server ms, media µs
    for segment in segments:
        start = placement.server_ms(segment.mono_begin_ms)
        video = pictures_of(segment)
        if video is None:
            if segment.measurement is None or is_unreadable(segment):
                end = placement.server_ms(segment.mono_end_ms)
                before = None
                placed.append(PlacedSegment(segment, Span(start, end), placement.uncertainty_ms, False))
            continue
        between_us, follows = 0, before is not None
        if before is not None:
            between_us = video.first_us - before[1]
            expected = before[0] + between_us // 1000
            drift = max(drift, abs(start - expected))
            if abs(start - expected) <= JOIN_MS:
                start = expected
        end = start + (video.end_us - video.first_us) // 1000
        before = end, video.end_us
        captured = placement.server_ms(segment.mono_end_ms)
        committed = segment.committed_at_ms + placement.uncertainty_ms
        drift = max(drift, end - captured, end - committed)
        still_ms = _still_us(video, between_us) // 1000
        if follows and still_ms > end - start:
            placed[-1] = _cut(placed[-1], start - still_ms)  # it began in the segment before
        elif still_ms:
            start = min(end, start + still_ms)
        end = max(start, min(end, captured + JOIN_MS, committed + UNSAMPLED_MS))
        placed.append(PlacedSegment(segment, Span(start, end), placement.uncertainty_ms, True))
    return placed, drift


def _still_us(video: Measured, between_us: int) -> int:
    """How long a segment's frames stood still, longer than STEP_GAP_US at a time; `between_us` before it."""
    sparse = video.end_us - video.first_us - video.packets * STEP_GAP_US
    step = video.max_step_us
    return max(0, sparse, step if step > max(STEP_GAP_US, between_us + JOIN_MS * 1000) else 0)


def _cut(item: PlacedSegment, end_ms: int) -> PlacedSegment:
    """`item` as shown until `end_ms` at most."""
    span = item.span
    return item._replace(span=Span(span.start_ms, max(span.start_ms, min(span.end_ms, end_ms))))


def pictures_of(segment: Segment) -> Measured | None:
    """What was measured of a segment, if it shows pictures."""
    found = segment.measurement
    return found if found is not None and found.has_video and not is_unreadable(segment) else None


def is_unreadable(segment: Segment) -> bool:
    """Whether the measurement found that the segment shows nothing."""
    return segment.measurement is not None and not UNREADABLE.isdisjoint(segment.measurement.problems)


def is_irregular(segment: Segment) -> bool:
    """Whether a person should look at a segment that shows pictures: a problem on the way, no sound, or so
    long without a key frame that decodes that nobody looked at its pictures."""
    found = pictures_of(segment)
    if found is None:
        return False
    unseen = found.end_us - found.first_us >= UNSEEN_US and not found.key_frame_decoded
    return bool(found.problems) or not found.audio_packets or unseen


def union(spans: Iterable[Span], within: Span) -> list[Span]:
    """`spans` inside `within`, in order, touching ones joined."""
    merged: list[Span] = []
    inside = [part for span in spans if (part := span.clip(within))]
    for span in sorted(inside, key=lambda item: item.start_ms):
        if merged and span.start_ms <= merged[-1].end_ms:
            merged[-1] = Span(merged[-1].start_ms, max(merged[-1].end_ms, span.end_ms))
        else:
            merged.append(span)
    return merged


def _holes(covered: Sequence[Span], required: Span) -> list[Span]:
    edges = [Span(required.start_ms, required.start_ms), *covered, Span(required.end_ms, required.end_ms)]
    return [
        Span(left.end_ms, right.start_ms) for left, right in pairwise(edges) if right.start_ms > left.end_ms
    ]


class _Edges:
    """Where segments begin and end: what a hole's edges owe to their placement."""

    def __init__(self, placed: Iterable[PlacedSegment]) -> None:
        self._starts: dict[int, list[PlacedSegment]] = {}
        self._ends: dict[int, list[PlacedSegment]] = {}
        for item in placed:
            self._starts.setdefault(item.span.start_ms, []).append(item)
            self._ends.setdefault(item.span.end_ms, []).append(item)

    def uncertainty_ms(self, hole: Span) -> int:
        """How uncertain a hole's length is.  Inside one run it is not at all: its clock runs on."""
        left, right = self._near(self._ends, hole.start_ms), self._near(self._starts, hole.end_ms)
        if {_run(item) for item in left} & {_run(item) for item in right}:
            return 0
        return sum(min((item.uncertainty_ms for item in side), default=0) for side in (left, right))

    @staticmethod
    def _near(edges: Mapping[int, list[PlacedSegment]], at_ms: int) -> list[PlacedSegment]:
        # packets' times are rounded to milliseconds
        return [item for moment in range(at_ms - 1, at_ms + 2) for item in edges.get(moment, ())]


def _run(item: PlacedSegment) -> tuple[int, int]:
    return item.segment.generation, item.segment.run


def _weigh(
    hole: Span, uncertainty_ms: int, causes: Sequence[tuple[int, str]], required: Span
) -> Gap:
    """The gap behind a hole, less what is uncertain of it, with the nearest of the phone's own causes."""
    length = hole.end_ms - hole.start_ms - uncertainty_ms
    first = bisect_left(causes, (hole.start_ms - CAUSE_REACH_MS, ""))
    behind = bisect_left(causes, (hole.end_ms + CAUSE_REACH_MS + 1, ""))
    near = [
        (min(abs(at_ms - hole.start_ms), abs(at_ms - hole.end_ms)), cause)
        for at_ms, cause in causes[first:behind]
    ]
    at_the_end = "stopped" if hole.end_ms == required.end_ms else "unknown"
    cause = min(near, default=(0, "unknown"))[1]
    return Gap(hole, length, uncertainty_ms, at_the_end if cause == "unknown" else cause)


def _causes(
    state: Sitting, placements: dict[tuple[int, int], Placement]
) -> list[tuple[int, str]]:
    """When and why the phone said that it was interrupted, in order."""
    return sorted(
        (placements[generation.number, placed.note.link.run].server_ms(placed.note.mono_ms), _cause(placed))
        for generation in state.generations
        for placed in generation.notes
        if placed.note.note in ("gap_begin", "gap_end", "stop") and _cause(placed) != "none"
    )


def _cause(placed: PlacedNote) -> str:
    return "stopped" if placed.note.note == "stop" else placed.note.cause


def committed_late(
    generations: Iterable[Generation], placed: Iterable[PlacedSegment], required: Span, tolerance_ms: int
) -> list[Span]:
    """Stretches whose heads came more than `tolerance_ms` late, by hand, or from a replaced phone."""
    replaced = {generation.number: generation.replaced_at_ms for generation in generations}
    late = []
    for item in placed:
        cut = replaced[item.segment.generation]
        waited = item.segment.committed_at_ms - item.span.end_ms - item.uncertainty_ms
        replaced_before = cut is not None and item.segment.committed_at_ms > cut
        if item.segment.carried or replaced_before or waited > tolerance_ms:
            late.append(item.span)
    return union(late, required)
