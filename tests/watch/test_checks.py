"""What the four checks say for the verdict: scans, placement, continuity and the laptop's marker (E5-E7).

The eyes are scripted (`tests.sittings.ScriptedEyes`), everything else is the product's.  An exam of 60 s; the
phone scans and is placed in the half minute before it unless a test says otherwise.
"""

from __future__ import annotations

from typing import Any

import pytest

from evidence_server.anchor import code_at, slot_of
from evidence_server.seen import picture_name
from evidence_server.verdict import COMPLETE, INCOMPLETE
from tests.sittings import Exam, Piece, Service, at, codes

REQUIRED = {"checks": {"scan": "required", "placement": "required", "continuity": "required"}}
REPEAT = {"accepted": "repeat", "reasons": [{"code": "coverage", "from_deg": 200}, {"code": "fast"}]}
ACCEPT: dict[str, Any] = {"accepted": "accept", "reasons": []}
REVIEW = {"accepted": "review", "reasons": [{"code": "featureless"}]}
PLACED = {"ok": True, "missing": []}


async def scan(exam: Exam, from_s: float, to_s: float, result: dict[str, Any], *, run: int = 1) -> Piece:
    """A room scan in one segment, of which this is measured."""
    await exam.phone.commit(exam.phone.note("scan_begin", from_s, run=run))
    note = exam.phone.note("scan_end", to_s, run=run)
    piece = exam.phone.head(from_s, to_s, run=run, scan=result)
    exam.clock.to(to_s)
    await exam.phone.commit(note, piece.record)
    return piece


async def place(exam: Exam, seconds: float, result: dict[str, Any], *, run: int = 1) -> Piece:
    """The phone is placed, and 8 s are filmed, of which this is measured."""
    note = exam.phone.note("placed", seconds, run=run)
    piece = exam.phone.head(seconds, seconds + 8, run=run, placement=result)
    exam.clock.to(seconds + 8)
    await exam.phone.commit(note, piece.record)
    return piece


async def finish(exam: Exam, from_s: float = 0, **film: Any) -> dict[str, Any]:
    """Films to the end of the exam, uploads all of it; the verdict."""
    await exam.phone.film(from_s, 60, **film)
    await exam.phone.upload()
    exam.clock.to(60)
    await exam.end(60)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    return verdict


async def prepared(exam: Exam) -> None:
    """A good scan and a good placement before the exam."""
    await scan(exam, -28, -8, ACCEPT)
    await place(exam, -8, PLACED)


def shows(kind: str, start_s: float, end_s: float | None, now_s: float = 0) -> dict[str, Any]:
    """What the eye says of a run in which one thing is seen, from its first second on; open without end."""
    row = {
        "kind": kind, "start_us": round(start_s * 1e6), "end_us": round((end_s or now_s) * 1e6),
        "confidence_percent": 90,
    }
    return {"closed": [] if end_s is None else [row], "open": [row] if end_s is None else [], "markers": []}


async def test_all_four_seen_and_well(service: Service) -> None:
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    verdict = await finish(exam)
    assert (verdict["word"], verdict["reasons"]) == (COMPLETE, [])
    assert verdict["review"] == [{"code": "anchor_not_measured"}]  # the scripts say nothing of markers


@pytest.mark.parametrize(("answers", "word", "reasons", "review"), [
    ([ACCEPT], COMPLETE, set(), set()),
    ([REPEAT], INCOMPLETE, {"scan_repeat"}, set()),
    ([REPEAT, ACCEPT], COMPLETE, set(), set()),
    ([ACCEPT, REPEAT], COMPLETE, set(), set()),
    ([REPEAT, REVIEW], COMPLETE, set(), {"scan_review"}),
    ([REPEAT, REPEAT], INCOMPLETE, {"scan_repeat"}, set()),
    ([], INCOMPLETE, {"scan_missing"}, set()),
])
async def test_a_required_scan(
    service: Service, answers: list[dict[str, Any]], word: str, reasons: set[str], review: set[str]
) -> None:
    exam = await Exam.begin(service, policy={"checks": {"scan": "required"}})
    for number, answer in enumerate(answers):
        await scan(exam, -28 + 9 * number, -20 + 9 * number, answer)
    verdict = await finish(exam)
    assert (verdict["word"], codes(verdict["reasons"])) == (word, reasons)
    assert review <= codes(verdict["review"])
    if reasons == {"scan_repeat"}:
        assert verdict["reasons"][0]["why"] == ["coverage", "fast"]


