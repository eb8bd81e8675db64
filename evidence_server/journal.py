"""The journal: everything that happens to a sitting, as append-only, hash-chained events in a database.

It is the only truth; the tables beside it are projections, written in the same transaction, which can be
built again from the events (design: "state is a fold of an append-only journal").  One process owns the
database.  An event is on disk before `append` returns; appends that come while a transaction is being synced
share the next one (`evidence_server.group`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import IntegrityError, OperationalError

from evidence_server.database import Database
from evidence_server.disk import RETRY_AFTER_FULL_S
from evidence_server.event import GENESIS, Event, Name
from evidence_server.group import Conflict, Group
from evidence_server.migrations import upgrade
from pairing.errors import PairingError

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
    sa.Column("deadline_ms", sa.BigInteger, nullable=True),
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

_PAGE_BYTES = 4096
_PAGES_AN_ADDITION = 4
"""Pages that an addition changes besides those that its text fills: places in tables and their indices."""
_NAMES_KEPT = 4_000
"""Look-ups kept in memory, half a kilobyte each: the bearers and open uploads of more phones than a core
serves."""

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

    def __init__(self, database: Database) -> None:
        """Use `open`."""
        self._database = database
        self._group = Group(self._write)
        self._found: OrderedDict[tuple[str, str], Name] = OrderedDict()
        self._told: Appended | None = None

    @classmethod
    async def open(cls, path: Path) -> Journal:
        """The journal in the SQLite file `path`, made if missing, its schema brought up to date.

        Raises PairingError("journal_newer") if it is from a newer version of this software.
        """
        return cls(await Database.open(path, upgrade))

    def tell(self, appended: Appended) -> None:
        """From now on `appended` is called after each append that succeeded."""
        self._told = appended

    async def close(self) -> None:
        """Closes the database."""
        await self._database.close()

    async def append(
        self, events: Sequence[Event], *, names: Iterable[Name] = (), due_ms: int | None, decided: bool,
        stage: str, deadline_ms: int | None = None,
    ) -> None:
        """Writes `events` of one sitting with their projections, in one transaction, durably.

        The transaction may hold the appends of other sittings, too, none of which can make this one fail.
        A crash before its commit leaves nothing of any of them, one after it all of them: each caller answers
        its peer only after this returns, so whatever was answered is here.  Raises
        PairingError("wrong_stage") if another writer took one of the sequence numbers.
        """
        sitting = {
            "sitting": events[0].sitting, "due_ms": due_ms, "decided": decided, "stage": stage,
            "deadline_ms": deadline_ms,
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
        names = [_name_row(name) for addition in additions for name in addition.names]

        def insert_all(connection: sa.Connection) -> None:
            connection.execute(_ADD_EVENTS, [_event_row(event) for event in events])
            connection.execute(_PUT_SITTINGS, [addition.sitting for addition in additions])
            if names:
                connection.execute(_PUT_NAMES, names)

        began = time.perf_counter()
        text_pages = sum(len(event.body) for event in events) // _PAGE_BYTES
        try:
            await self._database.write(insert_all, text_pages + _PAGES_AN_ADDITION * len(additions))
        except IntegrityError as error:
            raise Conflict from error
        if self._told is not None:
            self._told(events, time.perf_counter() - began)

    async def read(self, sitting: str, after: int = 0, until: int | None = None) -> list[Event]:
        """The sitting's events with a sequence number above `after`, in order; the last one is `until`."""
        query = sa.select(_EVENTS).where(_EVENTS.c.sitting == sitting, _EVENTS.c.seq >= after)
        if until is not None:
            query = query.where(_EVENTS.c.seq <= until)
        rows = await self._rows(query.order_by(_EVENTS.c.seq))
        prev = GENESIS
        if after and rows and rows[0].seq == after:
            prev = rows.pop(0).hash
        events = []
        for row in rows:
            event = Event(row.sitting, row.seq, row.at_ms, row.kind, row.body, prev)
            if event.hash != row.hash:
                raise PairingError("internal", f"the journal of {sitting} is damaged at {event.seq}")
            events.append(event)
            prev = event.hash
        return events

    async def find(self, kind: str, name: str) -> Name | None:
        """Whom a peer's name belongs to."""
        # Remembered: a name, once given, is never another's.
        found = self._found.get((kind, name))
        if found is not None:
            self._found.move_to_end((kind, name))
            return found
        rows = await self._rows(_FIND, {"kind": kind, "name": name})
        if not rows:
            return None
        found = self._found[kind, name] = Name(kind, name, rows[0].sitting, rows[0].of)
        if len(self._found) > _NAMES_KEPT:
            self._found.popitem(last=False)
        return found

    async def due(self, now_ms: int, limit: int = 100, skip: int = 0) -> list[str]:
        """Sittings that something is due for, the longest overdue first, without the first `skip`."""
        query = sa.select(_SITTINGS.c.sitting).where(_SITTINGS.c.due_ms <= now_ms)
        ordered = query.order_by(_SITTINGS.c.due_ms, _SITTINGS.c.sitting)
        return [row.sitting for row in await self._rows(ordered.limit(limit).offset(skip))]

    async def next_due_ms(self) -> int | None:
        """When the next thing is due."""
        found: int | None = (await self._rows(sa.select(sa.func.min(_SITTINGS.c.due_ms))))[0][0]
        return found

    async def undecided(self, or_deadline_after_ms: int | None = None) -> list[str]:
        """Sittings without a verdict; also those whose deadline is later than `or_deadline_after_ms`."""
        wanted: list[sa.ColumnElement[bool]] = [_SITTINGS.c.decided.is_(False)]
        if or_deadline_after_ms is not None:
            wanted.append(_SITTINGS.c.deadline_ms > or_deadline_after_ms)
        query = sa.select(_SITTINGS.c.sitting).where(sa.or_(*wanted))
        return [row.sitting for row in await self._rows(query)]

    async def sittings(self) -> list[str]:
        """All sittings."""
        return [row.sitting for row in await self._rows(sa.select(_SITTINGS.c.sitting))]

    async def stages(self) -> dict[str, int]:
        """How many sittings stand at each stage, by the stage's name."""
        query = sa.select(_SITTINGS.c.stage, sa.func.count()).group_by(_SITTINGS.c.stage)
        return dict(map(tuple, await self._rows(query)))

    async def show_code(self, code: str, sitting: str, offer: str, until_ms: int, now_ms: int) -> None:
        """Makes a typed code findable while it works; forgets the ones that no longer do."""
        row = {"code": code, "sitting": sitting, "offer": offer, "until_ms": until_ms}

        def show(connection: sa.Connection) -> None:
            connection.execute(sa.delete(_CODES).where(_CODES.c.until_ms <= now_ms))
            connection.execute(_PUT_CODES, row)

        try:
            await self._database.write(show)
        except OperationalError as error:
            raise _translated(error) from error

    async def find_code(self, code: str) -> tuple[str, str] | None:
        """The (sitting, offer) that shows or showed this code."""
        rows = await self._rows(sa.select(_CODES.c.sitting, _CODES.c.offer).where(_CODES.c.code == code))
        return (rows[0].sitting, rows[0].offer) if rows else None

    async def alive(self, process: str, started_ms: int, now_ms: int) -> None:
        """Records that this process is alive at `now_ms`."""
        row = {"process": process, "started_ms": started_ms, "last_ms": now_ms}

        def put(connection: sa.Connection) -> None:
            connection.execute(_PUT_ALIVE, row)

        await self._database.write(put)

    async def last_alive_ms(self) -> int | None:
        """When the newest process was last known to be alive; None if there never was one.

        The newest is the one whose row is: a clock that ran ahead would make an older one win for ever.
        """
        newest = sa.select(_ALIVE.c.last_ms).order_by(sa.literal_column("rowid").desc()).limit(1)
        rows = await self._rows(newest)
        return int(rows[0].last_ms) if rows else None

    async def _rows(
        self, query: sa.Select[Any], values: Mapping[str, object] | None = None
    ) -> list[sa.Row[Any]]:
        return await self._database.read(lambda connection: list(connection.execute(query, values)))


def _name_row(name: Name) -> dict[str, Any]:
    return {"kind": name.kind, "name": name.name, "sitting": name.sitting, "of": name.of}


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "sitting": event.sitting, "seq": event.seq, "at_ms": event.at_ms, "kind": event.kind,
        "body": event.body, "hash": event.hash,
    }


def _translated(error: OperationalError) -> PairingError:
    text = str(error.orig)
    if "disk is full" in text or "disk I/O" in text:
        return PairingError("storage_full", text, retry_after_s=RETRY_AFTER_FULL_S)
    return PairingError("internal", text)
