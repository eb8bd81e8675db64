"""The policy as a table: each row of design.md's policy, with an example on either side of its limit.

Every row is one sitting of 60 s (R = [0, 60]; times in seconds after its start) told to the real stages.
Unless a row says otherwise, all is filmed, stored at once, ended at 60 and listed in a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from evidence_server.verdict import COMPLETE, INCOMPLETE, LATE
from pairing.errors import PairingError
from tests.sittings import Exam, Service, at, codes, script

SHORT = {"upload_window_s": 20, "min_notice_s": 0}
"""Deadline: 80, if the end is told at 60."""

Story = Callable[[Exam], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """`word` None: no verdict yet.  `reasons` are exactly those; `review` is listed, `off` is not."""

    id: str
    story: Story
    word: str | None
    reasons: frozenset[str] = frozenset()
    policy: Mapping[str, Any] = field(default_factory=dict)
    review: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    gaps: int | None = None
    missing: int | None = None
    causes: frozenset[str] | None = None
    version: int = 1
    length_s: float = 60
    phone: Mapping[str, Any] = field(default_factory=dict)


def why(*reasons: str) -> frozenset[str]:
    return frozenset(reasons)


# --- stories -----------------------------------------------------------------------------------------


async def ends(exam: Exam, seconds: float = 60) -> None:
    """The end is told when it comes, and the phone lists all it has."""
    exam.clock.to(seconds)
    await exam.end(seconds)
    await exam.phone.manifest()


def films(*spans: tuple[float, float], end: float = 60) -> Story:
    """Each span is a run of its own; all is stored before the end."""

    async def story(exam: Exam) -> None:
        for run, (start, stop) in enumerate(spans, 1):
            await exam.phone.film(start, stop, run=run)
        await exam.phone.upload()
        await ends(exam, end)

    return story


whole = films((0, 60))


def stored_at(seconds: float, *, told_at: float = 60) -> Story:
    """Everything becomes durable at `seconds`; the end, 60, is told at `told_at`."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        exam.clock.to(told_at)
        await exam.end(60)
        await exam.phone.manifest()
        exam.clock.to(seconds)
        await exam.phone.upload()

    return story


def one_gap(length_s: float) -> Story:
    return films((0, 20), (20 + length_s, 60))


def gaps_of(count: int, length_s: float, more_s: float = 0) -> Story:
    """`count` gaps of `length_s`, and one of `more_s`, each after 10 s of film, up to 200."""

    async def story(exam: Exam) -> None:
        moment, run = 0.0, 1
        for length in [*[length_s] * count, more_s]:
            await exam.phone.film(moment, moment + 10, run=run)
            moment, run = moment + 10 + length, run + 1
        await exam.phone.film(moment, 200, run=run, piece_s=20)
        await exam.phone.upload()
        await ends(exam, 200)

    return story


def held_back(delivered_at: float | None = None, *, outside: bool = False) -> Story:
    """One piece is not delivered by the deadline (80); perhaps at `delivered_at`."""

    async def story(exam: Exam) -> None:
        film = await exam.phone.film(-20 if outside else 0, 60)
        kept = film[2]
        kept.kept = True
        await exam.phone.upload()
        await ends(exam)
        exam.clock.to(80)
        await exam.settle()
        if delivered_at is not None:
            exam.clock.to(delivered_at)
            await exam.phone.upload(kept)

    return story


async def nothing_filmed(exam: Exam) -> None:
    await exam.phone.commit(exam.phone.note("consent", -1))
    await ends(exam)
    exam.clock.to(80)


async def only_outside(exam: Exam) -> None:
    await exam.phone.film(-20, 0)
    await exam.phone.film(60, 80, run=2)
    await exam.phone.upload()
    await ends(exam)


def without_end(judged_at: float) -> Story:
    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        await exam.phone.upload()
        await exam.phone.manifest()
        exam.clock.to(judged_at)

    return story


async def ended_early(exam: Exam) -> None:
    await exam.phone.film(0, 30)
    await exam.phone.upload()
    await ends(exam, 30)


