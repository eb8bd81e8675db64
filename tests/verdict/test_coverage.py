"""Properties of coverage, on sittings made up by hypothesis: pure, without journal and signatures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence_server.coverage import JOIN_MS, LISTED_GAP_MS, Span, cover, pending
from evidence_server.placing import Mark, marks, place_phone
from evidence_server.segment import Measured, Segment
from evidence_server.sitting import Generation, PlacedNote, Sitting
from pairing.chain import Chains
from pairing.encoding import sha256_b64u
from pairing.messages import ClockSample, Head, Link, Note
from tests.sittings import BOOT_MS, T0, Exam, Service

R = Span(T0, T0 + 60_000)
HASH = sha256_b64u("anything")
SHOWN, MISSING, UNREADABLE, HOLE, CUT = "shown", "missing", "unreadable", "hole", "cut"


@dataclass(frozen=True)
class Stretch:
    """What became of a stretch of time; a CUT is a hole behind which a new run begins."""

    kind: str
    length_ms: int


def measurement(first_us: int, end_us: int, problem: str = "") -> Measured:
    return Measured.of({
        "problems": [{"code": problem}] if problem else [], "audio": None, "key_frame": None,
        "video": {"packets": 100, "first_us": first_us, "end_us": end_us, "max_step_us": 66_667},
    })


def segment(
    run: int, seq: int, mono_ms: tuple[int, int], media_us: tuple[int, int], kind: str, *,
    sample: ClockSample | None = None, committed_ms: int = R.end_ms,
) -> Segment:
    found = measurement(*media_us, problem="undecodable" if kind == UNREADABLE else "")
    stored = kind != MISSING
    return Segment(
        hashlib.sha256(f"{run}/{seq}".encode()).digest(), 1, run, seq, "camera", "video/mp4", 1, bytes(32),
        *mono_ms, mono_ms[0] + BOOT_MS, sample, committed_ms, False, committed_ms if stored else None,
        1 if stored else None, found if stored else None, None,
    )


def sitting(segments: Sequence[Segment], notes: Sequence[PlacedNote] = ()) -> Sitting:
    generation = Generation(1, {}, HASH, HASH, T0, Chains("s", 1, HASH))
    for item in segments:
        link = Link("s", 1, item.run, item.seq, HASH, HASH, item.clock)
        head = Head(link, item.source, item.container, 0, item.length, item.sha256, (0, 0),
                    (item.mono_begin_ms, item.mono_end_ms), item.wall_ms)
        generation.segments.add(head, item.name, item.committed_at_ms)
        if item.stored_at_ms is not None:
            generation.segments.store(item.name, item.stored_at_ms, 1)
        if item.measurement is not None:
            generation.segments.measure(item.name, item.measurement, None)
    generation.notes.extend(notes)
    return Sitting("s", generations=[generation])


def filmed(stretches: Sequence[Stretch], start_ms: int = T0 - 5_000) -> list[Segment]:
    """An honest phone: every run has a sample, its media follows its monotonic clock."""
    found: list[Segment] = []
    moment, run, seq, media_us = start_ms, 1, 0, 0
    for stretch in stretches:
        end = moment + stretch.length_ms
        length_us = stretch.length_ms * 1000
        if stretch.kind == CUT:
            run, seq, media_us = run + 1, 0, 0
        elif stretch.kind == HOLE:
            media_us += length_us
        else:
            mono = moment - BOOT_MS, end - BOOT_MS
            sample = ClockSample(moment, mono[0], moment, 0) if seq == 0 else None
            media = media_us, media_us + length_us
            found.append(segment(run, seq, mono, media, stretch.kind, sample=sample, committed_ms=end))
            seq, media_us = seq + 1, media_us + length_us
        moment = end
    return found


def length(spans: Sequence[Span]) -> int:
    """How many milliseconds of R some span covers: counted, not merged."""
    return len({ms for span in spans for ms in range(max(span.start_ms, T0), min(span.end_ms, R.end_ms))})


stretches = st.lists(
    st.builds(Stretch, st.sampled_from([SHOWN, SHOWN, SHOWN, MISSING, UNREADABLE, HOLE, CUT]),
              st.integers(200, 12_000)),
    min_size=1, max_size=20,
)


@given(stretches)
@settings(max_examples=100, deadline=None)
def test_what_is_shown_missing_and_gap_is_all_of_it(told: list[Stretch]) -> None:
    film = filmed(told)
    coverage = cover(sitting(film), R)
    spans = {kind: [_true_span(item) for item in film if _kind(item) == kind] for kind in (SHOWN, MISSING)}
    assert coverage.shown_ms == length(spans[SHOWN])
    assert length([item.span for item in coverage.missing]) == length(spans[MISSING])
    gaps = [gap.span for gap in coverage.gaps]
    explained = length([*spans[SHOWN], *spans[MISSING], *gaps])
    most_unlisted = (len(told) + 2) * LISTED_GAP_MS
    assert 60_000 - most_unlisted < explained <= 60_000
    assert length(gaps) == sum(gap.end_ms - gap.start_ms for gap in gaps)
    assert not set(_ms(gaps)) & set(_ms([*spans[SHOWN], *spans[MISSING]]))


def _ms(spans: Sequence[Span]) -> list[int]:
    return [ms for span in spans for ms in range(span.start_ms, span.end_ms)]


def _kind(item: Segment) -> str:
    if item.measurement is None:
        return MISSING
    return UNREADABLE if item.measurement.problems else SHOWN


def _true_span(item: Segment) -> Span:
    return Span(item.mono_begin_ms + BOOT_MS, item.mono_end_ms + BOOT_MS)


@given(stretches, st.data())
@settings(max_examples=100, deadline=None)
def test_dropping_a_segment_never_helps(told: list[Stretch], data: st.DataObject) -> None:
    film = filmed(told)
    if not film:
        return
    victim = data.draw(st.integers(0, len(film) - 1))
    # "Never committed" leaves no hole in the numbers: coverage must notice by the clocks alone.
    never_committed = film[:victim] + film[victim + 1 :]
    delivered_not = [*film]
    delivered_not[victim] = film[victim]._replace(stored_at_ms=None, stored_seq=None, measurement=None)
    before = cover(sitting(film), R)
    assert cover(sitting(never_committed), R).shown_ms <= before.shown_ms
    assert cover(sitting(delivered_not), R).shown_ms <= before.shown_ms
    missing = length([item.span for item in before.missing])
    assert length([item.span for item in cover(sitting(delivered_not), R).missing]) >= missing


numbers = st.integers(0, 120_000)
spans = st.tuples(numbers, numbers).map(sorted).map(tuple)
anything = st.lists(
    st.tuples(st.integers(1, 3), spans, spans, st.sampled_from([SHOWN, SHOWN, MISSING, UNREADABLE]),
              st.integers(0, 200_000)),
    max_size=12,
)


@given(anything)
@settings(max_examples=150, deadline=None)
def test_no_clock_shows_more_than_it_ran(heads: list[tuple[int, Any, Any, str, int]]) -> None:
    """Whatever heads and packets claim: not more than the monotonic clock ran, nothing after the commit."""
    film = []
    for seq, (run, mono, media_ms, kind, committed) in enumerate(sorted(heads, key=lambda head: head[1])):
        media_us = media_ms[0] * 1000, media_ms[1] * 1000
        start = T0 - BOOT_MS
        sample = ClockSample(T0, start, T0, 0)
        clocked = start + mono[0], start + mono[1]
        film.append(segment(run, seq, clocked, media_us, kind, sample=sample, committed_ms=T0 + committed))
    coverage = cover(sitting(film), R)
    shown = [item for item in film if _kind(item) == SHOWN]
    ran = sum(item.mono_end_ms - item.mono_begin_ms + 2 * JOIN_MS for item in shown)
    assert 0 <= coverage.shown_ms <= min(ran, 60_000)
    assert coverage.shown_ms <= max((item.committed_at_ms - T0 + 5_000 for item in shown), default=0)
    assert all(gap.length_ms >= 0 and gap.span.start_ms < gap.span.end_ms for gap in coverage.gaps)
    ends = [edge for gap in coverage.gaps for edge in (gap.span.start_ms, gap.span.end_ms)]
    assert ends == sorted(ends)
    assert all(T0 <= edge <= R.end_ms for edge in ends)


@given(st.lists(st.integers(0, JOIN_MS), min_size=10, max_size=10))
@settings(max_examples=50, deadline=None)
def test_late_slices_leave_no_gap(late_ms: list[int]) -> None:
    """A recorder that hands its slices over up to a second late, each by another while."""
    film, start = [], T0 - BOOT_MS
    for seq, late in enumerate(late_ms):
        media_us = seq * 6_000_000, (seq + 1) * 6_000_000
        told = start + seq * 6_000 + late
        sample = ClockSample(T0, start, T0, 0) if seq == 0 else None
        film.append(segment(1, seq, (told, told + 6_000), media_us, SHOWN, sample=sample))
    coverage = cover(sitting(film), R)
    assert all(gap.span.start_ms == T0 or gap.span.end_ms == R.end_ms for gap in coverage.gaps)
    assert coverage.shown_ms >= 60_000 - JOIN_MS


readings = st.lists(st.none() | st.tuples(st.integers(-9_000, 9_000), st.integers(0, 3_000)), min_size=1)


@given(stretches, readings)
@settings(max_examples=100, deadline=None)
def test_what_places_a_run_is_no_less_than_all_of_it(
    told: list[Stretch], read: list[tuple[int, int] | None]
) -> None:
    """First heads and samples place a phone's runs as all its heads do."""
    film = []
    for item, reading in zip(filmed(told), cycle(read), strict=False):
        mono_ms = item.mono_begin_ms
        clock = None if reading is None else ClockSample(
            mono_ms + BOOT_MS + reading[0], mono_ms, item.wall_ms, reading[1]
        )
        film.append(item._replace(clock=clock))
    (generation,) = sitting(film).generations
    entire = [Mark(item.run, item.mono_begin_ms, item.wall_ms, item.clock) for item in film]
    assert place_phone(marks(generation)) == place_phone(entire)


