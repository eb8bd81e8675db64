"""Checks: what the pictures and the sound say for the verdict (pure; requirements E5-E7).

Each check gives findings; whether a finding is a reason or for review is the policy's to say.  A check that
nobody could make says so: `…_not_measured`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from evidence_server.anchor import Look as Picture
from evidence_server.anchor import judge_sightings
from evidence_server.coverage import Coverage, PlacedSegment, Span, pictures_of, union
from evidence_server.hands import HANDLING_MS, InHands, in_hands
from evidence_server.placing import place_runs
from evidence_server.scan import Marked, MediaClock, marked, stretch
from evidence_server.seen import FOREIGN, UNCHECKED, Answer, Look, Search, SeenSpan
from evidence_server.segment import Segment
from evidence_server.segments import Run
from evidence_server.sitting import Generation, Sitting
from pairing.clock import Placement
from pairing.jws import MAX_INTEGER
from pairing.policy import OFF

LISTED = 50
"""Most stretches of one check that are listed one by one."""

LISTED_OF_A_KIND = 10
"""Most stretches of one kind that are listed, the longest: a picture that flickers must not push an hour
without anybody off the list.  How many there were, and how long in all, is told beside."""

SETTLING_MS = 4_000
"""What began while the phone was in hands may be seen a key frame and a bit longer."""

BLIND_MS = 12_000
"""Longest stretch of a recording without a key frame that can be decoded which is not reported: phones are
asked for one every 2 s, and browsers that do not listen make one every 10 s."""

UNSEARCHED_MS = 60_000
"""The same for pictures that were searched for the laptop's marker, every third key frame: two markers."""

_PLACED = ("placement", "continuity", "anchor")
"""The checks that ask where the phone stands, or what it sees from there."""

Finding = dict[str, Any]
Placements = Mapping[tuple[int, int], Placement]
Runs = dict[tuple[int, int], list[PlacedSegment]]
"""A recording's segments that show pictures, by generation and run, in order."""


@dataclass(frozen=True)
class Findings:
    """By check: what it found.  `notes` are for review whatever the policy says, but for "off"; `totals`
    tells by kind how much continuity found, what is not listed included.  `scan` are the segments that show
    the scan that passed."""

    found: list[tuple[str, Finding]]
    notes: list[tuple[str, Finding]]
    totals: list[Finding]
    scan: list[Segment]


def look_at(state: Sitting, coverage: Coverage, required: Span) -> Findings:
    """The findings of scan, placement, continuity and anchor."""
    placements = place_runs(state)
    hands = {one.number: in_hands(one, placements, required) for one in state.generations}
    by_run = _by_run(coverage)
    scan, scan_notes, shown_by = _scan(state, placements, required)
    found = [("scan", finding) for finding in scan]
    found += [("placement", finding) for finding in _placement(state)]
    continuity, blind, totals = _continuity(state, by_run, hands, required)
    found += [("continuity", finding) for finding in continuity]
    anchor, anchor_notes = _anchor(state, by_run, hands, required)
    found += [("anchor", finding) for finding in anchor]
    notes = [("scan", finding) for finding in scan_notes]
    # It says what of the phone's place is not as it should be, and from when on the others found something.
    told_by = next((one for one in _PLACED if state.policy.checks[one] != OFF), "placement")
    notes += [(told_by, finding) for finding in _placed_late(hands.values())]
    notes += [("continuity", finding) for finding in blind]
    notes += [("anchor", finding) for finding in anchor_notes]
    return Findings(found, notes, totals, shown_by)


def _scan(
    state: Sitting, placements: Placements, required: Span
) -> tuple[list[Finding], list[Finding], list[Segment]]:
    """A scan passes by any that was answered accept or review (design: policy).  That it was made late, or is
    of a phone that was replaced, is for review: support may have asked for it."""
    answers = list(_answers(state, "scan"))
    if not answers:
        return [{"code": "scan_missing"}], [], []
    good = [
        _GoodScan(generation, one, answer, _when(generation, one, placements, required.start_ms, state))
        for generation, one, answer in reversed(answers)
        if answer is not None and answer.result["accepted"] in ("accept", "review")
    ]
    if not good:
        newest = answers[-1][2]
        if any(answer is None for _, _, answer in answers):
            return [{"code": "scan_not_measured"}], [], []
        return [{"code": "scan_repeat", "why": _why(newest)}], [], []
    notes: list[Finding] = []
    of_newest = [one for one in good if one.generation is state.generations[-1]]
    if not of_newest:
        notes.append({"code": "scan_other_phone"})
    deadline_ms = state.deadline_ms or 0
    best = min(of_newest or good, key=lambda one: (
        one.stored_ms > deadline_ms, one.late is not None, one.for_review,
    ))
    if best.late is not None:
        notes.append({"code": "scan_late"} | _times(best.late))
    if best.for_review:
        notes.append({"code": "scan_review", "why": _why(best.answer)})
    return [], notes, best.segments