async def ended_twice(exam: Exam) -> None:
    """The last end counts: 40, then 30."""
    await exam.phone.film(0, 30)
    await exam.phone.upload()
    exam.clock.to(40)
    await exam.end(40)
    await exam.end(30)
    await exam.phone.manifest()


def without_manifest(judged_at: float, *, stale: bool = False) -> Story:
    """No manifest, or one that the phone has recorded on since."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 30)
        if stale:
            await exam.phone.manifest()
        await exam.phone.film(30, 60)
        await exam.phone.upload()
        exam.clock.to(60)
        await exam.end(60)
        exam.clock.to(judged_at)

    return story


async def listed_again(exam: Exam) -> None:
    await without_manifest(60, stale=True)(exam)
    await exam.phone.manifest(2)


def interrupted(cause: str, length_s: float) -> Story:
    """The phone tells why: at the gap's beginning, and that it is over."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        await phone.commit(phone.note("gap_begin", 20, cause))
        await phone.film(20 + length_s, 40, run=2)
        await phone.commit(phone.note("gap_end", 20 + length_s, run=2))
        await phone.film(40, 60, run=2)
        await phone.upload()
        await ends(exam)

    return story


async def stopped(exam: Exam) -> None:
    await exam.phone.film(0, 40)
    await exam.phone.commit(exam.phone.note("stop", 40, "stopped"))
    await exam.phone.upload()
    await ends(exam)


def with_problem(*problems: str, pieces: int = 3) -> Story:
    """The first `pieces` of 5 s after 20 are measured to have `problems`."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        await phone.film(20, 20 + 5 * pieces, problems=list(problems))
        await phone.film(20 + 5 * pieces, 60)
        await phone.upload()
        await ends(exam)

    return story


async def without_times(exam: Exam) -> None:
    """Packets of which the container does not say when they are shown."""
    phone = exam.phone
    await phone.film(0, 20)
    timeless = json.dumps({"first_us": None, "end_us": None}).encode()
    piece = phone.head(20, 35, media=timeless)
    exam.clock.to(35)
    await phone.commit(piece.record)
    await phone.film(35, 60)
    await phone.upload()
    await ends(exam)


def measured_at(seconds: float, *, judged_before: bool) -> Story:
    """Stored in time, but our own worker fails until `seconds`."""

    async def story(exam: Exam) -> None:
        exam.service.worker.broken = True
        await stored_at(70)(exam)
        exam.clock.to(seconds)
        await exam.settle()
        exam.service.worker.broken = judged_before

    return story


def waived(code: str, story: Story) -> Story:
    async def told(exam: Exam) -> None:
        await story(exam)
        await exam.service.support.waive(exam.sitting, code, "a fire drill")

    return told


def extended(by_s: int, seconds: float) -> Story:
    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        await ends(exam)
        await exam.service.support.extend(exam.sitting, by_s * 1000, "no network")
        exam.clock.to(seconds)
        await exam.phone.upload()

    return story


def offline(from_s: float, to_s: float) -> Story:
    """What is filmed from `from_s` to `to_s` is committed only then."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, from_s)
        await exam.phone.film(from_s, to_s, online=False)
        await exam.phone.film(to_s, 60)
        await exam.phone.upload()
        await ends(exam)

    return story