async def test_a_scan_for_review_never_changes_the_word(service: Service) -> None:
    exam = await Exam.begin(service, policy={"checks": {"scan": "review"}})
    await scan(exam, -28, -10, REPEAT)
    verdict = await finish(exam)
    assert verdict["word"] == COMPLETE
    assert "scan_repeat" in codes(verdict["review"])


@pytest.mark.parametrize("check", ["scan", "placement", "continuity", "anchor"])
@pytest.mark.parametrize("weight", ["required", "review", "off"])
async def test_not_measured_is_said(service: Service, check: str, weight: str) -> None:
    service.watcher = service.new_watcher(blind=True)
    service.sweep = service.new_sweep()
    exam = await Exam.begin(service, policy={"checks": {"scan": "review", check: weight}})
    await prepared(exam)
    verdict = await finish(exam)
    code = f"{check}_not_measured"
    assert verdict["word"] == (INCOMPLETE if weight == "required" else COMPLETE)
    assert (code in codes(verdict["reasons"])) == (weight == "required")
    assert (code in codes(verdict["review"])) == (weight == "review")


@pytest.mark.parametrize(("answers", "finding"), [
    ([PLACED], None),
    ([{"ok": False, "missing": ["screen"]}], {"code": "placement_failed", "missing": ["screen"]}),
    ([{"ok": False, "missing": ["screen"]}, PLACED], None),
    ([], {"code": "placement_missing"}),
])
async def test_a_required_placement(
    service: Service, answers: list[dict[str, Any]], finding: dict[str, Any] | None
) -> None:
    exam = await Exam.begin(service, policy={"checks": {"scan": "off", "placement": "required"}})
    for number, answer in enumerate(answers):
        await place(exam, -20 + 10 * number, answer)
    verdict = await finish(exam)
    assert verdict["reasons"] == ([finding] if finding else [])


async def test_what_was_seen_is_on_the_servers_clock(service: Service) -> None:
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)  # 28 s of film before the exam
    verdict = await finish(exam, seen=shows("black", 36, 41))
    start_ms, end_ms = (verdict["required_ms"][0] + ms for ms in (8_000, 13_000))
    expected = {
        "code": "continuity_failed", "kind": "black", "start_ms": start_ms, "end_ms": end_ms,
        "confidence_percent": 90,
    }
    assert (verdict["word"], verdict["reasons"]) == (INCOMPLETE, [expected])
    assert verdict["continuity"] == [{"kind": "black", "count": 1, "total_ms": 5_000}]


async def test_early_flickers_do_not_hide_an_hour_without_anybody(service: Service) -> None:
    """Of each kind the longest are listed, and all are counted."""
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    flickers = [shows("black", 29 + n / 4, 29.1 + n / 4)["closed"][0] for n in range(80)]
    flickers.append(shows("black", 55, 60)["closed"][0])
    absent = shows("absent", 60, 80)["closed"]
    verdict = await finish(exam, seen={"closed": flickers + absent, "open": [], "markers": []})
    listed = [(one["kind"], one["end_ms"] - one["start_ms"]) for one in verdict["reasons"]]
    assert listed == [("black", 100)] * 9 + [("black", 5_000), ("absent", 20_000)]
    assert verdict["continuity"] == [
        {"kind": "absent", "count": 1, "total_ms": 20_000},
        {"kind": "black", "count": 81, "total_ms": 13_000},
    ]


