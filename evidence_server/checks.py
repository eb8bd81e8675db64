"""Checks: what the pictures and the sound say for the verdict (pure; requirements E5-E7).

Each check gives findings; whether a finding is a reason or for review is the policy's to say.  A check that
nobody could make says so: `…_not_measured`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evidence_server.anchor import Look as Picture
from evidence_server.anchor import judge_sightings
from evidence_server.coverage import Coverage, PlacedSegment, Span, pictures_of, union
from evidence_server.scan import Marked, marked, mono_ms
from evidence_server.seen import FOREIGN, Answer, Search, SeenSpan
from evidence_server.segment import Segment
from evidence_server.sitting import Generation, Sitting

LISTED = 50
"""Most stretches of one check that are listed one by one."""

SETTLING_MS = 4_000
"""What began while the phone was in hands may be seen a key frame and a bit longer."""

Finding = dict[str, Any]


@dataclass(frozen=True)
class Findings:
    """By check: what it found.  `notes` are for review whatever the policy says."""

    found: list[tuple[str, Finding]]
    notes: list[Finding]


def look_at(state: Sitting, coverage: Coverage, required: Span) -> Findings:
    """The findings of scan, placement, continuity and anchor."""
    scan, notes = _scan(state)
    found = [("scan", finding) for finding in scan]
    found += [("placement", finding) for finding in _placement(state)]
    found += [("continuity", finding) for finding in _continuity(state, coverage, required)]
    anchor, strangers = _anchor(state, coverage, required)
    found += [("anchor", finding) for finding in anchor]
    return Findings(found, notes + strangers)


def _scan(state: Sitting) -> tuple[list[Finding], list[Finding]]:
    """A scan passes by any that was answered accept or review (design: policy)."""
    answers = list(_answers(state, "scan"))
    if not answers:
        return [{"code": "scan_missing"}], []
    words = [measured.result["accepted"] for measured in answers if measured is not None]
    if "accept" in words:
        return [], []
    if "review" in words:
        why = next(one for one in reversed(answers) if one is not None and one.result["accepted"] == "review")
        return [], [{"code": "scan_review", "why": _why(why)}]
    if None in answers:
        return [{"code": "scan_not_measured"}], []
    return [{"code": "scan_repeat", "why": _why(answers[-1])}], []


def _why(measured: Answer | None) -> list[str]:
    """The codes of its reasons, each once."""
    return list(dict.fromkeys(reason["code"] for reason in measured.result["reasons"])) if measured else []


def _placement(state: Sitting) -> list[Finding]:
    """The newest one counts: a phone may be put right."""
    answers = list(_answers(state, "placement"))
    if not answers:
        return [{"code": "placement_missing"}]
    newest = answers[-1]
    if newest is None:
        return [{"code": "placement_not_measured"}]
    return [] if newest.result["ok"] else [{"code": "placement_failed", "missing": newest.result["missing"]}]


def _answers(state: Sitting, kind: str) -> Iterator[Answer | None]:
    """What was measured of each scan or placement, oldest first; None: nothing."""
    for generation in state.generations:
        measured = generation.seen.scans if kind == "scan" else generation.seen.placements
        for one in marked(generation, over=True):
            if one.kind == kind:
                yield measured.get(one.note)


def _continuity(state: Sitting, coverage: Coverage, required: Span) -> list[Finding]:
    unseen: list[Span] = []
    seen: list[tuple[Span, str]] = []
    by_run = _by_run(coverage)
    for generation in state.generations:
        handled = list(handling(generation))
        for run, segments in generation.runs.items():
            placed = by_run.get((generation.number, run), [])
            look = generation.seen.looks.get(run)
            unseen += _unseen(segments, placed, look.upto if look else 0, required)
            if look is None or not placed:
                continue
            clock = RunClock(placed)
            in_hands = [(begin, end) for of, begin, end in handled if of == run]
            for span in look.spans:
                inside = clock.span(span).clip(required)
                if inside is not None and not _is_handled(span, segments, in_hands):
                    seen.append((inside, span.kind))
    found: list[Finding] = []
    if unseen:
        found.append({"code": "continuity_not_measured"})
    for at, kind in sorted(seen, key=lambda one: (one[0].start_ms, one[1]))[:LISTED]:
        times = {"start_ms": at.start_ms, "end_ms": at.end_ms}
        found.append({"code": "continuity_failed", "kind": kind} | times)
    return found


def _anchor(state: Sitting, coverage: Coverage, required: Span) -> tuple[list[Finding], list[Finding]]:
    """Whether the recording shows this sitting's laptop as it was then; and strange markers, which may be a
    neighbour's and are only listed."""
    by_run = _by_run(coverage)
    pictures: list[Picture] = []
    for generation in state.generations:
        for run, look in generation.seen.looks.items():
            placed = by_run.get((generation.number, run))
            if placed:
                clock, vague_ms = RunClock(placed), placed[0].uncertainty_ms
                pictures += [
                    Picture(clock.server_ms(one.at_us), _slots(one), vague_ms) for one in look.searches
                ]
    inside = [one for one in pictures if required.start_ms <= one.at_ms < required.end_ms]
    sightings = judge_sightings(inside)
    if sightings.word == "not_measured":
        return [{"code": "anchor_not_measured"}], []
    unseen = list(sightings.unseen)
    if sightings.first_seen_ms is None and not unseen:
        unseen = [(inside[0].at_ms, inside[-1].at_ms)]
    found = [_astray("not_seen", *times) for times in unseen]
    strays = [(one.kind == "foreign", one.first_ms, one.last_ms) for one in sightings.strays]
    found += [_astray("wrong_sequence", begin, end) for foreign, begin, end in strays if not foreign]
    strangers = [_astray("foreign", begin, end) for foreign, begin, end in strays if foreign]
    return found[:LISTED], strangers[:LISTED]


