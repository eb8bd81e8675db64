"""The policy as a table: each row of design.md's policy, with an example on either side of its limit.

Every row is one sitting of 60 s (R = [0, 60]; times in seconds after its start), and one of the `stories`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from evidence_server.verdict import COMPLETE, INCOMPLETE, LATE
from tests.sittings import Exam, Service, codes
from tests.verdict.stories import (
    Story,
    asleep,
    down,
    ended_early,
    ended_twice,
    extended,
    failed,
    films,
    forked,
    gap_without_sample,
    gaps_of,
    held_back,
    interrupted,
    jumped,
    listed_again,
    measured_at,
    media_longer_than_its_clock,
    nothing_filmed,
    offline,
    one_gap,
    only_outside,
    placed_ahead,
    run_without_sample,
    short_runs_without_sample,
    still,
    still_at_the_end_of_a_segment,
    stopped,
    stored_at,
    taken_over,
    waited,
    waived,
    whole,
    with_problem,
    without_end,
    without_manifest,
    without_times,
)

SHORT = {"upload_window_s": 20, "min_notice_s": 0}
"""Deadline: 80, if the end is told at 60."""


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


def weighed(check: str, weight: str) -> dict[str, Any]:
    return {"checks": {check: weight}}


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
    Row("clock: no sample: two vague pauses are forgiven", short_runs_without_sample(2), COMPLETE,
        policy={"max_gap_total_s": 0, "max_gap_s": 0}, gaps=2),
    Row("clock: no sample: vague pauses do not add up to half an exam", short_runs_without_sample(5),
        INCOMPLETE, why("gaps_too_long"), policy={"max_gap_total_s": 10}, gaps=5),
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

CHECKS = [  # scan, placement, continuity and anchor: tests/watch/test_checks.py
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
    Row("waived: a required check", waived("scan_missing", whole), COMPLETE,
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