async def test_a_stretch_that_is_joined_with_a_later_one_ends_later(service: Service) -> None:
    """Beyond a hundred of a kind the eye joins what it sees with the last: that must not be lost."""
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    await exam.phone.film(0, 10, seen=shows("black", 30, 31))
    await exam.phone.film(10, 30, seen=shows("black", 30, None, 58))
    verdict = await finish(exam, 30, seen=shows("black", 30, 75))
    [reason] = verdict["reasons"]
    assert (reason["start_ms"], reason["end_ms"]) == (at(2), at(47))
    assert verdict["continuity"] == [{"kind": "black", "count": 1, "total_ms": 45_000}]


async def test_a_finding_names_its_thumbnail(service: Service) -> None:
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    seen = shows("black", 36, 41)
    start_us = seen["closed"][0]["start_us"]
    seen["pictures"] = [{"kind": "black", "start_us": start_us, "jpeg": b"a picture"}]
    # What the eye says goes through scripts, which hold no bytes.
    follow = service.eyes.follow

    async def shown(*args: Any, **facts: Any) -> dict[str, Any]:
        await follow(*args, **facts)
        return seen

    service.eyes.follow = shown
    verdict = await finish(exam)
    assert [one["picture"] for one in verdict["reasons"]] == [picture_name(b"a picture")]


@pytest.mark.parametrize(("start_s", "end_s", "counts"), [
    (2, 15, False),  # while the candidate turns
    (18, 20, False),  # until the phone is placed
    (20, 23.9, False),  # placed, and the picture settles
    (24.1, 28, False),  # before the exam
    (24.1, 28.1, True),  # it was placed, and this reaches into the exam
    (2, 30, True),  # it began in hands and did not end with that
    (88, 95, False),  # after the end
])
async def test_hands_are_not_held_against_a_candidate(
    service: Service, start_s: float, end_s: float, counts: bool
) -> None:
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    verdict = await finish(exam, seen=shows("moved", start_s, end_s))
    assert (codes(verdict["reasons"]) == {"continuity_failed"}) == counts, verdict["reasons"]


async def test_a_scan_amid_the_exam_is_no_alarm_but_hides_nothing_else(service: Service) -> None:
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    await exam.phone.film(0, 10)
    await scan(exam, 10, 20, ACCEPT)
    await place(exam, 20, PLACED)
    spans = [shows("moved", 39, 47)["closed"][0], shows("absent", 70, 74)["closed"][0]]
    verdict = await finish(exam, 28, seen={"closed": spans, "open": [], "markers": []})
    assert [reason.get("kind") for reason in verdict["reasons"]] == ["absent"], verdict["reasons"]


async def test_a_gap_in_the_film_does_not_shift_what_was_seen(service: Service) -> None:
    """Media times stand still where nothing is recorded."""
    exam = await Exam.begin(service, policy=REQUIRED | {"max_gap_s": 20})
    await prepared(exam)
    await exam.phone.film(0, 20)
    verdict = await finish(exam, 35, run=2, seen=shows("black", 5, 7))
    [reason] = verdict["reasons"]
    assert reason["start_ms"] - verdict["required_ms"][0] == 40_000


def marker(service: Service, seconds: float, off: int = 0) -> list[int]:
    """What a picture shows that far into the film (28 s of which are before the exam): a look and a code."""
    shown = slot_of(at(seconds - 28)) + off
    return [round(seconds * 1e6), code_at(service.identity.anchor_key("s_1"), shown)]


@pytest.mark.parametrize(("off", "why"), [
    (0, set()), (-4, {"wrong_sequence", "not_seen"}), (3, {"wrong_sequence", "not_seen"}),
    (None, {"not_seen"}),
])
async def test_the_laptops_marker(service: Service, off: int | None, why: set[str]) -> None:
    """Right; of an earlier hour; of later; none at all.  Each segment is looked at once (E6: anchor)."""
    exam = await Exam.begin(service, policy={"checks": {"scan": "off", "anchor": "required"}}, length_s=400)
    await prepared(exam)
    for moment in range(0, 400, 10):
        look = marker(service, moment + 30, off or 0)
        await exam.phone.film(
            moment, moment + 10, piece_s=10, seen={"markers": [look if off is not None else look[:1]]}
        )
    await exam.phone.upload()
    exam.clock.to(400)
    await exam.end(400)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    assert {reason["why"] for reason in verdict["reasons"]} == why
    assert verdict["word"] == (INCOMPLETE if why else COMPLETE)


