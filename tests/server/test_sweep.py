"""The sweep: what is due happens at its moment, whatever the server went through before."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from evidence_server.data_folder import DataFolder
from evidence_server.sitting import QUIET_MS, Sitting
from pairing.errors import PairingError
from pairing.jws import record_hash, verify
from pairing.messages import VERDICT_TYP
from tests.sittings import Exam, FakeClock, Phone, Service, at, codes

SHORT = {"upload_window_s": 20, "min_notice_s": 0}
"""Deadline: 80, if the end is told at 60."""
SAFETY_S = 30

Restart = Callable[[], Awaitable[Service]]


@pytest.fixture
async def restart(tmp_path: Path) -> AsyncIterator[Restart]:
    """Opens a service on the same folder and clock, the one before it closed first; `begin` has run."""
    clock, running = FakeClock(), list[Service]()

    async def again() -> Service:
        while running:
            await running.pop().close()
        running.append(await Service.open(tmp_path, clock))
        await running[-1].sweep.begin()
        return running[-1]

    yield again
    for service in running:
        await service.close()


@asynccontextmanager
async def sweeping(service: Service, *, stood_still: bool = False) -> AsyncIterator[None]:
    """Sweep, verifier and watcher run, as in the server; it was alive until now, unless it `stood_still`."""
    sweep = service.sweep if stood_still else service.new_sweep()
    running = [asyncio.create_task(each.run()) for each in (sweep, service.verifier, service.watcher)]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)


async def happens(service: Service, sitting: str, what: Callable[[Sitting], object]) -> Sitting:
    """The sitting's state once `what` is true of it."""
    async with asyncio.timeout(SAFETY_S):
        state = await service.register.look(sitting)
        while not what(state):
            state = await service.register.changes(sitting, state.seq, SAFETY_S)
        return state


async def missing_one(service: Service) -> Exam:
    """Ended, listed, one segment withheld: it waits for the deadline, 80."""
    exam = await Exam.begin(service, policy=SHORT)
    film = await exam.phone.film(0, 60)
    film[2].kept = True
    await exam.phone.upload()
    await exam.end(60)
    await exam.phone.manifest()
    await exam.settle()
    return exam


async def alive_until(service: Service, seconds: float) -> None:
    """The last sign of life of the newest process."""
    await service.journal.alive(f"until {seconds}", at(-60), at(seconds))


def kinds(events: list[str], *wanted: str) -> list[str]:
    return [kind for kind in events if kind in wanted]


async def journalled(service: Service, sitting: str) -> list[str]:
    return [event.kind for event in await service.journal.read(sitting)]


# --- what is due -------------------------------------------------------------------------------------


async def test_a_claim_is_due_when_it_lapses(service: Service) -> None:
    await service.binder.create("s_1", "oral", None, None, {})
    phone = Phone(service, "s_1")
    await service.binder.claim(phone.claim((await service.binder.offer("s_1")).ticket))
    assert await service.journal.next_due_ms() == at(300)
    assert await service.journal.due(at(300) - 1) == []
    assert await service.journal.due(at(300)) == ["s_1"]
    service.clock.to(300)
    async with sweeping(service):
        state = await happens(service, "s_1", lambda state: state.offer)
    assert state.claims[phone.thumb].stage == "lapsed"
    assert await service.journal.next_due_ms() is None


async def test_the_deadline_is_due_and_moves_with_what_moves_it(service: Service) -> None:
    exam = await missing_one(service)
    assert await service.journal.next_due_ms() == at(80)
    await service.support.extend(exam.sitting, 5_000, "no network")
    assert await service.journal.next_due_ms() == at(85)


async def test_a_verdict_is_given_at_the_deadline_without_anybody_asking(service: Service) -> None:
    exam = await missing_one(service)
    exam.clock.to(80)
    async with sweeping(service):
        state = await happens(service, exam.sitting, lambda state: state.verdicts)
    assert state.verdicts[0].claims["word"] == "incomplete"
    assert await service.journal.next_due_ms() is None


async def test_a_verdict_is_given_as_soon_as_it_can_be(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 60)
    await exam.phone.upload()
    await exam.end(60)
    while await service.verifier.step(exam.sitting):
        pass
    async with sweeping(service):
        await exam.phone.manifest()
        state = await happens(service, exam.sitting, lambda state: state.verdicts)
    assert state.verdicts[0].claims["word"] == "complete"
    issued = verify(state.verdicts[0].record, VERDICT_TYP, service.identity.signing)
    assert issued == state.verdicts[0].claims


