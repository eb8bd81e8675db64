"""The register: one writer a sitting at a time, and never a state in memory that the disk does not have."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from evidence_server.journal import Journal
from evidence_server.register import Register
from evidence_server.sitting import fold
from pairing.errors import PairingError
from tests.server.full_disk import full_disk
from tests.sittings import Exam, FakeClock, Service, at

SAFETY_S = 30


async def on_disk(service: Service, sitting: str) -> int:
    """The number of the sitting's newest event, read and folded from the journal."""
    return fold(sitting, await service.journal.read(sitting)).seq


async def test_writers_of_one_sitting_take_turns(service: Service) -> None:
    exam = await Exam.begin(service)
    before = await on_disk(service, exam.sitting)

    async def write(number: int) -> int:
        async with service.register.hold(exam.sitting) as held:
            seen = held.state.seq
            await asyncio.sleep(0)
            await held.append(("waived", {"code": f"c{number}", "reason": "test"}))
            return seen

    seen = await asyncio.gather(*(write(number) for number in range(20)))
    assert sorted(seen) == list(range(before, before + 20))
    assert await on_disk(service, exam.sitting) == before + 20


async def test_a_failed_write_leaves_no_trace(service: Service) -> None:
    exam = await Exam.begin(service)
    before = await on_disk(service, exam.sitting)
    with full_disk(), pytest.raises(PairingError) as refused:
        await service.recorder.end(exam.sitting, at(-31), "backend")
    assert refused.value.code == "end_invalid"
    service.clock.to(60)
    with full_disk(), pytest.raises(PairingError) as refused:
        await service.recorder.end(exam.sitting, at(60), "backend")
    assert refused.value.code == "storage_full"
    assert (await service.register.look(exam.sitting)).ended_at_ms is None
    await service.recorder.end(exam.sitting, at(60), "backend")
    assert await on_disk(service, exam.sitting) == before + 1


async def test_a_sitting_that_could_not_be_created_does_not_exist(service: Service) -> None:
    with full_disk(), pytest.raises(PairingError) as refused:
        await service.binder.create("s_1", "oral", None, None, {})
    assert refused.value.code == "storage_full"
    with pytest.raises(PairingError) as refused:
        await service.register.look("s_1")
    assert refused.value.code == "sitting_unknown"
    state = await service.binder.create("s_1", "oral", None, None, {})
    assert state.seq == 2 == await on_disk(service, "s_1")


async def test_an_event_that_does_not_fold_leaves_no_trace(service: Service) -> None:
    exam = await Exam.begin(service)
    before = await on_disk(service, exam.sitting)
    with pytest.raises(KeyError):
        async with service.register.hold(exam.sitting) as held:
            await held.append(("waived", {"code": "fork", "reason": "test"}), ("waived", {}))
    state = await service.register.look(exam.sitting)
    assert (state.seq, state.waived) == (before, {})
    await exam.journal("waived", code="fork", reason="test")
    assert await on_disk(service, exam.sitting) == before + 1


async def test_an_event_without_a_place_is_refused_before_anything_is_written(service: Service) -> None:
    exam = await Exam.begin(service)
    before = await on_disk(service, exam.sitting)
    with pytest.raises(PairingError) as refused:
        async with service.register.hold(exam.sitting) as held:
            await held.append(("waived", {"code": "fork", "reason": "test"}), ("published", {"command": ""}))
    assert refused.value.code == "wrong_stage"
    assert (await service.register.look(exam.sitting)).seq == before == await on_disk(service, exam.sitting)


async def test_a_writer_that_is_cancelled_leaves_disk_and_memory_agreeing(service: Service) -> None:
    exam = await Exam.begin(service)

    async def write() -> None:
        async with service.register.hold(exam.sitting) as held:
            for _ in range(1000):
                await held.append(("waived", {"code": "fork", "reason": "test"}))

    for rounds in range(20):
        writing = asyncio.create_task(write())
        for _ in range(rounds):
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        async with asyncio.timeout(SAFETY_S):
            state = await service.register.look(exam.sitting)
            assert state.seq == await on_disk(service, exam.sitting)
            await exam.journal("waived", code="scan", reason="after it")
            assert (await service.register.look(exam.sitting)).seq == await on_disk(service, exam.sitting)


