"""How long a phone may be in hands: what is wrong meanwhile is excused, for a bounded part of the exam."""

from __future__ import annotations

from typing import Any

import pytest

from evidence_server.hands import HANDLING_MS
from evidence_server.verdict import COMPLETE, INCOMPLETE
from tests.sittings import Exam, Service, at, codes
from tests.watch.test_checks import ACCEPT, PLACED, marker, place, prepared, scan, shows

LENGTH_S = 1_500
LIMIT_S = HANDLING_MS // 1_000
POLICY = {"checks": {"scan": "review", "placement": "review", "continuity": "required"}}


async def ended(exam: Exam, from_s: float, **film: Any) -> dict[str, Any]:
    """Films to the end of the exam, uploads all of it; the verdict."""
    await exam.phone.film(from_s, LENGTH_S, piece_s=30, **film)
    await exam.phone.upload()
    exam.clock.to(LENGTH_S)
    await exam.end(LENGTH_S)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    return verdict


def spans_of(*spans: tuple[str, float, float]) -> dict[str, Any]:
    """What the eye says of these stretches of the film, all over."""
    return {"closed": [shows(*span)["closed"][0] for span in spans], "open": [], "markers": []}


async def placed_at(exam: Exam, seconds: float, *spans: tuple[str, float, float]) -> dict[str, Any]:
    """The film begins with the exam, and the phone is placed only then."""
    await exam.phone.film(0, seconds, piece_s=30)
    await place(exam, seconds, PLACED)
    return await ended(exam, seconds + 8, seen=spans_of(*spans))


async def test_who_places_the_phone_at_the_end_hides_ten_minutes_at_most(service: Service) -> None:
    exam = await Exam.begin(service, length_s=LENGTH_S, policy=POLICY)
    spans = (("moved", 5, 400), ("black", LIMIT_S + 10, 1_300), ("absent", 30, 1_200))
    verdict = await placed_at(exam, 1_440, *spans)
    assert [one["kind"] for one in verdict["reasons"]] == ["absent", "black"]
    [late] = [one for one in verdict["review"] if one["code"] == "placed_late"]
    assert (late["start_ms"], late["end_ms"]) == (at(LIMIT_S), at(1_440))


@pytest.mark.parametrize(("checks", "told"), [
    ({"placement": "off"}, True), ({"placement": "off", "continuity": "off", "anchor": "off"}, False),
])
async def test_that_it_took_long_is_told_where_anybody_asks(
    service: Service, checks: dict[str, str], told: bool
) -> None:
    exam = await Exam.begin(service, length_s=LENGTH_S, policy={"checks": checks})
    verdict = await placed_at(exam, 1_440)
    assert ("placed_late" in codes(verdict["review"])) == told


async def test_who_places_it_within_ten_minutes_is_excused(service: Service) -> None:
    exam = await Exam.begin(service, length_s=LENGTH_S, policy=POLICY)
    verdict = await placed_at(exam, LIMIT_S, ("moved", 5, 400), ("people", 420, LIMIT_S + 2))
    assert (verdict["word"], verdict["reasons"]) == (COMPLETE, [])
    assert "placed_late" not in codes(verdict["review"])


async def test_before_the_exam_it_takes_as_long_as_it_takes(service: Service) -> None:
    exam = await Exam.begin(service, length_s=LENGTH_S, policy=POLICY)
    await exam.phone.film(-2_000, 0, piece_s=40)
    await place(exam, 0, PLACED)
    verdict = await ended(exam, 8, seen=spans_of(("black", 10, 2_001)))
    assert (verdict["word"], verdict["reasons"]) == (COMPLETE, [])
    assert "placed_late" not in codes(verdict["review"])


async def test_a_scan_that_is_never_followed_by_placing_hides_no_more(service: Service) -> None:
    """From the scan at minute five to the `placed` near the end."""
    exam = await Exam.begin(service, length_s=LENGTH_S, policy=POLICY)
    await prepared(exam)  # 28 s of film before the exam
    await exam.phone.film(0, 300, piece_s=30)
    await scan(exam, 300, 330, ACCEPT)
    await exam.phone.film(330, 1_440, piece_s=30)
    await place(exam, 1_440, PLACED)
    spans = (("moved", 330, 600), ("absent", 28 + 300 + LIMIT_S + 5, 1_440))
    verdict = await ended(exam, 1_448, seen=spans_of(*spans))
    assert [one["kind"] for one in verdict["reasons"]] == ["absent"]
    [late] = [one for one in verdict["review"] if one["code"] == "placed_late"]
    assert (late["start_ms"], late["end_ms"]) == (at(300 + LIMIT_S), at(1_440))


async def test_many_scans_excuse_ten_minutes_together(service: Service) -> None:
    exam = await Exam.begin(service, length_s=LENGTH_S, policy=POLICY)
    await place(exam, -8, PLACED)
    for begin in range(0, 1_200, 300):
        await exam.phone.commit(exam.phone.note("scan_begin", begin))
        await exam.phone.film(begin, begin + 299, piece_s=30, scan=ACCEPT)
        await exam.phone.commit(exam.phone.note("scan_end", begin + 299))
        await exam.phone.film(begin + 299, begin + 300)
    spans = (("black", 10, 300), ("absent", 910, 1_200))
    verdict = await ended(exam, 1_200, seen=spans_of(*spans))
    assert [one["kind"] for one in verdict["reasons"]] == ["absent"]
    assert "placed_late" in codes(verdict["review"])


async def test_who_never_says_that_the_phone_stands_is_told_so(service: Service) -> None:
    exam = await Exam.begin(service, length_s=LENGTH_S, policy=POLICY)
    verdict = await ended(exam, 0, seen=spans_of(("black", 100, 200)))
    assert verdict["word"] == INCOMPLETE
    assert [one["kind"] for one in verdict["reasons"]] == ["black"]
    assert "placement_missing" in codes(verdict["review"])


@pytest.mark.parametrize(("placed_s", "unseen"), [(540, []), (1_000, [(LIMIT_S, 1_010)])])
async def test_the_laptops_marker_is_not_expected_of_a_phone_in_hands(
    service: Service, placed_s: int, unseen: list[tuple[int, int]]
) -> None:
    exam = await Exam.begin(
        service, length_s=LENGTH_S, policy={"checks": {"anchor": "required", "placement": "review"}}
    )
    for moment in range(0, LENGTH_S, 20):
        if moment == placed_s:
            await exam.phone.commit(exam.phone.note("placed", moment))
        look = marker(service, moment + 10 + 28)
        look[0] -= 28_000_000  # this film begins with the exam
        shown = look if moment >= placed_s else look[:1]
        await exam.phone.film(moment, moment + 20, piece_s=20, seen={"markers": [shown]})
    verdict = await ended(exam, LENGTH_S)
    assert [(one["start_ms"], one["end_ms"]) for one in verdict["reasons"]] == [
        (at(since_s), at(until_s)) for since_s, until_s in unseen
    ]
