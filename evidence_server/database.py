"""A SQLite database in WAL mode with `synchronous=FULL`: what was written is on disk when `write` returns.

Each connection has one thread and each piece of work makes one trip to it: a trip a statement, as an
asynchronous driver makes, costs more than the statements.  Reading has a connection of its own and waits for
no sync; so have checkpoints, which move what is in the write-ahead log into the database.  Left to itself
SQLite does that inside the commit that makes the log too long: that one, and all who wait behind it, would
wait for thousands of pages to reach a disk that uploads keep busy.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

PAGES = 16_000
"""Pages (of 4 KiB) that the log takes in between two checkpoints."""

_PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "wal_autocheckpoint=0",
)

_log = structlog.get_logger("database")
_T = TypeVar("_T")


class _Lane:
    """A connection and its thread."""

    def __init__(self, path: Path, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._engine = sa.create_engine(
            f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )

    async def run(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Does `work` in the thread, behind what came before; commits nothing."""

        def connected() -> _T:
            with self._engine.connect() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._thread, connected)

    async def close(self) -> None:
        """Waits for what is under way, then lets go of the connection."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()


class Database:
    """The database in one file.  Errors of the disk come as SQLAlchemy's."""

    def __init__(self, path: Path) -> None:
        """Use `open`."""
        self._writer = _Lane(path, "journal-write")
        self._reader = _Lane(path, "journal-read")
        self._mover = _Lane(path, "journal-move")
        # Kept until the end: closing any handle of a file gives up the locks that SQLite has on it.
        self._handle = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
        self._pages = 0
        self._moving: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, prepare: Callable[[sa.Connection], None]) -> Database:
        """The database in `path`, made if missing; `prepare` brings its schema up to date, wholly or not.

        Raises whatever `prepare` raises.
        """

        def begin(connection: sa.Connection) -> None:
            for pragma in _PRAGMAS:
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            # SQLite's driver begins no transaction for a change of schema: without one, a crash would
            # leave half of it.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            prepare(connection)
            connection.commit()

        database = cls(path)
        try:
            await database._writer.run(begin)
        except BaseException:
            await database.close()
            raise
        return database

    async def read(self, work: Callable[[sa.Connection], _T]) -> _T:
        """What `work` finds; it sees all that was written before."""
        return await self._reader.run(work)

    async def write(self, work: Callable[[sa.Connection], None], pages: int = 1) -> None:
        """Does `work`, which changes about so many pages, in one transaction: durable on return, or undone.

        A crash before the commit mark is on disk leaves nothing of it: what stands behind the log's last mark
        is never read.  A crash after it loses none of it, whether the caller has learned of it or not.
        """

        def commit(connection: sa.Connection) -> None:
            work(connection)
            connection.commit()  # syncs the log, the mark included

        await self._writer.run(commit)
        self._pages += pages
        if self._pages >= PAGES and self._moving is None:
            self._pages = 0
            self._moving = asyncio.get_running_loop().create_task(self._move())

    async def _move(self) -> None:
        """A checkpoint.  If it fails the log keeps all, and the next one moves it.

        A crash at any point loses nothing: SQLite lets a page of the log be overwritten only after the
        database that has it is synced.
        """
        try:
            # SQLite syncs only in the pass that leaves nothing behind.  Beside a busy writer no pass does, so
            # that pass is made in the writer's place, and all that takes long is done beforehand.
            await self._mover.run(_pass)
            await asyncio.to_thread(os.fdatasync, self._handle)
            await self._mover.run(_pass)
            await self._writer.run(_pass)  # the log is empty now: the next commit begins it anew
        except (SQLAlchemyError, OSError) as error:
            _log.warning("checkpoint failed", exc_info=error)
        finally:
            self._moving = None

    async def close(self) -> None:
        """Lets go of the file, after what is under way."""
        if self._moving is not None:
            await self._moving
        for lane in (self._writer, self._reader, self._mover):
            await lane.close()
        os.close(self._handle)


def _pass(connection: sa.Connection) -> None:
    """Moves what is in the log now."""
    connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
