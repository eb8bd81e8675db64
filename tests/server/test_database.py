"""The database below the journal: durable, undone or moved on, and never in its own way."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from evidence_server import database as database_module
from evidence_server.database import PAGES, Database
from tests.server.full_disk import full_disk

SAFETY_S = 60
ROW_BYTES = 4000


def schema(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, content TEXT)")


def add(connection: sa.Connection, numbers: Iterable[int]) -> None:
    for number in numbers:
        connection.exec_driver_sql("INSERT INTO rows VALUES (?, ?)", (number, "x" * ROW_BYTES))


def count(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM rows").scalar_one())


async def test_what_was_written_is_read_at_once_and_by_others(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "d", schema)
    await database.write(partial(add, numbers=[1, 2]))
    assert await database.read(count) == 2
    with closing(sqlite3.connect(tmp_path / "d")) as other:
        assert other.execute("SELECT count(*) FROM rows").fetchone() == (2,)
    await database.close()


async def test_what_fails_halfway_is_undone(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "d", schema)
    await database.write(partial(add, numbers=[1]))
    with pytest.raises(IntegrityError):
        await database.write(partial(add, numbers=[2, 1]))
    assert await database.read(count) == 1
    await database.write(partial(add, numbers=[2]))
    assert await database.read(count) == 2
    await database.close()


async def test_reading_waits_for_no_writer(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "d", schema)
    inside, go_on = threading.Event(), threading.Event()

    def slowly(connection: sa.Connection) -> None:
        add(connection, [1])
        inside.set()
        go_on.wait(SAFETY_S)

    writing = asyncio.create_task(database.write(slowly))
    await asyncio.to_thread(inside.wait, SAFETY_S)
    async with asyncio.timeout(SAFETY_S):
        assert await database.read(count) == 0
    assert not writing.done()
    go_on.set()
    await writing
    assert await database.read(count) == 1
    await database.close()


async def test_a_preparation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def half(connection: sa.Connection) -> None:
        schema(connection)
        raise LookupError("no further")

    with pytest.raises(LookupError):
        await Database.open(tmp_path / "d", half)
    with closing(sqlite3.connect(tmp_path / "d")) as other:
        assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


async def test_the_log_of_a_busy_database_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints run beside the writer, and the log stays short although it is never idle."""
    monkeypatch.setattr(database_module, "PAGES", 100)
    database = await Database.open(tmp_path / "d", schema)
    for first in range(0, 3000, 50):
        await database.write(partial(add, numbers=range(first, first + 50)), pages=50)
    written = 3000 * ROW_BYTES
    assert (tmp_path / "d-wal").stat().st_size < written / 2
    assert await database.read(count) == 3000
    await database.close()
    assert not (tmp_path / "d-wal").exists()  # all of it is in the database now
    with closing(sqlite3.connect(tmp_path / "d")) as other:
        assert other.execute("SELECT count(*) FROM rows").fetchone() == (3000,)


async def test_a_checkpoint_that_fails_keeps_nobody_from_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def refused(connection: sa.Connection) -> None:
        tried.append(count(connection))
        raise OperationalError("checkpoint", None, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(database_module, "_pass", refused)
    database = await Database.open(tmp_path / "d", schema)
    for number in range(3):
        await database.write(partial(add, numbers=[number]), pages=PAGES)
    await database.close()
    assert tried
    with closing(sqlite3.connect(tmp_path / "d")) as other:
        assert other.execute("SELECT count(*) FROM rows").fetchone() == (3,)


async def test_a_full_disk_undoes_and_recovers_by_itself(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "d", schema)
    await database.write(partial(add, numbers=[1]))
    with full_disk(), pytest.raises(OperationalError):
        await database.write(partial(add, numbers=range(2, 50)))
    assert await database.read(count) == 1
    await database.write(partial(add, numbers=range(2, 50)))
    assert await database.read(count) == 49
    await database.close()