async def test_what_is_delivered_piece_by_piece_makes_one_new_version(service: Service) -> None:
    """While more is missing, a new version waits until deliveries pause."""
    exam = await Exam.begin(service, policy=SHORT)
    film = await exam.phone.film(0, 60)
    for piece in film[2:5]:
        piece.kept = True
    await exam.phone.upload()
    await exam.end(60)
    exam.clock.to(80)
    await exam.settle()
    await exam.phone.upload(film[2])
    assert len((await exam.settle()).verdicts) == 1
    exam.clock.now_ms += QUIET_MS
    assert len((await exam.settle()).verdicts) == 2
    await exam.phone.upload(film[3])
    await exam.phone.upload(film[4])
    state = await exam.settle()
    first, second, third = state.verdicts
    assert [item.claims["word"] for item in (first, second, third)] == ["incomplete", "incomplete", "late"]
    assert [len(item.claims["missing"]) for item in (first, second, third)] == [3, 2, 0]
    assert [item.claims["supersedes"] for item in (first, second, third)] == [
        "", record_hash(first.record), record_hash(second.record)
    ]


async def test_what_changes_nothing_makes_no_new_version(service: Service) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 60)
    await exam.phone.upload()
    await exam.end(60)
    await exam.phone.manifest()
    await exam.settle()
    await exam.phone.commit(exam.phone.note("stop", 60, "stopped"))
    await exam.phone.manifest(2)
    state = await exam.settle()
    assert len(state.verdicts) == 1
    assert kinds(await journalled(service, exam.sitting), "verdict", "upheld") == ["verdict", "upheld"]
    assert state.settled


# --- restarts and downtime ---------------------------------------------------------------------------


async def test_the_first_start_journals_no_outage(restart: Restart) -> None:
    service = await restart()
    exam = await missing_one(service)
    assert "deadline_moved" not in await journalled(service, exam.sitting)


async def test_downtime_over_the_deadline_is_journalled_before_any_verdict(restart: Restart) -> None:
    service = await restart()
    exam = await missing_one(service)
    await alive_until(service, 70)
    exam.clock.to(200)
    service = await restart()
    assert not (await service.settle(exam.sitting)).verdicts
    assert (await service.register.look(exam.sitting)).deadline_ms == at(210)
    exam.clock.to(210)
    async with sweeping(service):
        state = await happens(service, exam.sitting, lambda state: state.verdicts)
    assert state.verdicts[0].claims["deadline_ms"] == at(210)
    assert kinds(await journalled(service, exam.sitting), "deadline_moved", "verdict") == [
        "deadline_moved", "verdict"
    ]


async def test_a_restart_without_downtime_keeps_the_deadline(restart: Restart) -> None:
    service = await restart()
    exam = await missing_one(service)
    exam.clock.to(79)
    await alive_until(service, 79)
    service = await restart()
    assert (await service.register.look(exam.sitting)).deadline_ms == at(80)


async def test_a_process_that_stood_still_was_out(restart: Restart) -> None:
    """Suspended, or its disk hung: no sign of life for more than three times as long as promised."""
    service = await restart()
    exam = await missing_one(service)
    await alive_until(service, 65)
    exam.clock.to(65)
    service = await restart()
    before = (await service.register.look(exam.sitting)).deadline_ms
    assert before == at(80)
    exam.clock.to(95.001)
    async with sweeping(service, stood_still=True):
        state = await happens(service, exam.sitting, lambda state: state.deadline_ms != before)
    assert state.deadline_ms == before + 30_001


async def test_decided_sittings_are_left_alone(restart: Restart) -> None:
    service = await restart()
    exam = await missing_one(service)
    exam.clock.to(1_000)
    state = await service.settle(exam.sitting)
    assert state.verdicts
    exam.clock.to(2_000)
    service = await restart()
    assert (await service.register.look(exam.sitting)).seq == state.seq