def waited(seconds: float) -> Story:
    """The last segment is committed `seconds` after it was captured."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 55)
        last = exam.phone.head(55, 60)
        exam.clock.to(60 + seconds)
        await exam.phone.commit(last.record)
        await exam.phone.upload()
        await exam.end(60)
        await exam.phone.manifest()

    return story


async def forked(exam: Exam) -> None:
    phone = exam.phone
    await phone.film(0, 30)
    run, newest = phone.runs[1], phone.newest
    saved = vars(run).copy()
    await phone.film(30, 60)
    after = vars(run).copy(), phone.newest
    vars(run).update(saved)
    phone.newest = newest
    other = phone.head(30, 34)
    phone.pieces.remove(other)
    with pytest.raises(PairingError) as refused:
        await phone.commit(other.record)
    assert refused.value.code == "chain_forked"
    vars(run).update(after[0])
    phone.newest = after[1]
    await phone.upload()
    await ends(exam)


def taken_over(at_s: float, *, delivered_later: bool = False, sampled: bool = True) -> Story:
    """Another phone films from `at_s` on; perhaps the first one's last piece comes only then."""

    async def story(exam: Exam) -> None:
        first = exam.phone
        await first.film(0, 25)
        last = first.head(25, 30)
        if not delivered_later:
            exam.clock.to(30)
            await first.commit(last.record)
        second = await exam.rebind(sampled=sampled)
        await second.film(at_s, 60)
        if delivered_later:
            await first.commit(last.record)
        exam.clock.to(60)
        await exam.end(60)
        for phone in (first, second):
            await phone.upload()
            await phone.manifest()

    return story


def run_without_sample(length_s: float, skew_ms: int = 90_000) -> Story:
    """After a gap of `length_s` a run that never met the server, on a wall clock that is wrong."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        phone.sampled = False
        await phone.film(20 + length_s, 60, run=2)
        await phone.upload()
        await ends(exam)

    return story


async def gap_without_sample(exam: Exam) -> None:
    """A gap inside one run: whatever the run's placement, its length is certain."""
    phone = exam.phone
    phone.sampled = False
    await phone.film(0, 20)
    phone.runs[1].media_us += 11_000_000
    await phone.film(31, 60)
    await phone.upload()
    await ends(exam)


def jumped(mono_s: float, media_s: float) -> Story:
    """Inside one run, after 20 s, the monotonic clock goes on `mono_s` later, the media `media_s` later."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        phone.runs[1].media_us += round(media_s * 1_000_000)
        await phone.film(20 + mono_s, 105, piece_s=10)
        await phone.upload()
        await ends(exam, 100)

    return story


def asleep(seconds: float) -> Story:
    """In the middle of a run the phone sleeps: its monotonic clock and its media stand still, and it films
    longer than R on either side.  The next clock sample shows it."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(-29, 20)
        phone.boot_ms += round(seconds * 1000)
        phone.sample_next = True
        await phone.film(20 + seconds, 100)
        await phone.upload()
        await ends(exam)

    return story


def still(step_s: float, *, segment_s: float = 30, packets: int = 60) -> Story:
    """Inside one segment no frame comes for `step_s`."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        found = {"max_step_us": round(step_s * 1_000_000), "packets": packets}
        await phone.film(20, 20 + segment_s, piece_s=segment_s, **found)
        await phone.film(20 + segment_s, 60)
        await phone.upload()
        await ends(exam)

    return story


async def still_at_the_end_of_a_segment(exam: Exam) -> None:
    """A last frame that claims to last 20 s: the step shows in the next segment, which is shorter than it."""
    phone = exam.phone
    await phone.film(0, 20)
    await phone.film(20, 44, piece_s=24)
    await phone.film(44, 48, piece_s=4, max_step_us=20_000_000)
    await phone.film(48, 60)
    await phone.upload()
    await ends(exam)


async def media_longer_than_its_clock(exam: Exam) -> None:
    """One segment captured in 5 s holds frames whose times span 40 s."""
    phone = exam.phone
    await phone.film(0, 15)
    phone.runs[1].media_us = 15_000_000
    stretched = script(15_000_000, 55_000_000)
    piece = phone.head(15, 20, media=stretched)
    exam.clock.to(20)
    await phone.commit(piece.record)
    phone.runs[1].media_us = 55_000_000
    await phone.film(55, 60)
    await phone.upload()
    await ends(exam)


def placed_ahead(by_s: float) -> Story:
    """The phone's clock sample puts its run `by_s` ahead of what the server's clock said at the commits."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        for start in range(0, 60, 5):
            piece = phone.head(start, start + 5)
            exam.clock.to(start + 5 - by_s)
            await phone.commit(piece.record)
        await phone.upload()
        exam.clock.to(60)
        await exam.end(60)
        await exam.phone.manifest()

    return story


