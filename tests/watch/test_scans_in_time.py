"""When a room scan was made, and by which phone: what came late or from a phone before is for review (E5)."""

from __future__ import annotations

from typing import Any

from evidence_server.hands import HANDLING_MS
from evidence_server.verdict import COMPLETE
from tests.sittings import Exam, Phone, Service, at, codes
from tests.watch.test_checks import ACCEPT, REPEAT, REVIEW, finish, scan

POLICY = {"checks": {"scan": "required"}}
LIMIT_S = HANDLING_MS // 1_000
NOTED = {"scan_late", "scan_other_phone", "scan_review"}


async def noted(exam: Exam, from_s: float, **film: Any) -> tuple[str, set[str]]:
    """The verdict's word, and what it says of the scan for review."""
    verdict = await finish(exam, from_s, **film)
    return verdict["word"], codes(verdict["review"]) & NOTED


async def test_a_scan_after_the_start_is_late(service: Service) -> None:
    exam = await Exam.begin(service, policy=POLICY)
    await exam.phone.film(-28, 10)
    await scan(exam, 10, 20, ACCEPT)
    verdict = await finish(exam, 20)
    assert verdict["word"] == COMPLETE
    [late] = [one for one in verdict["review"] if one["code"] == "scan_late"]
    assert (late["start_ms"], late["end_ms"]) == (at(10), at(20))


async def test_a_scan_that_goes_on_into_the_exam_is_late(service: Service) -> None:
    exam = await Exam.begin(service, policy=POLICY)
    await scan(exam, -10, 5, ACCEPT)
    assert await noted(exam, 5) == (COMPLETE, {"scan_late"})


async def test_a_scan_that_support_asks_for_does_not_undo_the_one_in_time(service: Service) -> None:
    exam = await Exam.begin(service, policy=POLICY)
    await scan(exam, -28, -8, ACCEPT)
    await exam.phone.film(-8, 10)
    await scan(exam, 10, 20, REVIEW)
    assert await noted(exam, 20) == (COMPLETE, set())


async def test_only_the_late_one_is_good(service: Service) -> None:
    exam = await Exam.begin(service, policy=POLICY)
    await scan(exam, -28, -8, REPEAT)
    await exam.phone.film(-8, 10)
    await scan(exam, 10, 20, REVIEW)
    assert await noted(exam, 20) == (COMPLETE, {"scan_late", "scan_review"})


async def test_without_a_planned_start_ten_minutes_are_the_beginning(service: Service) -> None:
    for name, begin_s, expected in (("s_1", 300, set()), ("s_2", LIMIT_S + 1, {"scan_late"})):
        service.clock.now_ms = at(0)
        await service.binder.create(name, "oral", None, None, POLICY)
        phone = Phone(service, name)
        await phone.bind()
        exam = Exam(service, name, phone)
        await phone.film(0, begin_s, piece_s=30)
        await scan(exam, begin_s, begin_s + 20, ACCEPT)
        await phone.upload()
        await exam.end(begin_s + 20)
        await phone.manifest()
        verdict = await exam.verdict()
        assert verdict is not None
        assert (verdict["word"], codes(verdict["review"]) & NOTED) == (COMPLETE, expected)


async def replaced(exam: Exam, *scans: dict[str, Any]) -> tuple[str, set[str]]:
    """Another phone takes over at 10 s, and makes these scans."""
    await scan(exam, -28, -8, ACCEPT)
    await exam.phone.film(-8, 10)
    await exam.phone.upload()
    await exam.phone.manifest()
    exam.phone = await exam.rebind()
    await exam.phone.film(10, 12)
    for number, answer in enumerate(scans):
        await scan(exam, 12 + 10 * number, 22 + 10 * number, answer)
    return await noted(exam, 12 + 10 * len(scans))


async def test_a_phone_that_takes_over_scans_when_it_can(service: Service) -> None:
    assert await replaced(await Exam.begin(service, policy=POLICY), ACCEPT) == (COMPLETE, set())


async def test_its_own_scan_counts(service: Service) -> None:
    exam = await Exam.begin(service, policy=POLICY)
    assert await replaced(exam, REPEAT, REVIEW) == (COMPLETE, {"scan_review"})


async def test_without_a_good_one_that_of_the_phone_before_is_for_review(service: Service) -> None:
    exam = await Exam.begin(service, policy=POLICY)
    assert await replaced(exam) == (COMPLETE, {"scan_other_phone"})


async def test_with_only_one_that_is_to_be_repeated_too(service: Service) -> None:
    exam = await Exam.begin(service, policy=POLICY)
    assert await replaced(exam, REPEAT) == (COMPLETE, {"scan_other_phone"})


async def test_where_scans_are_off_nothing_is_said_of_them(service: Service) -> None:
    exam = await Exam.begin(service, policy={"checks": {"scan": "off"}})
    await exam.phone.film(-28, 10)
    await scan(exam, 10, 20, ACCEPT)
    assert await noted(exam, 20) == (COMPLETE, set())