@dataclass(frozen=True)
class _GoodScan:
    """A scan that passes; `late`: when it was made, if that was after its time."""

    generation: Generation
    of: Marked
    answer: Answer
    late: Span | None

    @property
    def for_review(self) -> bool:
        return bool(self.answer.result["accepted"] == "review")

    @property
    def segments(self) -> list[Segment]:
        """Those that show it."""
        run = self.generation.runs[self.answer.run]
        return [run[ordinal] for ordinal in stretch(self.generation, self.of, over=True).ordinals]

    @property
    def stored_ms(self) -> int:
        """When the last of them was stored."""
        return max((one.stored_at_ms or 0 for one in self.segments), default=0)


def _when(
    generation: Generation, one: Marked, placements: Placements, start_ms: int, state: Sitting
) -> Span | None:
    """When a scan was made, if it ended after its time: the exam's start.  Where the exam has no planned
    start but begins with the first phone, and for a phone that takes over, it is HANDLING_MS after the
    confirm."""
    first = state.generations[0]
    planned = first.confirmed_at_ms != start_ms
    due_ms = start_ms
    if generation is not first or not planned:
        due_ms = max(start_ms, generation.confirmed_at_ms + HANDLING_MS)
    clock = placements[generation.number, one.run]
    begin_ms, end_ms = (
        max(-MAX_INTEGER, min(clock.server_ms(at_ms), MAX_INTEGER))
        for at_ms in (one.begin_ms, one.begin_ms if one.end_ms is None else one.end_ms)
    )
    return Span(begin_ms, end_ms) if end_ms - clock.uncertainty_ms > due_ms else None


def _why(measured: Answer | None) -> list[str]:
    """The codes of its reasons, each once."""
    return list(dict.fromkeys(reason["code"] for reason in measured.result["reasons"])) if measured else []


def _placement(state: Sitting) -> list[Finding]:
    """The newest one counts: a phone may be put right."""
    answers = list(_answers(state, "placement"))
    if not answers:
        return [{"code": "placement_missing"}]
    newest = answers[-1][2]
    if newest is None:
        return [{"code": "placement_not_measured"}]
    return [] if newest.result["ok"] else [{"code": "placement_failed", "missing": newest.result["missing"]}]


def _placed_late(hands: Iterable[InHands]) -> list[Finding]:
    """Where a phone was in hands for longer than excuses anything: from its beginning on all counts."""
    beyond = [one.beyond for one in hands if one.beyond]
    return [{"code": "placed_late"} | _times(Span(some[0].start_ms, some[-1].end_ms)) for some in beyond]


def _answers(state: Sitting, kind: str) -> Iterator[tuple[Generation, Marked, Answer | None]]:
    """The scans or placements, oldest first, and what was measured of each; None: nothing."""
    for generation in state.generations:
        measured = generation.seen.scans if kind == "scan" else generation.seen.placements
        for one in marked(generation, over=True):
            if one.kind == kind:
                yield generation, one, measured.get(one.note)


def _continuity(
    state: Sitting, by_run: Runs, hands: Mapping[int, InHands], required: Span
) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """What was seen to be wrong; where nobody could look; and by kind, how much there was of it."""
    unseen: list[Span] = []
    blind: list[Span] = []
    seen: list[tuple[Span, SeenSpan]] = []
    for generation in state.generations:
        excused = hands[generation.number].excused
        for run, segments in generation.runs.items():
            placed = by_run.get((generation.number, run), [])
            look = generation.seen.looks.get(run)
            unseen += _unseen(segments, placed, look.upto if look else 0, required)
            if look is None or not placed:
                continue
            clock, media_clock = RunClock(placed), MediaClock(segments)
            blind += _blind(look, segments, placed, clock)
            held = [(one.begin_ms, one.end_ms) for one in excused if one.run == run]
            for span in look.spans:
                inside = clock.span(span).clip(required)
                if span.kind != UNCHECKED and inside and not _is_handled(span, media_clock, held):
                    seen.append((inside, span))
    found: list[Finding] = [{"code": "continuity_not_measured"}] if unseen else []
    found += [_failed(at, span) for at, span in _longest_of_each_kind(seen)]
    notes = [
        {"code": "continuity_not_measured"} | _times(span) for span in _longest(union(blind, required))
    ]
    return found, notes, _totals(seen)


def _failed(at: Span, span: SeenSpan) -> Finding:
    picture: Finding = {"picture": span.picture} if span.picture else {}
    surely: Finding = {"confidence_percent": span.confidence_percent}
    return {"code": "continuity_failed", "kind": span.kind} | _times(at) | surely | picture


def _longest(spans: Sequence[Span]) -> list[Span]:
    """The longest LISTED, in order of time."""
    longest = sorted(spans, key=lambda span: span.start_ms - span.end_ms)[:LISTED]
    return sorted(longest, key=lambda span: span.start_ms)


def _longest_of_each_kind(seen: Iterable[tuple[Span, SeenSpan]]) -> list[tuple[Span, SeenSpan]]:
    """The longest LISTED_OF_A_KIND of each kind, in order of time."""
    counts: dict[str, int] = {}
    listed = []
    for at, span in sorted(seen, key=lambda one: (one[0].start_ms - one[0].end_ms, one[0].start_ms)):
        counts[span.kind] = counts.get(span.kind, 0) + 1
        if counts[span.kind] <= LISTED_OF_A_KIND:
            listed.append((at, span))
    return sorted(listed, key=lambda one: (one[0].start_ms, one[1].kind, one[0].end_ms))