def _astray(why: str, start_ms: int, end_ms: int) -> Finding:
    return {"code": "anchor_failed", "why": why, "start_ms": start_ms, "end_ms": end_ms}


def _slots(search: Search) -> tuple[int | None, ...]:
    return tuple(None if slot == FOREIGN else slot for slot in search.slots)


def _by_run(coverage: Coverage) -> dict[tuple[int, int], list[PlacedSegment]]:
    runs: dict[tuple[int, int], list[PlacedSegment]] = {}
    for item in coverage.placed:
        if pictures_of(item.segment) is not None:
            runs.setdefault((item.segment.generation, item.segment.run), []).append(item)
    return runs


def _unseen(
    segments: Sequence[Segment], placed: Sequence[PlacedSegment], upto: int, required: Span
) -> list[Span]:
    """The stored stretches of the required interval that were not looked at."""
    later = {id(segment) for segment in segments[upto:]}
    return union((item.span for item in placed if id(item.segment) in later), required)


class RunClock:
    """A run's media clock on the server's clock, by its segments that show pictures."""

    def __init__(self, placed: Sequence[PlacedSegment]) -> None:
        """`placed` are the run's, in order, at least one."""
        self._placed = placed
        self._starts = [self._first_us(item) for item in placed]

    @staticmethod
    def _first_us(item: PlacedSegment) -> int:
        video = pictures_of(item.segment)
        return video.first_us if video else 0

    def server_ms(self, at_us: int) -> int:
        """A moment on the server's clock."""
        at = max(0, bisect_right(self._starts, at_us) - 1)
        return self._placed[at].span.start_ms + (at_us - self._starts[at]) // 1000

    def span(self, span: SeenSpan) -> Span:
        """A stretch on the server's clock; one that shows but one picture lasts a millisecond."""
        start = self.server_ms(span.start_us)
        return Span(start, max(start + 1, self.server_ms(span.end_us)))


def handling(generation: Generation) -> Iterator[tuple[int, int, int]]:
    """(run, from, to) on its monotonic clock: where the phone is in the candidate's hands, as it should be.

    That is before it is placed for the first time, during a scan, and from a scan to the next `placed`.
    A phone that is never placed is in hands only while it scans.
    """
    marks = list(marked(generation, over=True))
    first_placed = next((one for one in marks if one.kind == "placement"), None)
    if first_placed is not None:
        for run in generation.runs:
            if run < first_placed.run:
                yield run, 0, _last_ms(generation, run)
        yield first_placed.run, 0, first_placed.begin_ms
    for at, one in enumerate(marks):
        if one.kind != "scan":
            continue
        following: Marked | None = next((two for two in marks[at + 1 :] if two.kind == "placement"), None)
        end_ms = one.begin_ms if one.end_ms is None else one.end_ms
        if following is not None and following.run == one.run:
            end_ms = max(end_ms, following.begin_ms)
        yield one.run, one.begin_ms, end_ms


def _last_ms(generation: Generation, run: int) -> int:
    return generation.runs[run][-1].mono_end_ms


def _is_handled(
    span: SeenSpan, segments: Sequence[Segment], handled: Sequence[tuple[int, int]]
) -> bool:
    """Whether a stretch lies wholly where the phone was in hands."""
    begin, end = mono_ms(segments, span.start_us), mono_ms(segments, span.end_us)
    return any(since <= begin and end <= until + SETTLING_MS for since, until in handled)