def down(from_s: float, to_s: float, stored_s: float, *, told_at: float = 60) -> Story:
    """No process is alive from `from_s` to `to_s`; the phone films offline, and stores all at `stored_s`."""

    async def story(exam: Exam) -> None:
        steps: list[tuple[float, Callable[[], Awaitable[Any]]]] = [
            (told_at, lambda: exam.end(60)),
            (to_s, lambda: restarted(exam, from_s)),
        ]
        pieces = [exam.phone.head(start, start + 5) for start in range(0, 60, 5)]
        for moment, step in sorted(steps, key=lambda item: item[0]):
            exam.clock.to(moment)
            await step()
        exam.clock.to(max(to_s, told_at))
        await exam.phone.commit(*(piece.record for piece in pieces))
        await exam.phone.manifest()
        exam.clock.to(stored_s)
        await exam.phone.upload()

    return story


async def restarted(exam: Exam, last_alive_s: float) -> None:
    await exam.service.journal.alive("process", at(-60), at(last_alive_s))
    await exam.service.sweep.begin()


def failed(*outages: tuple[float, float], stored_s: float) -> Story:
    """The service's failures, as they are journalled."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        await ends(exam)
        for start, stop in outages:
            exam.clock.to(stop)
            await exam.journal(
                "deadline_moved", cause="service", from_ms=at(start), to_ms=at(stop), reason="failed"
            )
        exam.clock.to(stored_s)
        await exam.phone.upload()

    return story


def weighed(check: str, weight: str, **more: Any) -> dict[str, Any]:
    return {"checks": {check: weight}} | more


# --- the table ---------------------------------------------------------------------------------------

WINDOW = [
    Row("upload_window_s: stored 1 ms before the deadline", stored_at(79.999), COMPLETE, policy=SHORT),
    Row("upload_window_s: stored at the deadline", stored_at(80), COMPLETE, policy=SHORT),
    Row("upload_window_s: stored 1 ms after the deadline", stored_at(80.001), LATE, policy=SHORT),
    Row("upload_window_s: default, before", stored_at(3_659.999), COMPLETE),
    Row("upload_window_s: default, after", stored_at(3_660.001), LATE),
    Row("min_notice_s: stored 1 ms before the notice is over", stored_at(249.999, told_at=150), COMPLETE,
        policy=SHORT | {"min_notice_s": 100}),
    Row("min_notice_s: stored 1 ms after the notice is over", stored_at(250.001, told_at=150), LATE,
        policy=SHORT | {"min_notice_s": 100}),
    Row("min_notice_s: shorter than the window changes nothing", stored_at(80.001), LATE,
        policy=SHORT | {"min_notice_s": 19}),
    Row("extension: stored before the new deadline", extended(100, 179.999), COMPLETE, policy=SHORT),
    Row("extension: stored after the new deadline", extended(100, 180.001), LATE, policy=SHORT),
    Row("measured: stored in time, measured after the deadline", measured_at(500, judged_before=False),
        COMPLETE, policy=SHORT),
    Row("measured: the verdict waits while our worker fails", measured_at(500, judged_before=True), None,
        policy=SHORT),
]

GAPS = [
    Row("max_gap_s: a gap of exactly the limit is listed", one_gap(10), COMPLETE, gaps=1),
    Row("max_gap_s: a gap 1 ms longer", one_gap(10.001), INCOMPLETE, why("gap_too_long"), gaps=1),
    Row("max_gap_s: 0 lets the shortest listed gap fail", one_gap(0.5), INCOMPLETE,
        why("gap_too_long", "gaps_too_long"), {"max_gap_s": 0, "max_gap_total_s": 0}, gaps=1),
    Row("max_gap_s: shorter interruptions are not listed", one_gap(0.499), COMPLETE, gaps=0,
        policy={"max_gap_s": 0, "max_gap_total_s": 0}),
    Row("max_gap_total_s: gaps of exactly the limit together", gaps_of(6, 10), COMPLETE, gaps=6,
        length_s=200),
    Row("max_gap_total_s: half a second more", gaps_of(6, 10, 0.5), INCOMPLETE, why("gaps_too_long"), gaps=7,
        length_s=200),
    Row("gap: recording begins 10 s late", films((10, 60)), COMPLETE, gaps=1),
    Row("gap: recording begins 10.001 s late", films((10.001, 60)), INCOMPLETE, why("gap_too_long")),
    Row("gap: stopped 10 s before the end", films((0, 50)), COMPLETE, gaps=1, causes=why("stopped")),
    Row("gap: stopped 10.001 s before the end", films((0, 49.999)), INCOMPLETE, why("gap_too_long"),
        causes=why("stopped")),
    Row("gap: the phone says it stopped", stopped, INCOMPLETE, why("gap_too_long"), causes=why("stopped")),
    Row("gap: a cause explains", interrupted("call", 9), COMPLETE, gaps=1, causes=why("call")),
    Row("gap: a cause never excuses", interrupted("call", 11), INCOMPLETE, why("gap_too_long"), gaps=1,
        causes=why("call")),
    Row("gap: without a cause", one_gap(9), COMPLETE, gaps=1, causes=why("unknown")),
    Row("gap: two runs that overlap leave none", films((0, 31), (30, 60)), COMPLETE, gaps=0),
    Row("gap: undecodable media is one", with_problem("undecodable"), INCOMPLETE,
        why("gap_too_long", "undecodable_media"), gaps=1),
    Row("gap: undecodable media within the limit", with_problem("undecodable", pieces=2), COMPLETE, gaps=1,
        review=why("undecodable_media")),
    Row("gap: frames without times show nothing", without_times, INCOMPLETE, why("gap_too_long"), gaps=1),
    Row("gap: media with a lesser problem is shown", with_problem("no_audio"), COMPLETE, gaps=0,
        review=why("media_irregular")),
    Row("waived: a gap", waived("gap_too_long", one_gap(20)), COMPLETE, gaps=1),
    Row("waived: another reason does not help", waived("fork", one_gap(20)), INCOMPLETE, why("gap_too_long")),
]

CLOCKS = [
    Row("clock: recorder's slices up to 1 s late are no gap", jumped(1.0, 0), COMPLETE, gaps=0,
        policy={"max_gap_s": 0, "max_gap_total_s": 0}, length_s=100),
    Row("clock: monotonic clock jumped, media claims to be continuous", jumped(60, 0), INCOMPLETE,
        why("gap_too_long"), gaps=1, length_s=100, policy={"max_gap_total_s": 60}),
    Row("clock: both jumped", jumped(11, 11), INCOMPLETE, why("gap_too_long"), gaps=1, length_s=100),
    Row("clock: media jumped alone: what it shows counts, where the monotonic clock says",
        jumped(0, 11), COMPLETE, gaps=0, length_s=100, review=why("clock_drift")),
    Row("clock: the phone slept for 11 s in the middle of a run", asleep(11), INCOMPLETE,
        why("gap_too_long"), gaps=1),
    Row("clock: the phone slept for 9 s", asleep(9), COMPLETE, gaps=1),
    Row("clock: samples that agree make no step", asleep(0), COMPLETE, gaps=0),
    Row("clock: frames stood still for 10 s", still(10), COMPLETE, gaps=1),
    Row("clock: frames stood still for 10.001 s", still(10.001), INCOMPLETE, why("gap_too_long"), gaps=1),
    Row("clock: a frame every two seconds is half of a recording", still(2, packets=10, segment_s=20),
        COMPLETE, gaps=1, policy={"max_gap_s": 10}),
    Row("clock: a frame every three seconds is less", still(3, packets=10, segment_s=30), INCOMPLETE,
        why("gap_too_long"), gaps=1),
    Row("clock: frames a second apart still count as recording", still(1), COMPLETE, gaps=0),
    Row("clock: frames stood still from a segment into the next", still_at_the_end_of_a_segment, INCOMPLETE,
        why("gap_too_long"), gaps=1),
    Row("clock: media cannot outlast the clock it was captured by", media_longer_than_its_clock, INCOMPLETE,
        why("gap_too_long"), gaps=1),
    Row("clock: nothing shows what came after its commit", placed_ahead(30), INCOMPLETE,
        why("gap_too_long", "gaps_too_long"), policy={"max_gap_total_s": 20}),
    Row("clock: a little ahead is the phone's own clock", placed_ahead(1), COMPLETE, gaps=0),
    Row("clock: no sample: placed by wall time, the rest is uncertainty", run_without_sample(4), COMPLETE,
        policy={"max_gap_s": 0, "max_gap_total_s": 0}, phone={"skew_ms": 90_000}, gaps=1),
    Row("clock: no sample: a gap beyond the uncertainty", run_without_sample(15.001), INCOMPLETE,
        why("gap_too_long"), phone={"skew_ms": 90_000}, gaps=1),
    Row("clock: no sample: a gap inside one run is certain", gap_without_sample, INCOMPLETE,
        why("gap_too_long"), gaps=1),
    Row("clock: a round trip of ten minutes hides no gap", one_gap(20.001), INCOMPLETE, why("gap_too_long"),
        gaps=1, phone={"rtt_ms": 600_000}),
]

REQUIRED = [
    Row("required: from start to end", whole, COMPLETE, gaps=0, missing=0, off=why("media_irregular")),
    Row("required: no phone entry inside", nothing_filmed, INCOMPLETE, why("no_recording"), policy=SHORT),
    Row("required: media outside R does not count", only_outside, INCOMPLETE, why("gap_too_long"), gaps=1),
    Row("required: an end before the window's", ended_early, COMPLETE),
    Row("required: the last end counts", ended_twice, COMPLETE),
    Row("required: without end, before window.end + upload_window_s", without_end(79.999), None,
        policy=SHORT),
    Row("required: without end, at window.end + upload_window_s", without_end(80), COMPLETE, policy=SHORT),
    Row("manifest: none, before the deadline", without_manifest(79.999), None, policy=SHORT),
    Row("manifest: none, at the deadline", without_manifest(80), COMPLETE, policy=SHORT,
        review=why("no_manifest")),
    Row("manifest: recorded on since, before the deadline", without_manifest(79.999, stale=True), None,
        policy=SHORT),
    Row("manifest: the newest one", listed_again, COMPLETE, off=why("no_manifest")),
    Row("missing: at the deadline", held_back(), INCOMPLETE, why("missing_media"), SHORT, missing=1, gaps=0),
    Row("missing: delivered afterwards", held_back(90), LATE, policy=SHORT, version=2, missing=0),
    Row("missing: outside R", held_back(outside=True), COMPLETE, policy=SHORT, missing=0),
    Row("rebind: a second generation covers", taken_over(30), COMPLETE, gaps=0),
    Row("rebind: the time between is a gap", taken_over(40.001), INCOMPLETE, why("gap_too_long"), gaps=1),
    Row("rebind: the first phone's wrong wall clock misplaces no run of the second",
        taken_over(30, sampled=False), COMPLETE, gaps=0, phone={"skew_ms": 3_600_000}),
    Row("rebind: what the first phone delivers later is listed", taken_over(30, delivered_later=True),
        COMPLETE, gaps=0, review=why("committed_late")),
]

CHECKS = [
    row
    for check in ("scan", "placement", "continuity", "anchor")
    for row in (
        Row(f"checks: {check} required, but not measured", whole, INCOMPLETE, why(f"{check}_not_measured"),
            weighed(check, "required")),
        Row(f"checks: {check} for review", whole, COMPLETE, policy=weighed(check, "review"),
            review=why(f"{check}_not_measured")),
        Row(f"checks: {check} off", whole, COMPLETE, policy=weighed(check, "off"),
            off=why(f"{check}_not_measured")),
    )
] + [
    Row("checks: committed_late: offline for 10 s", offline(20, 30), COMPLETE, off=why("committed_late")),
    Row("checks: committed_late: 30 s after capture", waited(30), COMPLETE, off=why("committed_late")),
    Row("checks: committed_late: 30.001 s after capture", waited(30.001), COMPLETE,
        review=why("committed_late")),
    Row("checks: committed_late: a round trip of ten minutes hides nothing", waited(40), COMPLETE,
        review=why("committed_late"), phone={"rtt_ms": 600_000}),
    Row("checks: committed_late: offline for 60 s", offline(0, 60), COMPLETE, review=why("committed_late")),
    Row("checks: committed_late required", offline(0, 60), INCOMPLETE, why("committed_late"),
        weighed("committed_late", "required")),
    Row("checks: committed_late off", offline(0, 60), COMPLETE, policy=weighed("committed_late", "off"),
        off=why("committed_late")),
    Row("checks: fork for review", forked, COMPLETE, review=why("fork")),
    Row("checks: fork required", forked, INCOMPLETE, why("fork"), weighed("fork", "required")),
    Row("checks: fork off", forked, COMPLETE, policy=weighed("fork", "off"), off=why("fork")),
    Row("checks: fork required and none there", whole, COMPLETE, policy=weighed("fork", "required")),
    Row("waived: a required check", waived("scan_not_measured", whole), COMPLETE,
        policy=weighed("scan", "required")),
]

DOWNTIME = [
    Row("downtime: inside [end, deadline], stored before the moved deadline", down(65, 75, 90), COMPLETE,
        policy=SHORT),
    Row("downtime: inside [end, deadline], stored after it", down(65, 75, 90.001), LATE, policy=SHORT),
    Row("downtime: from before the end: only what is after it counts", down(40, 70, 90), COMPLETE,
        policy=SHORT),
    Row("downtime: from before the end, later than that", down(40, 70, 90.001), LATE, policy=SHORT),
    Row("downtime: up to the end", down(40, 60, 80.001), LATE, policy=SHORT),
    Row("downtime: before the end", down(10, 40, 80.001), LATE, policy=SHORT),
    Row("downtime: past the old deadline, its whole length", down(79, 200, 201), COMPLETE, policy=SHORT),
    Row("downtime: past the old deadline, later than that", down(79, 200, 201.001), LATE, policy=SHORT),
    Row("downtime: begins at the deadline", down(80, 100, 100), COMPLETE, policy=SHORT),
    Row("downtime: begins after the deadline", down(80.001, 100, 100), LATE, policy=SHORT),
    Row("downtime: the end is told afterwards, for a moment inside", down(50, 75, 95, told_at=76), COMPLETE,
        policy=SHORT),
    Row("downtime: the end is told afterwards, later than that", down(50, 75, 95.001, told_at=76), LATE,
        policy=SHORT),
    Row("downtime: overlaps count once", failed((65, 75), (70, 78), stored_s=93), COMPLETE, policy=SHORT),
    Row("downtime: overlaps count once, later than that", failed((65, 75), (70, 78), stored_s=93.001), LATE,
        policy=SHORT),
    Row("downtime: a second one touches the moved deadline", failed((65, 75), (85, 90), stored_s=95),
        COMPLETE, policy=SHORT),
    Row("downtime: a second one begins after the moved deadline", failed((65, 75), (90.001, 95), stored_s=95),
        LATE, policy=SHORT),
]

TABLE = [*WINDOW, *GAPS, *CLOCKS, *REQUIRED, *CHECKS, *DOWNTIME]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
async def test_policy(service: Service, row: Row) -> None:
    exam = await Exam.begin(service, policy=row.policy, length_s=row.length_s, **row.phone)
    await row.story(exam)
    verdict = await exam.verdict()
    if row.word is None:
        assert verdict is None
        return
    assert verdict is not None
    assert (verdict["word"], codes(verdict["reasons"])) == (row.word, set(row.reasons))
    assert verdict["version"] == row.version
    assert row.review <= codes(verdict["review"])
    assert not row.off & (codes(verdict["review"]) | codes(verdict["reasons"]))
    assert row.gaps is None or len(verdict["gaps"]) == row.gaps
    assert row.missing is None or len(verdict["missing"]) == row.missing
    assert row.causes is None or {gap["cause"] for gap in verdict["gaps"]} == set(row.causes)
