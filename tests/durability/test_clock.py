"""The server's clock jumps while a phone records: no event gets an earlier time, nobody is judged too early.

What was recorded meanwhile cannot be placed; that is told to a person (`clock_drift`), who can waive the gap.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pairing.errors import PairingError
from tests.server.test_sweep import SHORT, happens, sweeping
from tests.sittings import Exam, Service, at, codes

HOUR_S = 3_600


@pytest.fixture
async def exam(tmp_path: Path) -> AsyncIterator[Exam]:
    """A sitting whose window is [0, 60], filmed and delivered up to 30."""
    service = await Service.open(tmp_path)
    made = await Exam.begin(service, policy=SHORT)
    await made.phone.film(0, 30)
    await made.phone.upload()
    yield made
    await service.close()


async def film_on(exam: Exam, from_s: int, to_s: int) -> None:
    """The phone films and delivers, its own clock going on as ever; the server's stays where it is."""
    for begin in range(from_s, to_s, 5):
        piece = exam.phone.head(begin, begin + 5)
        await exam.phone.commit(piece.record)
        await exam.phone.upload(piece)


async def moments(exam: Exam) -> list[int]:
    return [event.at_ms for event in await exam.service.journal.read(exam.sitting)]


async def test_back_by_an_hour_while_recording(exam: Exam) -> None:
    exam.clock.now_ms = at(30 - HOUR_S)
    await film_on(exam, 30, 60)
    told = await moments(exam)
    assert told == sorted(told)
    assert told[-1] == at(30)
    assert all(segment.stored_at_ms == at(30) for segment in await exam.segments())

    exam.clock.to(60)
    await exam.end(60)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    assert (verdict["missing"], verdict["late"]["segments"], verdict["deadline_ms"]) == ([], 0, at(80))
    assert codes(verdict["reasons"]) == {"gap_too_long"}
    assert "clock_drift" in codes(verdict["review"])
    await exam.service.support.waive(exam.sitting, "gap_too_long", "the server's clock was set back")
    exam.clock.to(120)
    verdict = await exam.verdict()
    assert verdict is not None
    assert (verdict["word"], verdict["waived"]) == ("complete", ["gap_too_long"])


async def test_an_end_that_the_clock_says_is_to_come_is_refused_until_it_has_caught_up(exam: Exam) -> None:
    await exam.phone.film(30, 60)
    await exam.phone.upload()
    exam.clock.now_ms = at(60 - HOUR_S)
    with pytest.raises(PairingError, match="end_invalid"):
        await exam.end(60)
    exam.clock.to(61)
    await exam.end(60)
    await exam.phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    assert verdict["word"] == "complete"


async def test_back_by_an_hour_after_the_end_judges_nobody_early(exam: Exam) -> None:
    exam.clock.to(60)
    film = [exam.phone.head(30, 60)]
    await exam.phone.commit(film[0].record)
    await exam.end(60)
    exam.clock.now_ms = at(60 - HOUR_S)
    assert await exam.verdict() is None
    await exam.phone.upload(*film)
    await exam.phone.manifest()
    exam.clock.to(79)
    verdict = await exam.verdict()
    assert verdict is not None
    assert (verdict["word"], verdict["late"]["segments"]) == ("complete", 0)


@pytest.mark.parametrize("corrected", [True, False], ids=["and back", "and stays there"])
async def test_forward_by_an_hour_while_recording(exam: Exam, corrected: bool) -> None:
    service: Service = exam.service
    async with sweeping(service):
        exam.clock.to(30 + HOUR_S)
        await film_on(exam, 30, 35)
        state = await happens(service, exam.sitting, lambda state: state.outages)
        assert [(outage.from_ms, outage.to_ms) for outage in state.outages] == [(at(30), at(30 + HOUR_S))]
        if corrected:
            exam.clock.now_ms = at(35)
        await film_on(exam, 35, 60)
        if corrected:
            exam.clock.now_ms = at(60)
        await exam.end(60)
        await exam.phone.manifest()
        state = await happens(service, exam.sitting, lambda state: state.verdicts)
    told = await moments(exam)
    assert told == sorted(told)
    verdict = state.verdicts[-1].claims
    # What could only be stored "an hour later" is not late: the deadline has moved by that hour.
    assert (verdict["word"], verdict["late"]["segments"]) == ("complete", 0)
    assert verdict["deadline_ms"] >= at(60 + HOUR_S - 30 + 20)
    assert "committed_late" in codes(verdict["review"])