async def test_downtime_after_the_deadline_counts_once_support_extends_it(restart: Restart) -> None:
    service = await restart()
    service.worker.broken = True
    exam = await Exam.begin(service, policy=SHORT)
    await exam.phone.film(0, 60)
    await exam.phone.upload()
    await exam.end(60)
    await alive_until(service, 90)
    exam.clock.to(100)
    service = await restart()
    assert (await service.register.look(exam.sitting)).deadline_ms == at(80)
    state = await service.support.extend(exam.sitting, 15_000, "no network")
    assert state.deadline_ms == at(105)


async def test_downtime_before_an_extended_deadline_counts_after_a_verdict(restart: Restart) -> None:
    service = await restart()
    exam = await missing_one(service)
    exam.clock.to(80)
    assert (await exam.settle()).verdicts
    await service.support.extend(exam.sitting, 40_000, "no network")
    await alive_until(service, 110)
    exam.clock.to(130)
    service = await restart()
    assert (await service.register.look(exam.sitting)).deadline_ms == at(140)


async def test_downtime_after_a_verdict_that_is_complete_makes_no_other(restart: Restart) -> None:
    service = await restart()
    exam = await missing_one(service)
    for piece in exam.phone.pieces:
        piece.kept = False
    await exam.phone.upload()
    assert (await exam.settle()).verdicts[-1].claims["word"] == "complete"
    await alive_until(service, 60)
    exam.clock.to(75)
    service = await restart()
    state = await service.register.look(exam.sitting)
    assert (state.deadline_ms, state.settled) == (at(80), True)


async def test_downtime_after_a_clock_that_ran_ahead_was_put_right_counts(restart: Restart) -> None:
    service = await restart()
    exam = await missing_one(service)
    await alive_until(service, 3_600)
    exam.clock.to(61)
    service = await restart()
    assert (await service.register.look(exam.sitting)).deadline_ms == at(80)
    await alive_until(service, 70)
    exam.clock.to(78)
    service = await restart()
    assert (await service.register.look(exam.sitting)).deadline_ms == at(88)


async def test_what_cannot_be_done_yet_does_not_take_every_turn(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence_server.sweep.DUE_A_TURN", 1)
    stuck = await Exam.begin(service, name="s_0", policy=SHORT)
    await stuck.phone.film(0, 60)
    await stuck.end(60)
    service.clock.to(60)
    service.worker.broken = True
    await stuck.phone.upload()
    exam = await Exam.begin(service, policy=SHORT)
    exam.clock.to(100)
    service.register.take_changed()  # nothing has happened to them for a while
    async with sweeping(service):
        state = await happens(service, exam.sitting, lambda state: state.verdicts)
    assert codes(state.verdicts[0].claims["reasons"]) >= {"no_recording"}
    assert not (await service.register.look(stuck.sitting)).verdicts


async def test_faults_are_settled_before_the_verdict(service: Service) -> None:
    exam = await missing_one(service)
    service.faults.failed(exam.sitting, "PATCH", at(79), 30)
    exam.clock.to(80)
    assert not (await exam.settle()).verdicts
    assert (await service.register.look(exam.sitting)).deadline_ms == at(110)


# --- one sitting's trouble ---------------------------------------------------------------------------


async def damaged(restart: Restart, folder: Path) -> tuple[Service, Exam]:
    """Two sittings wait for their deadline, the journal of the other one is damaged."""
    service = await restart()
    exam = await missing_one(service)
    other = await Exam.begin(service, name="s_0", policy=SHORT)
    exam.clock.to(60)
    await other.end(60)
    await alive_until(service, 60)
    with sqlite3.connect(folder / "journal.sqlite") as database:
        database.execute("UPDATE events SET body = '{}' WHERE sitting = 's_0' AND seq = 3")
    database.close()
    return await restart(), exam


async def test_a_damaged_journal_keeps_neither_the_server_nor_the_others(
    restart: Restart, tmp_path: Path
) -> None:
    service, exam = await damaged(restart, tmp_path)
    exam.clock.to(1_000)
    async with sweeping(service):
        state = await happens(service, exam.sitting, lambda state: state.verdicts)
    assert state.verdicts[0].claims["word"] == "incomplete"
    with pytest.raises(PairingError, match="damaged"):
        await service.register.look("s_0")


async def test_one_server_a_folder(tmp_path: Path) -> None:
    with DataFolder(tmp_path).locked():
        with pytest.raises(PairingError) as error, DataFolder(tmp_path).locked():
            pass
        assert error.value.code == "folder_in_use"
    with DataFolder(tmp_path).locked():
        pass
