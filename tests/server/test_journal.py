"""The journal: append-only, hash-chained, durable; what was altered on disk is refused."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_server.event import GENESIS, Event, Name
from evidence_server.journal import Journal
from pairing.errors import PairingError
from tests.server.full_disk import full_disk


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    yield journal
    await journal.close()


def chain(sitting: str, count: int, *, first: int = 1, prev: str = GENESIS, at_ms: int = 0) -> list[Event]:
    events = []
    for seq in range(first, first + count):
        events.append(Event(sitting, seq, at_ms + seq, "waived", f'{{"code":"c{seq}"}}', prev))
        prev = events[-1].hash
    return events


async def append(journal: Journal, *events: Event, due_ms: int | None = None, names: list[Name] | None = None,
                 decided: bool = False) -> None:
    await journal.append(events, names=names or [], due_ms=due_ms, decided=decided, stage="bound")


def rewrite(folder: Path, statement: str) -> int:
    """Changes the file behind the journal's back; gives the number of rows."""
    database = sqlite3.connect(folder / "journal.sqlite")
    try:
        with database:
            return database.execute(statement).rowcount
    finally:
        database.close()


async def test_what_was_appended_is_read_again(journal: Journal) -> None:
    events = chain("s_1", 5)
    await append(journal, *events[:2])
    await append(journal, *events[2:])
    await append(journal, *chain("s_2", 1))
    assert await journal.read("s_1") == events
    assert await journal.read("s_1", after=3) == events[3:]
    assert await journal.read("s_1", after=5) == []
    assert await journal.read("s_1", after=2, until=3) == events[2:3]
    assert await journal.read("s_9") == []
    assert sorted(await journal.sittings()) == ["s_1", "s_2"]


@pytest.mark.parametrize("change", [
    "body = '{\"code\":\"c9\"}'", "at_ms = at_ms + 1", "kind = 'verdict'",
    "hash = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", "seq = 30",
], ids=lambda change: change.split(" ")[0])
async def test_a_row_that_was_altered_is_refused(journal: Journal, tmp_path: Path, change: str) -> None:
    await append(journal, *chain("s_1", 5))
    await append(journal, *chain("s_2", 5))
    assert rewrite(tmp_path, f"UPDATE events SET {change} WHERE sitting = 's_1' AND seq = 3") == 1
    with pytest.raises(PairingError, match="the journal of s_1 is damaged at"):
        await journal.read("s_1")
    assert len(await journal.read("s_2")) == 5


async def test_a_row_that_was_removed_or_exchanged_is_noticed(journal: Journal, tmp_path: Path) -> None:
    await append(journal, *chain("s_1", 5))
    assert rewrite(tmp_path, "DELETE FROM events WHERE sitting = 's_1' AND seq = 3") == 1
    with pytest.raises(PairingError, match="damaged at 4"):
        await journal.read("s_1")
    with pytest.raises(PairingError, match="damaged at 4"):
        await journal.read("s_1", after=3)


async def test_of_two_writers_of_one_number_the_first_wins(journal: Journal) -> None:
    first, other = chain("s_1", 2), chain("s_1", 3, at_ms=7)
    await append(journal, *first, due_ms=5)
    with pytest.raises(PairingError) as refused:
        await append(journal, other[2], other[1], due_ms=9, names=[Name("offer", "x", "s_1", "x")])
    assert refused.value.code == "wrong_stage"
    # nothing of the loser's transaction is there: not its other event, nor its projections
    assert await journal.read("s_1") == first
    assert await journal.next_due_ms() == 5
    assert await journal.find("offer", "x") is None


async def test_the_same_number_of_two_sittings_is_no_conflict(journal: Journal) -> None:
    await asyncio.gather(*(append(journal, *chain(f"s_{number}", 3)) for number in range(10)))
    for number in range(10):
        assert len(await journal.read(f"s_{number}")) == 3


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=5, max_size=5),
       st.integers(0, 4), st.integers(0, 2**40))
@settings(deadline=None)
def test_every_field_is_in_the_hash(texts: list[str], which: int, number: int) -> None:
    before = Event("s_1", 1, number, "kind", "body", GENESIS)
    fields = {"sitting": texts[0], "seq": number, "kind": texts[1], "body": texts[2], "prev": texts[3]}
    name = list(fields)[which]
    after = Event(**vars(before) | {name: fields[name]})
    assert (after.hash == before.hash) == (after == before)


def transactions(journal_file: Path) -> int:
    """The commit marks in the write-ahead log, whose frames' headers end a transaction with a size."""
    log = journal_file.with_name(journal_file.name + "-wal").read_bytes()
    page_bytes = int.from_bytes(log[8:12], "big")
    frames = range(32, len(log), 24 + page_bytes)
    return sum(log[at + 4 : at + 8] != bytes(4) for at in frames)


async def test_appends_that_come_together_share_a_transaction(journal: Journal, tmp_path: Path) -> None:
    before = transactions(tmp_path / "journal.sqlite")
    await asyncio.gather(*(append(journal, *chain(f"s_{number}", 3)) for number in range(20)))
    assert len(await journal.sittings()) == 20
    assert transactions(tmp_path / "journal.sqlite") - before == 1


