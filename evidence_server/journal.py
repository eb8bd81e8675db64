"""The journal: everything that happens to a sitting, as append-only, hash-chained events in a database.

It is the only truth; the tables beside it are projections, written in the same transaction, which can be
built again from the events (design: "state is a fold of an append-only journal").  One process owns the
database: SQLite in WAL mode with `synchronous=FULL`, so that an event is on disk before `append` returns.
Appends that come while a transaction is being synced share the next one (`evidence_server.group`).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from evidence_server.event import GENESIS, Event, Name
from evidence_server.group import Conflict, Group
from evidence_server.migrations import upgrade
from pairing.errors import PairingError

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000")

SCHEMA = sa.MetaData()
"""What `migrations`, all of them run, make."""

_EVENTS = sa.Table(
    "events", SCHEMA,
    sa.Column("sitting", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.String(43), nullable=False),
)
_SITTINGS = sa.Table(
    "sittings", SCHEMA,
    sa.Column("sitting", sa.String(64), primary_key=True),
    sa.Column("due_ms", sa.BigInteger, nullable=True, index=True),
    sa.Column("decided", sa.Boolean, nullable=False),
    sa.Column("stage", sa.String(16), nullable=False, server_default="offered"),
)
_NAMES = sa.Table(
    # What peers know a thing of a sitting by: an offer, a bearer's hash, an upload address.
    "names", SCHEMA,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("sitting", sa.String(64), nullable=False),
    sa.Column("of", sa.String(64), nullable=False),
)
_CODES = sa.Table(
    # Typed codes that are being shown.  Not evidence: derived from the offer, kept for look-up only.
    "codes", SCHEMA,
    sa.Column("code", sa.String(16), primary_key=True),
    sa.Column("sitting", sa.String(64), nullable=False),
    sa.Column("offer", sa.String(64), nullable=False),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
)
_ALIVE = sa.Table(
    "alive", SCHEMA,
    sa.Column("process", sa.String(43), primary_key=True),
    sa.Column("started_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
)




def _upsert(table: sa.Table) -> Insert:
    """The statement that puts a row in the place of the one with its primary key."""
    keys = [column.name for column in table.primary_key.columns]
    statement = insert(table)
    rest = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


# Made once: building and comparing a statement costs more than running it.
_ADD_EVENTS = sa.insert(_EVENTS)
_PUT_SITTINGS, _PUT_NAMES, _PUT_CODES, _PUT_ALIVE = map(_upsert, (_SITTINGS, _NAMES, _CODES, _ALIVE))
_FIND = sa.select(_NAMES.c.sitting, _NAMES.c.of).where(
    _NAMES.c.kind == sa.bindparam("kind"), _NAMES.c.name == sa.bindparam("name")
)

_NAMES_KEPT = 50_000
"""Look-ups kept in memory, some 300 bytes each: the bearers and open uploads of thousands of phones."""

Appended = Callable[[Sequence[Event], float], None]
"""Told of events that have become durable, and of the seconds that their transaction took."""


@dataclass(frozen=True)
class _Addition:
    """What one `append` adds: events of one sitting, and the rows that follow from them."""

    events: Sequence[Event]
    sitting: dict[str, Any]
    names: Sequence[Name]


class Journal:
    """The database.  All methods raise PairingError("storage_full") when the disk is."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite has one writer anyway; the lock keeps transactions of this process from interleaving on
        # its single connection.
        self._turn = asyncio.Lock()
        self._group = Group(self._write)
        self._found: OrderedDict[tuple[str, str], Name] = OrderedDict()
        self._told: Appended | None = None

    @classmethod
    async def open(cls, path: Path) -> Journal:
        """The journal in the SQLite file `path`, made if missing, its schema brought up to date.

        Raises PairingError("journal_newer") if it is from a newer version of this software.
        """
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}", poolclass=StaticPool)
        try:
            async with engine.connect() as connection:
                for pragma in _PRAGMAS:
                    await connection.exec_driver_sql(f"PRAGMA {pragma}")
                # SQLite's driver begins no transaction for a change of schema: without one, a crash would
                # leave half of it.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
                await connection.run_sync(upgrade)
                await connection.commit()
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine)

    def tell(self, appended: Appended) -> None:
        """From now on `appended` is called after each append that succeeded."""
        self._told = appended

    async def close(self) -> None:
        """Closes the database."""
        await self._engine.dispose()

    async def append(
        self, events: Sequence[Event], *, names: Iterable[Name] = (), due_ms: int | None, decided: bool,
        stage: str,
    ) -> None:
        """Writes `events` of one sitting with their projections, in one transaction, durably.

        The transaction may hold the appends of other sittings, too, none of which can make this one fail.
        A crash before its commit leaves nothing of any of them, one after it all of them: each caller answers
        its peer only after this returns, so whatever was answered is here.  Raises
        PairingError("wrong_stage") if another writer took one of the sequence numbers.
        """
        sitting = {
            "sitting": events[0].sitting, "due_ms": due_ms, "decided": decided, "stage": stage,
        }
        failure = await self._group.add(_Addition(events, sitting, tuple(names)))
        if isinstance(failure, Conflict):
            raise PairingError("wrong_stage", "another writer was first") from failure
        if isinstance(failure, OperationalError):
            raise _translated(failure) from failure
        if failure is not None:
            raise PairingError("internal", "the journal could not be written") from failure

    async def _write(self, additions: Sequence[_Addition]) -> None:
        """All `additions`, or nothing of them, durably.  Raises Conflict."""
        events = [event for addition in additions for event in addition.events]
        names = [name for addition in additions for name in addition.names]
        async with self._turn:
            began = time.perf_counter()
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(_ADD_EVENTS, [_event_row(event) for event in events])
                    await connection.execute(_PUT_SITTINGS, [addition.sitting for addition in additions])
                    if names:
                        await connection.execute(_PUT_NAMES, [vars(name) for name in names])
                    # A crash up to here, or an error of the disk, leaves the log without a commit mark: the
                    # next start does not read what is in front of the missing mark.
                # The log is synced, the mark included.  A crash from here on loses none of it, whether the
                # peers were told or not; whoever was not asks again and gets the same answer.
            except IntegrityError as error:
                raise Conflict from error
        if self._told is not None:
            self._told(events, time.perf_counter() - began)

    async def read(self, sitting: str, after: int = 0) -> list[Event]:
        """The sitting's events with a sequence number above `after`, in order."""
        query = sa.select(_EVENTS).where(_EVENTS.c.sitting == sitting, _EVENTS.c.seq > after)
        async with self._turn, self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(_EVENTS.c.seq))).mappings().all()
            prev = GENESIS
            if after:
                prev = await connection.scalar(
                    sa.select(_EVENTS.c.hash).where(_EVENTS.c.sitting == sitting, _EVENTS.c.seq == after)
                ) or GENESIS
        events = []
        for row in rows:
            event = Event(row["sitting"], row["seq"], row["at_ms"], row["kind"], row["body"], prev)
            if event.hash != row["hash"]:
                raise PairingError("internal", f"the journal of {sitting} is damaged at {event.seq}")
            events.append(event)
            prev = event.hash
        return events

    async def find(self, kind: str, name: str) -> Name | None:
        """Whom a peer's name belongs to."""
        # It was asked for before, or it is new: a name, once given, is never another's.
        found = self._found.get((kind, name))
        if found is not None:
            self._found.move_to_end((kind, name))
            return found
        async with self._turn, self._engine.connect() as connection:
            row = (await connection.execute(_FIND, {"kind": kind, "name": name})).first()
        if row is None:
            return None
        found = self._found[kind, name] = Name(kind, name, row.sitting, row.of)
        if len(self._found) > _NAMES_KEPT:
            self._found.popitem(last=False)
        return found

    async def due(self, now_ms: int, limit: int = 100) -> list[str]:
        """Sittings that something is due for, the longest overdue first."""
        query = sa.select(_SITTINGS.c.sitting).where(_SITTINGS.c.due_ms <= now_ms)
        async with self._turn, self._engine.connect() as connection:
            return list(await connection.scalars(query.order_by(_SITTINGS.c.due_ms).limit(limit)))

    async def next_due_ms(self) -> int | None:
        """When the next thing is due."""
        async with self._turn, self._engine.connect() as connection:
            found: int | None = await connection.scalar(sa.select(sa.func.min(_SITTINGS.c.due_ms)))
        return found

    async def undecided(self) -> list[str]:
        """Sittings without a verdict."""
        query = sa.select(_SITTINGS.c.sitting).where(_SITTINGS.c.decided.is_(False))
        async with self._turn, self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def sittings(self) -> list[str]:
        """All sittings."""
        async with self._turn, self._engine.connect() as connection:
            return list(await connection.scalars(sa.select(_SITTINGS.c.sitting)))

    async def stages(self) -> dict[str, int]:
        """How many sittings stand at each stage, by the stage's name."""
        query = sa.select(_SITTINGS.c.stage, sa.func.count()).group_by(_SITTINGS.c.stage)
        async with self._turn, self._engine.connect() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    async def show_code(self, code: str, sitting: str, offer: str, until_ms: int, now_ms: int) -> None:
        """Makes a typed code findable while it works; forgets the ones that no longer do."""
        async with self._turn:
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(sa.delete(_CODES).where(_CODES.c.until_ms <= now_ms))
                    row = {"code": code, "sitting": sitting, "offer": offer, "until_ms": until_ms}
                    await connection.execute(_PUT_CODES, row)
            except OperationalError as error:
                raise _translated(error) from error

    async def find_code(self, code: str) -> tuple[str, str] | None:
        """The (sitting, offer) that shows or showed this code."""
        query = sa.select(_CODES.c.sitting, _CODES.c.offer).where(_CODES.c.code == code)
        async with self._turn, self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else (row[0], row[1])

    async def alive(self, process: str, started_ms: int, now_ms: int) -> None:
        """Records that this process is alive at `now_ms`."""
        async with self._turn, self._engine.begin() as connection:
            row = {"process": process, "started_ms": started_ms, "last_ms": now_ms}
            await connection.execute(_PUT_ALIVE, row)

    async def last_alive_ms(self) -> int | None:
        """When a process was last known to be alive; None if there never was one."""
        async with self._turn, self._engine.connect() as connection:
            found: int | None = await connection.scalar(sa.select(sa.func.max(_ALIVE.c.last_ms)))
        return found


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "sitting": event.sitting, "seq": event.seq, "at_ms": event.at_ms, "kind": event.kind,
        "body": event.body, "hash": event.hash,
    }


def _translated(error: OperationalError) -> PairingError:
    text = str(error.orig)
    full = "disk is full" in text or "disk I/O" in text
    return PairingError("storage_full" if full else "internal", text)