def _totals(seen: Sequence[tuple[Span, SeenSpan]]) -> list[Finding]:
    """By kind: how many stretches there are, and how long all are together."""
    totals = []
    for kind in sorted({span.kind for _, span in seen}):
        lengths = [at.end_ms - at.start_ms for at, span in seen if span.kind == kind]
        totals.append({"kind": kind, "count": len(lengths), "total_ms": sum(lengths)})
    return totals


def _blind(
    look: Look, segments: Run, placed: Sequence[PlacedSegment], clock: RunClock
) -> Iterator[Span]:
    """Where pictures are recorded and nobody could look at them: the eye died of a segment, or there is no
    key frame that decodes, by the eye or by the measurement of the segments."""
    unread = {segments[ordinal].head for ordinal in look.unread if ordinal < len(segments)}
    yield from (item.span for item in placed if item.segment.head in unread)
    yield from (clock.span(span) for span in look.spans if span.kind == UNCHECKED)
    begin_ms: int | None = None
    for item in placed:
        measured = pictures_of(item.segment)
        if measured is None or measured.key_frame_decoded:
            begin_ms = None
            continue
        begin_ms = item.span.start_ms if begin_ms is None else begin_ms
        if item.span.end_ms - begin_ms > BLIND_MS:
            yield Span(begin_ms, item.span.end_ms)


def _anchor(
    state: Sitting, by_run: Runs, hands: Mapping[int, InHands], required: Span
) -> tuple[list[Finding], list[Finding]]:
    """Whether the recording shows this sitting's laptop as it was then; and for review, strange markers,
    which may be a neighbour's, and where no picture was searched."""
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
    recorded = union((item.span for placed in by_run.values() for item in placed), required)
    excused = union((one.at for some in hands.values() for one in some.excused), required)
    sightings = judge_sightings(
        inside, within=(recorded[0].start_ms, recorded[-1].end_ms) if recorded else None,
        excused=[(span.start_ms, span.end_ms) for span in excused],
    )
    if sightings.word == "not_measured":
        return [{"code": "anchor_not_measured"}], []
    unseen = list(sightings.unseen)
    if sightings.first_seen_ms is None and not unseen:
        unseen = [(inside[0].at_ms, inside[-1].at_ms)]
    found = [_astray("not_seen", *times) for times in unseen]
    strays = [(one.kind == "foreign", one.first_ms, one.last_ms) for one in sightings.strays]
    found += [_astray("wrong_sequence", begin, end) for foreign, begin, end in strays if not foreign]
    strangers = [_astray("foreign", begin, end) for foreign, begin, end in strays if foreign]
    unsearched = _unsearched(recorded, [one.at_ms for one in inside])
    notes = [{"code": "anchor_not_measured"} | _times(span) for span in _longest(unsearched)]
    return found[:LISTED], strangers[:LISTED] + notes


def _unsearched(recorded: Iterable[Span], searched_ms: Iterable[int]) -> list[Span]:
    """Where pictures are recorded and for UNSEARCHED_MS none was searched for the marker."""
    ordered, found = sorted(searched_ms), []
    for span in recorded:
        inside = [at_ms for at_ms in ordered if span.start_ms <= at_ms < span.end_ms]
        for since_ms, until_ms in pairwise([span.start_ms, *inside, span.end_ms]):
            if until_ms - since_ms > UNSEARCHED_MS:
                found.append(Span(since_ms, until_ms))
    return found


def _times(span: Span) -> Finding:
    return {"start_ms": span.start_ms, "end_ms": span.end_ms}


def _astray(why: str, start_ms: int, end_ms: int) -> Finding:
    return {"code": "anchor_failed", "why": why, "start_ms": start_ms, "end_ms": end_ms}


def _slots(search: Search) -> tuple[int | None, ...]:
    return tuple(None if slot == FOREIGN else slot for slot in search.slots)


def _by_run(coverage: Coverage) -> Runs:
    runs: Runs = {}
    for item in coverage.placed:
        if pictures_of(item.segment) is not None:
            runs.setdefault((item.segment.generation, item.segment.run), []).append(item)
    return runs


def _unseen(
    segments: Run, placed: Sequence[PlacedSegment], upto: int, required: Span
) -> list[Span]:
    """The stored stretches of the required interval that were not looked at."""
    if not placed:
        return []
    later = {segment.head for segment in segments[upto:]}
    return union((item.span for item in placed if item.segment.head in later), required)


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


def _is_handled(
    span: SeenSpan, clock: MediaClock, handled: Sequence[tuple[int, int]]
) -> bool:
    """Whether a stretch lies wholly where the phone was in hands."""
    begin, end = clock.mono_ms(span.start_us), clock.mono_ms(span.end_us)
    return any(since <= begin and end <= until + SETTLING_MS for since, until in handled)
