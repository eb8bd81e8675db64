"""`check` finds what was promised and is gone, and names what is left over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evidence_server.check import check_folder
from evidence_server.data_folder import DataFolder
from pairing.errors import PairingError
from tests.durability.folders import furnished


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def left(data: Path) -> list[str]:
    """Lets a server leave its folder; gives the segments' object names, of which two are stored."""
    async with furnished(data) as made:
        return made.names


def wrong(report: dict[str, Any]) -> dict[str, Any]:
    """What of a report is not as after an undisturbed end."""
    usual = {"fine": True, "sittings": 1, "segments": 2, "unfinished": 0}
    return {name: value for name, value in report.items() if value and usual.get(name) != value}


async def test_nothing_is_wrong_with_a_folder_that_was_left_in_peace(data: Path) -> None:
    await left(data)
    assert wrong(await check_folder(data)) == {}


async def test_a_running_server_keeps_check_out(data: Path) -> None:
    async with furnished(data):
        with pytest.raises(PairingError, match="folder_in_use"):
            await check_folder(data)


async def test_a_promised_object_that_is_gone(data: Path) -> None:
    names = await left(data)
    DataFolder(data).object(names[1]).unlink()
    report = await check_folder(data)
    assert not report["fine"]
    assert wrong(report) == {"missing": [names[1]]}


@pytest.mark.parametrize("damage", [
    lambda whole: whole[:-1], lambda whole: whole + b"\0", lambda whole: b"XXXX" + whole[4:], lambda _: b"",
    lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
], ids=["shorter", "longer", "no header", "empty", "a bit"])  # fmt: skip
async def test_a_promised_object_that_is_another(data: Path, damage: Callable[[bytes], bytes]) -> None:
    names = await left(data)
    path = DataFolder(data).object(names[0])
    path.write_bytes(damage(path.read_bytes()))
    assert wrong(await check_folder(data)) == {"altered": [names[0]]}


async def test_without_its_keys_nothing_can_be_vouched_for(data: Path) -> None:
    names = await left(data)
    for key in (data / "keys" / "sittings").iterdir():
        key.unlink()
    assert wrong(await check_folder(data)) == {"altered": names[:2]}


async def test_one_damaged_journal_does_not_hide_the_others(data: Path) -> None:
    await left(data)
    with closing(sqlite3.connect(data / "journal.sqlite")) as journal, journal:
        journal.execute(
            "INSERT INTO sittings SELECT 's_2', due_ms, decided, stage, deadline_ms FROM sittings"
        )
        journal.execute(
            "INSERT INTO events SELECT 's_2', seq, at_ms + (seq = 2), kind, body, hash FROM events"
        )
    assert wrong(await check_folder(data)) == {"sittings": 2, "damaged": ["s_2"]}


async def test_what_crashes_leave_is_named(data: Path) -> None:
    async with furnished(data) as made:
        (sitting, *_), names = made.names[0].split("/"), made.names
        store, third, fourth = made.service.store, made.film[2], made.film[3]
        # whole, its event not written; half sent; linked, its part not removed; of no entry at all
        await store.put(sitting, third.name, third.content)
        half = await store.part(sitting, fourth.name)
        await half.sync([fourth.content[:4]])
        await half.close()
        parts = made.folder.objects / sitting / "parts"
        (parts / made.film[0].name).hardlink_to(made.folder.object(names[0]))
        (parts / ".0123").write_bytes(b"a draft")
        await store.put(sitting, "unknown", b"of a journal that was restored")
    report = await check_folder(data)
    assert wrong(report) == {
        "waiting": [names[2]], "unfinished": 1, "orphans": [f"{sitting}/unknown"],
        "abandoned": sorted([f"{sitting}/.0123", names[0]]),
    }
    assert report["fine"]