async def test_a_neighbours_marker_is_only_listed(service: Service) -> None:
    exam = await Exam.begin(service, policy={"checks": {"scan": "off", "anchor": "required"}})
    await prepared(exam)
    for moment in range(0, 60, 10):
        look = [*marker(service, moment + 30), code_at(b"another sitting's", slot_of(at(moment)))]
        await exam.phone.film(moment, moment + 10, piece_s=10, seen={"markers": [look]})
    verdict = await finish(exam, 60)
    assert verdict["word"] == COMPLETE
    [listed] = [item for item in verdict["review"] if item["code"] == "anchor_failed"]
    assert listed["why"] == "foreign"


async def test_the_answer_comes_while_the_candidate_is_there(service: Service) -> None:
    """Before the end, without a manifest: as soon as the last byte of the scan is stored (E5)."""
    exam = await Exam.begin(service)
    await exam.phone.commit(exam.phone.note("scan_begin", -28))
    first = exam.phone.head(-28, -20)
    await exam.phone.commit(first.record)
    await exam.phone.upload(first)
    state = await exam.settle()
    [generation] = state.generations
    note = generation.notes[0].name
    assert service.watcher.progress(state.id, note) == {"yaw_deg": 0, "sectors": [0]}
    assert not generation.seen.scans
    last = exam.phone.note("scan_end", -15)
    rest = exam.phone.head(-20, -12, scan=REPEAT)
    await exam.phone.commit(last, rest.record)
    assert not (await exam.settle()).generations[0].seen.scans
    await exam.phone.upload(rest)
    assert (await exam.settle()).generations[0].seen.scans[note].result == REPEAT


async def test_of_any_number_of_scans_the_newest_count(service: Service) -> None:
    exam = await Exam.begin(service, policy={"checks": {"scan": "required"}})
    await scan(exam, -28, -20, ACCEPT)
    for number in range(25):
        await exam.phone.commit(exam.phone.note("scan_begin", -20 + number / 5))
    await exam.phone.commit(exam.phone.note("scan_end", -14))
    await exam.phone.film(-20, 0, scan=REPEAT)
    verdict = await finish(exam)
    assert codes(verdict["reasons"]) == {"scan_repeat"}
    assert len((await exam.settle()).generations[0].seen.scans) <= 21


@pytest.mark.parametrize(("times", "answer"), [(1, "accept"), (3, "accept"), (4, "repeat")])
async def test_an_eye_that_forgets_reads_again_and_not_for_ever(
    service: Service, times: int, answer: str
) -> None:
    exam = await Exam.begin(service)
    piece = await scan(exam, -28, -10, ACCEPT)
    service.eyes.forgetful = times
    await exam.phone.upload(piece)
    [measured] = (await exam.settle()).generations[0].seen.scans.values()
    assert measured.result["accepted"] == answer


async def test_a_scan_ends_with_its_run(service: Service) -> None:
    """The phone was killed amid the scan: what there is of it is measured, the next one counts."""
    exam = await Exam.begin(service, policy={"checks": {"scan": "required"}})
    await exam.phone.commit(exam.phone.note("scan_begin", -28))
    await exam.phone.film(-28, -20, scan=REPEAT)
    await scan(exam, -15, -5, ACCEPT, run=2)
    verdict = await finish(exam, run=2)
    assert verdict["word"] == COMPLETE
    assert len((await exam.settle()).generations[0].seen.scans) == 2


