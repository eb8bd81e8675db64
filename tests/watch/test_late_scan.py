"""A scan whose film comes last: it is waited for until the deadline, and late after it."""

from __future__ import annotations

import pytest

from evidence_server.sitting import QUIET_MS
from evidence_server.verdict import COMPLETE, LATE
from tests.sittings import Exam, Service, codes
from tests.watch.test_checks import ACCEPT, REVIEW, scan


async def film_the_exam(exam: Exam) -> None:
    """Films from the scan's end on and delivers all that is not kept back; the exam ends."""
    await exam.phone.film(-8, 60)
    await exam.phone.upload()
    exam.clock.to(60)
    await exam.end(60)


@pytest.mark.parametrize(("weight", "late_s", "word"), [
    ("required", 0, COMPLETE), ("required", 10, COMPLETE), ("required", 21, LATE), ("review", 21, COMPLETE),
])
async def test_a_scan_that_arrives_after_all_else_is_waited_for_until_the_deadline(
    service: Service, weight: str, late_s: float, word: str
) -> None:
    """Phones try again first what failed least: the oldest may come last."""
    policy = {"upload_window_s": 20, "min_notice_s": 0, "checks": {"scan": weight}}
    exam = await Exam.begin(service, policy=policy)
    piece = await scan(exam, -28, -8, ACCEPT)
    piece.kept = True
    await film_the_exam(exam)
    await exam.phone.manifest()
    assert await exam.verdict() is None
    exam.clock.to(60 + late_s)
    early = await exam.verdict()
    assert (early is None) == (late_s < 20)
    await exam.phone.upload(piece)
    exam.clock.to(60 + late_s + QUIET_MS / 1000)
    verdict = await exam.verdict()
    assert verdict is not None
    assert (verdict["word"], verdict["reasons"]) == (word, [])
    assert verdict["late"]["segments"] == (word == LATE)


async def test_of_two_good_scans_the_one_that_came_in_time_counts(service: Service) -> None:
    policy = {"upload_window_s": 20, "min_notice_s": 0, "checks": {"scan": "required"}}
    exam = await Exam.begin(service, policy=policy)
    await scan(exam, -28, -18, REVIEW)
    again = await scan(exam, -18, -8, ACCEPT)
    again.kept = True
    await film_the_exam(exam)
    exam.clock.to(85)
    await exam.phone.upload(again)
    exam.clock.to(85 + QUIET_MS / 1000)
    verdict = await exam.verdict()
    assert verdict is not None
    assert (verdict["word"], "scan_review" in codes(verdict["review"])) == (COMPLETE, True)
