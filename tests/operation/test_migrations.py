"""The journal's schema: its migrations make what the code declares, and old databases open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from evidence_server.event import GENESIS, Event, dump
from evidence_server.journal import SCHEMA, Journal
from pairing.errors import PairingError
from tests.sittings import Exam, Phone, Service

# As the code that had no migrations yet made it.
BEFORE_MIGRATIONS = """
CREATE TABLE events (
    sitting VARCHAR(64) NOT NULL, seq BIGINT NOT NULL, at_ms BIGINT NOT NULL, kind VARCHAR(32) NOT NULL,
    body TEXT NOT NULL, hash VARCHAR(43) NOT NULL, PRIMARY KEY (sitting, seq));
CREATE TABLE sittings (
    sitting VARCHAR(64) NOT NULL, due_ms BIGINT, decided BOOLEAN NOT NULL, PRIMARY KEY (sitting));
CREATE INDEX ix_sittings_due_ms ON sittings (due_ms);
CREATE TABLE names (
    kind VARCHAR(16) NOT NULL, name VARCHAR(64) NOT NULL, sitting VARCHAR(64) NOT NULL,
    "of" VARCHAR(64) NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE codes (
    code VARCHAR(16) NOT NULL, sitting VARCHAR(64) NOT NULL, offer VARCHAR(64) NOT NULL,
    until_ms BIGINT NOT NULL, PRIMARY KEY (code));
CREATE TABLE alive (
    process VARCHAR(43) NOT NULL, started_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL, PRIMARY KEY (process));
"""


async def open_once(path: Path) -> None:
    journal = await Journal.open(path)
    await journal.close()


def differences(path: Path) -> list[Any]:
    """What the database has otherwise than the code declares."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = list(compare_metadata(MigrationContext.configure(connection), SCHEMA))
    engine.dispose()
    return found


def kept_before_migrations(path: Path) -> Event:
    """Makes a database with one event in it, as the code without migrations did."""
    event = Event("s", 1, 1_000, "offer_made", dump({"offer": "o", "reason": "created"}), GENESIS)
    row = (event.sitting, event.seq, event.at_ms, event.kind, event.body, event.hash)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(BEFORE_MIGRATIONS)
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO sittings (sitting, due_ms, decided) VALUES ('s', NULL, 0)")
        connection.commit()
    return event


async def test_a_new_database_is_what_the_code_declares(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await open_once(path)
    assert differences(path) == []


async def test_a_database_from_before_migrations_opens_and_keeps_its_events(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    event = kept_before_migrations(path)
    journal = await Journal.open(path)
    assert await journal.read("s") == [event]
    await journal.close()
    assert differences(path) == []


async def test_each_sitting_of_an_old_database_stands_where_it_stood(tmp_path: Path) -> None:
    service = await Service.open(tmp_path)
    binder = service.binder
    for name in ("s_offered", "s_claimed", "s_refused", "s_bound"):
        await binder.create(name, "oral", None, None, {})
    for name in ("s_claimed", "s_refused"):
        phone = Phone(service, name)
        await binder.claim(phone.claim((await binder.offer(name)).ticket))
    await binder.refuse("s_refused", phone.thumb, "page")
    await Phone(service, "s_bound").bind()
    for name in ("s_ended", "s_decided", "s_published"):
        exam = await Exam.begin(service, name=name)
        service.clock.to(60)
        await exam.end(60)
        if name != "s_ended":
            service.clock.to(2 * 3600)
            assert await exam.verdict()
        if name == "s_published":
            await service.releaser.publish(name, "backend")
    stages = await service.journal.stages()
    await service.close()
    assert stages == dict.fromkeys(("claimed", "bound", "ended", "decided", "published"), 1) | {"offered": 2}

    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        for column in ("stage", "deadline_ms"):
            connection.execute(f"ALTER TABLE sittings DROP COLUMN {column}")
        connection.execute("DROP TABLE alembic_version")
        connection.commit()
    again = await Journal.open(path)
    assert await again.stages() == stages
    await again.close()


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await open_once(path)
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute("SELECT * FROM sqlite_schema").fetchall()
    await open_once(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == before


async def test_a_failing_step_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    kept_before_migrations(path)
    with closing(sqlite3.connect(path)) as connection:
        # In the way of the last step, and none of ours: `sittings` gets a column that is there already.
        connection.execute("ALTER TABLE sittings ADD COLUMN stage TEXT")
        before = connection.execute("SELECT name, sql FROM sqlite_schema").fetchall()
    with pytest.raises(sa.exc.OperationalError, match="duplicate column"):
        await Journal.open(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name, sql FROM sqlite_schema").fetchall() == before


async def test_a_journal_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await open_once(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(PairingError) as refused:
        await Journal.open(path)
    assert refused.value.code == "journal_newer"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