async def test_a_conflict_fails_nobody_who_shares_its_transaction(journal: Journal) -> None:
    await append(journal, *chain("s_5", 1))
    fates = await asyncio.gather(
        *(append(journal, *chain(f"s_{number}", 2), due_ms=number) for number in range(10)),
        return_exceptions=True,
    )
    assert [getattr(fate, "code", None) for fate in fates] == [
        "wrong_stage" if number == 5 else None for number in range(10)
    ]
    for number in range(10):
        assert len(await journal.read(f"s_{number}")) == (1 if number == 5 else 2)
    assert sorted(await journal.due(9)) == [f"s_{number}" for number in range(10) if number != 5]


async def test_a_full_disk_refuses_all_who_share_a_transaction_and_advances_nothing(
    journal: Journal,
) -> None:
    await append(journal, *chain("s_0", 1))
    with full_disk():
        fates = await asyncio.gather(
            *(append(journal, *chain(f"s_{number}", 2), names=[Name("offer", f"o{number}", "s", "x")])
              for number in range(1, 10)), return_exceptions=True,
        )
    assert {getattr(fate, "code", None) for fate in fates} == {"storage_full"}
    assert await journal.sittings() == ["s_0"]
    assert await journal.find("offer", "o3") is None
    await append(journal, *chain("s_3", 2), names=[Name("offer", "o3", "s_3", "x")])
    assert await journal.find("offer", "o3") == Name("offer", "o3", "s_3", "x")


async def test_names_lead_to_their_sitting(journal: Journal) -> None:
    name = Name("upload", "unguessable", "s_1", "head")
    await append(journal, *chain("s_1", 1), names=[name, Name("bearer", "unguessable", "s_1", "key")])
    assert await journal.find("upload", "unguessable") == name
    assert await journal.find("offer", "unguessable") is None
    assert await journal.find("upload", "unguessabl_") is None
    assert await journal.find("upload", "unguessable") == name


async def test_what_is_due_is_found_the_longest_overdue_first(journal: Journal) -> None:
    for number, due in enumerate((30, 10, None, 20)):
        await append(journal, *chain(f"s_{number}", 1), due_ms=due, decided=number == 3)
    assert await journal.next_due_ms() == 10
    assert await journal.due(9) == []
    assert await journal.due(20) == ["s_1", "s_3"]
    assert await journal.due(99, limit=2) == ["s_1", "s_3"]
    assert await journal.due(99, limit=2, skip=2) == ["s_0"]
    assert sorted(await journal.undecided()) == ["s_0", "s_1", "s_2"]
    await append(journal, *chain("s_1", 1, first=2, prev=chain("s_1", 1)[0].hash), due_ms=None)
    assert await journal.next_due_ms() == 20


async def test_an_outage_concerns_what_is_undecided_or_has_its_deadline_before_it(journal: Journal) -> None:
    for number, (deadline_ms, decided) in enumerate(((None, True), (10, False), (10, True), (30, True))):
        await journal.append(
            chain(f"s_{number}", 1), due_ms=None, decided=decided, stage="bound", deadline_ms=deadline_ms
        )
    assert await journal.undecided() == ["s_1"]
    assert sorted(await journal.undecided(or_deadline_after_ms=10)) == ["s_1", "s_3"]


async def test_typed_codes_are_found_while_they_work(journal: Journal) -> None:
    await journal.show_code("CODE1", "s_1", "offer", until_ms=100, now_ms=0)
    await journal.show_code("CODE1", "s_1", "offer", until_ms=150, now_ms=10)
    await journal.show_code("CODE2", "s_2", "other", until_ms=200, now_ms=149)
    assert await journal.find_code("CODE1") == ("s_1", "offer")
    assert await journal.find_code("CODE2") == ("s_2", "other")
    await journal.show_code("CODE3", "s_3", "third", until_ms=300, now_ms=150)
    assert await journal.find_code("CODE1") is None


async def test_the_last_sign_of_life_is_the_newest_process_s(journal: Journal) -> None:
    assert await journal.last_alive_ms() is None
    await journal.alive("one", 20, 50)
    await journal.alive("one", 20, 90)  # its clock ran ahead, and was put right
    assert await journal.last_alive_ms() == 90
    await journal.alive("other", 30, 40)
    assert await journal.last_alive_ms() == 40
    await journal.alive("other", 30, 60)
    assert await journal.last_alive_ms() == 60


async def test_all_is_there_after_reopening(tmp_path: Path) -> None:
    events = chain("s_1", 3)
    for event in events:
        journal = await Journal.open(tmp_path / "journal.sqlite")
        await append(journal, event, due_ms=event.seq)
        await journal.close()
    journal = await Journal.open(tmp_path / "journal.sqlite")
    assert await journal.read("s_1") == events
    assert await journal.next_due_ms() == 3
    await journal.close()


async def test_an_event_is_on_disk_when_append_returns(journal: Journal, tmp_path: Path) -> None:
    """WAL with synchronous=FULL: another connection, as after a crash, sees it; so do its settings."""
    await append(journal, *chain("s_1", 1))
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    assert database.execute("SELECT count(*) FROM events").fetchone() == (1,)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