def note(kind: str, cause: str, seconds: float, seq: int) -> PlacedNote:
    mono = T0 + round(seconds * 1000) - BOOT_MS
    return PlacedNote(Note(Link("s", 1, 1, seq, HASH, HASH, None), kind, cause, mono, mono + BOOT_MS), "", 0)


CUT_FILM = (Stretch(SHOWN, 25_000), Stretch(CUT, 20_000), Stretch(SHOWN, 25_000))
"""From 5 s before R: a gap from 20 to 40 s."""


@pytest.mark.parametrize(("notes", "cause"), [
    ([], "unknown"),
    ([note("gap_begin", "call", 20, 8), note("gap_end", "none", 40, 9)], "call"),
    ([note("gap_begin", "call", 20, 8), note("gap_begin", "battery", 34, 9)], "call"),
    ([note("gap_end", "frozen", 40, 8)], "frozen"),
    ([note("gap_begin", "call", 5, 8)], "call"),
    ([note("gap_begin", "call", 4.999, 8)], "unknown"),
    ([note("gap_begin", "call", 55, 8)], "call"),
    ([note("gap_begin", "call", 55.001, 8)], "unknown"),
    ([note("placed", "none", 30, 8), note("consent", "none", 20, 9)], "unknown"),
    ([note("stop", "stopped", 20, 8)], "stopped"),
], ids=["none", "the end says none", "the nearer one", "only the end", "15 s before", "more than 15 s before",
        "15 s behind", "more than 15 s behind", "other notes", "stop"])
