"""Verify: what is measured when, what waits for what, and whose failure it is."""

from __future__ import annotations

import asyncio

import pytest

from evidence_server import turns
from evidence_server.media.process import MediaWorkerError
from evidence_server.verify import tasks
from tests.sittings import Exam, Piece, Service

SHORT = {"upload_window_s": 20, "min_notice_s": 0}
SAFETY_S = 30


async def withheld(service: Service, index: int = 2, **found: object) -> tuple[Exam, Piece]:
    """One piece is missing; what lies behind it cannot be read without it."""
    exam = await Exam.begin(service, policy=SHORT)
    film = await exam.phone.film(0, 60, behind_hole=["undecodable"], **found)
    film[index].kept = True
    await exam.phone.upload()
    exam.clock.to(60)
    await exam.end(60)
    await exam.phone.manifest()
    return exam, film[index]


async def measured(exam: Exam) -> list[bool]:
    return [segment.measurement is not None for segment in await exam.segments()]


async def test_what_lies_behind_a_hole_waits_for_it_until_the_deadline(service: Service) -> None:
    exam, missing = await withheld(service)
    await exam.settle()
    assert await measured(exam) == [True, True] + [False] * 10
    await exam.phone.upload(missing)
    state = await exam.settle()
    assert all(await measured(exam))
    assert state.verdicts[0].claims["word"] == "complete"


async def test_at_the_deadline_it_is_read_as_far_as_it_goes_and_again_when_the_hole_is_filled(
    service: Service,
) -> None:
    exam, missing = await withheld(service)
    exam.clock.to(80)
    state = await exam.settle()
    claims = state.verdicts[0].claims
    assert claims["word"] == "incomplete"
    assert await measured(exam) == [True, True, False] + [True] * 9
    assert (await exam.segments())[5].read_behind == (0, 1, 3, 4)
    exam.clock.to(90)
    await exam.phone.upload(missing)
    state = await exam.settle()
    assert state.verdicts[-1].claims["word"] == "late"
    assert state.verdicts[-1].claims["gaps"] == []
    assert all(segment.read_behind is None for segment in await exam.segments())


async def test_what_comes_while_a_segment_is_read_behind_the_hole_is_not_lost(service: Service) -> None:
    exam, missing = await withheld(service, index=10)
    exam.clock.to(80)

    async def deliver() -> None:
        await exam.phone.upload(missing)

    service.worker.while_reading = None
    while not (await measured(exam))[9]:
        assert await service.verifier.step(exam.sitting)
    service.worker.while_reading = deliver
    assert await service.verifier.step(exam.sitting)
    last = (await exam.segments())[-1]
    assert (last.measurement, last.stored_at_ms is not None) == (None, True)
    claims = await exam.verdict()
    assert claims is not None
    assert (claims["word"], claims["gaps"]) == ("complete", [])


async def test_runs_do_not_wait_for_one_another(service: Service) -> None:
    exam = await Exam.begin(service, policy=SHORT)
    first, _ = await exam.phone.film(0, 10)
    await exam.phone.film(10, 20, run=2)
    first.kept = True
    await exam.phone.upload()
    await exam.settle()
    assert await measured(exam) == [False, False, True, True]
    state = await service.register.look(exam.sitting)
    assert [task.segment.seq for task in tasks(state, past_holes=True)] == [1]
    assert [task.before for task in tasks(state, past_holes=True)] == [()]


async def test_other_sources_are_not_opened(service: Service) -> None:
    exam = await Exam.begin(service)
    piece = exam.phone.head(0, 5, source="orientation", container="application/json", media=b"[no script")
    await exam.phone.commit(piece.record)
    await exam.phone.upload()
    await exam.settle()
    assert await measured(exam) == [True]


async def test_a_worker_that_fails_is_our_failure_and_the_sitting_is_tried_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "RETRY_S", 0.0)
    exam = await Exam.begin(service)
    await exam.phone.film(0, 10)
    await exam.phone.upload()
    service.worker.broken = True
    with pytest.raises(MediaWorkerError):
        await service.verifier.step(exam.sitting)
    assert await measured(exam) == [False, False]
    task = asyncio.create_task(service.verifier.run())
    try:
        await asyncio.sleep(0)
        service.worker.broken = False
        seq = (await service.register.look(exam.sitting)).seq
        async with asyncio.timeout(SAFETY_S):
            while not all(await measured(exam)):
                seq = (await service.register.changes(exam.sitting, seq, SAFETY_S)).seq
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_object_that_is_gone_stops_no_other_sitting(service: Service) -> None:
    broken = await Exam.begin(service, name="s_0")
    (piece,) = await broken.phone.film(0, 5)
    await broken.phone.upload()
    await service.store.release("s_0", piece.name)
    exam = await Exam.begin(service)
    await exam.phone.film(0, 5)
    await exam.phone.upload()
    task = asyncio.create_task(service.verifier.run())
    try:
        seq = (await service.register.look(exam.sitting)).seq
        async with asyncio.timeout(SAFETY_S):
            while not all(await measured(exam)):
                seq = (await service.register.changes(exam.sitting, seq, SAFETY_S)).seq
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await measured(broken) == [False]