async def test_two_registers_on_one_journal_conflict_instead_of_overwriting(service: Service) -> None:
    exam = await Exam.begin(service)
    other = Register(service.journal, service.clock)
    await other.look(exam.sitting)
    await exam.journal("waived", code="fork", reason="first")
    with pytest.raises(PairingError) as refused:
        async with other.hold(exam.sitting) as held:
            await held.append(("waived", {"code": "fork", "reason": "second"}))
    assert refused.value.code == "wrong_stage"
    # it forgot its stale state: now it sees the first
    assert (await other.look(exam.sitting)).waived == {"fork": "first"}


async def test_news_wakes_whoever_waits(service: Service) -> None:
    exam = await Exam.begin(service)
    seq = (await service.register.look(exam.sitting)).seq
    waiting = asyncio.create_task(service.register.changes(exam.sitting, seq, SAFETY_S))
    await asyncio.sleep(0)
    await exam.journal("waived", code="fork", reason="news")
    assert (await waiting).seq == seq + 1


async def test_a_state_nobody_asks_for_is_let_go_and_folded_again(service: Service) -> None:
    exam, other = await Exam.begin(service), await Exam.begin(service, name="s_2")
    state = await service.register.look(exam.sitting)
    asleep = asyncio.create_task(service.register.changes(exam.sitting, state.seq, SAFETY_S))
    await asyncio.sleep(0)
    service.clock.to(29 * 60)
    assert await service.register.look(exam.sitting) is state
    async with service.register.hold(other.sitting) as held:
        service.clock.to(60 * 60)
        await service.binder.create("s_3", "oral", None, None, {})
        assert await service.register.look(exam.sitting) is not state
        await held.append(("waived", {"code": "fork", "reason": "still held"}))
    assert await service.register.look(other.sitting) is held.state
    await exam.journal("waived", code="fork", reason="news")
    assert (await asleep).seq == state.seq + 1 == await on_disk(service, exam.sitting)


async def test_only_so_many_states_are_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evidence_server.register._KEPT", 2)
    names = [f"s_{number}" for number in range(3)]
    states = [await service.binder.create(name, "oral", None, None, {}) for name in names]
    for name, state in zip(names, states, strict=True):
        assert await service.register.look(name) is not state  # and pushes out the next
    assert await service.register.look(names[2]) is await service.register.look(names[2])
    assert await service.register.look(names[1]) is await service.register.look(names[1])


async def test_waiting_ends_without_news(service: Service) -> None:
    exam = await Exam.begin(service)
    seq = (await service.register.look(exam.sitting)).seq
    assert (await service.register.changes(exam.sitting, seq, 0.01)).seq == seq


async def test_waiting_ends_when_the_server_stops(service: Service) -> None:
    exam = await Exam.begin(service)
    seq = (await service.register.look(exam.sitting)).seq
    waiting = asyncio.create_task(service.register.changes(exam.sitting, seq, SAFETY_S))
    await asyncio.sleep(0)
    service.register.stop()
    assert (await waiting).seq == seq


async def test_the_clock_never_turns_the_journal_around(service: Service) -> None:
    exam = await Exam.begin(service)
    newest = (await service.register.look(exam.sitting)).last_ms
    service.clock.now_ms -= 3_600_000
    await exam.journal("waived", code="fork", reason="an hour earlier")
    assert (await service.journal.read(exam.sitting))[-1].at_ms == newest


async def test_a_state_is_the_same_after_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    service = await Service.open(tmp_path, clock)
    exam = await Exam.begin(service)
    await exam.phone.film(0, 20)
    await exam.phone.upload()
    state = await exam.settle()
    await service.close()
    journal = await Journal.open(tmp_path / "journal.sqlite")
    again = await Register(journal, clock).look(exam.sitting)
    await journal.close()
    assert again == state