def test_the_cause_of_a_gap(notes: list[PlacedNote], cause: str) -> None:
    (gap,) = cover(sitting(filmed(CUT_FILM), notes), R).gaps
    assert (gap.span, gap.cause) == (Span(T0 + 20_000, T0 + 40_000), cause)


def test_runs_of_other_sources_show_nothing() -> None:
    film = filmed([Stretch(SHOWN, 70_000)])
    film[0] = film[0]._replace(source="orientation")
    coverage = cover(sitting(film), R)
    assert (coverage.shown_ms, coverage.placed) == (0, ())


GROUNDS = ("word", "required_ms", "deadline_ms", "reasons", "review", "gaps", "missing", "late", "shown_ms",
           "segments")


@given(st.permutations(range(11)))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_order_of_delivery_changes_nothing(service: Service, order: list[int]) -> None:
    """Whatever order segments are stored and measured in, the verdict's grounds are the same."""
    grounds = []
    for number, deliver in enumerate((order, sorted(order))):
        exam = await Exam.begin(service, name=f"s_{number}_" + "_".join(map(str, order)))
        film = [
            *await exam.phone.film(0, 20), *await exam.phone.film(25, 45, run=2),
            *await exam.phone.film(45, 60, run=2, behind_hole=["undecodable"]),
        ]
        exam.clock.to(60)
        await exam.end(60)
        await exam.phone.manifest()
        for index in deliver:
            await exam.phone.upload(film[index])
            await exam.settle()
        verdict = await exam.verdict()
        assert verdict is not None
        grounds.append({name: verdict[name] for name in GROUNDS})
    assert grounds[0] == grounds[1]


@given(stretches)
@settings(max_examples=60, deadline=None)
def test_what_is_pending_is_what_coverage_calls_missing_or_has_not_read(told: list[Stretch]) -> None:
    film = filmed(told)
    unread = [item._replace(measurement=None) if item.stored_at_ms and index % 3 == 0 else item
              for index, item in enumerate(film)]
    state = sitting(unread)
    placed = cover(state, R).placed
    expected = {
        item.segment.name for item in placed
        if item.segment.measurement is None and item.span.start_ms < R.end_ms
    }
    assert {item.name for item in pending(state, R.end_ms)} == expected