async def test_what_was_missing_is_looked_at_again(service: Service) -> None:
    policy = {"upload_window_s": 20, "min_notice_s": 0} | REQUIRED
    exam = await Exam.begin(service, policy=policy)
    await prepared(exam)
    film = await exam.phone.film(0, 60, seen=shows("black", 36, 41))
    film[3].kept = True
    await exam.phone.upload()
    exam.clock.to(60)
    await exam.end(60)
    await exam.phone.manifest()
    exam.clock.to(80)
    verdict = await exam.verdict()
    assert verdict is not None
    assert codes(verdict["reasons"]) == {"missing_media", "continuity_failed"}
    look = (await exam.settle()).generations[0].seen.looks[1]
    assert (look.upto, look.skipped) == (14, (5,))
    await exam.phone.upload(film[3])
    exam.clock.to(120)
    verdict = await exam.verdict()
    assert verdict is not None
    assert (verdict["version"], codes(verdict["reasons"])) == (2, {"continuity_failed"})
    look = (await exam.settle()).generations[0].seen.looks[1]
    assert (look.upto, look.skipped, len(look.spans)) == (14, (), 1)


async def test_what_lies_behind_the_end_and_never_comes_is_not_waited_for(service: Service) -> None:
    """Phones do not upload what they record after the end; it is committed, and missing for ever."""
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    film = await exam.phone.film(0, 75)
    for piece in film[-3:]:
        piece.kept = True
    await exam.phone.upload()
    await exam.end(60)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    assert (verdict["word"], verdict["reasons"]) == (COMPLETE, [])
    exam.clock.to(10_000)  # long past the deadline: there is nothing left to do, again and again
    await exam.settle()
    assert not service.watcher.waits(await exam.settle())


async def test_another_process_goes_on_where_the_journal_ends(service: Service) -> None:
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    await exam.phone.film(0, 30, seen=shows("black", 36, 41))
    await exam.phone.upload()
    await exam.settle()
    service.watcher = service.new_watcher()
    service.sweep = service.new_sweep()
    verdict = await finish(exam, 30, seen=shows("black", 36, 41))
    assert [reason["kind"] for reason in verdict["reasons"]] == ["black"]
    assert len((await exam.settle()).generations[0].seen.looks[1].closed) == 1


async def test_an_alarm_is_told_at_once_and_again_when_it_is_over(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 10)
    await exam.phone.film(10, 15, seen=shows("covered", 12, None, 15))
    await exam.phone.upload()
    look = (await exam.settle()).generations[0].seen.looks[1]
    assert [(span.kind, span.end_us) for span in look.open] == [("covered", 15_000_000)]
    await exam.phone.film(15, 20, seen=shows("covered", 12, 17))
    await exam.phone.upload()
    look = (await exam.settle()).generations[0].seen.looks[1]
    assert ([span.kind for span in look.closed], look.open) == (["covered"], [])


async def test_while_nothing_happens_little_is_journalled(service: Service) -> None:
    exam = await Exam.begin(service, length_s=600)
    await exam.phone.film(0, 500)
    await exam.phone.upload()
    await exam.settle()
    looked = [event for event in await service.journal.read(exam.sitting) if event.kind == "looked"]
    assert len(looked) == 100 // 15


async def test_the_verdict_waits_for_our_own_failure(service: Service) -> None:
    exam = await Exam.begin(service, policy=REQUIRED)
    await prepared(exam)
    await exam.phone.film(0, 60)
    await exam.phone.upload()
    service.eyes.broken = True
    exam.clock.to(60)
    await exam.end(60)
    await exam.phone.manifest()
    assert await exam.verdict() is None
    exam.clock.to(10_000)
    assert await exam.verdict() is None
    service.eyes.broken = False
    verdict = await exam.verdict()
    assert verdict is not None
    assert verdict["word"] == COMPLETE


async def test_the_phones_orientation_is_waited_for(service: Service) -> None:
    """Committed with the scan, it is part of what the scan is measured by."""
    exam = await Exam.begin(service)
    piece = await scan(exam, -28, -10, ACCEPT)
    turned = exam.phone.head(
        -28, -10, run=2, source="orientation", container="application/json",
        media=b'{"samples": [[0, 1, 2, 3]]}',
    )
    await exam.phone.commit(turned.record)
    await exam.phone.upload(piece)
    assert not (await exam.settle()).generations[0].seen.scans
    await exam.phone.upload(turned)
    assert (await exam.settle()).generations[0].seen.scans
