"""Compares a data folder's journal with its store: what was promised must be there, byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evidence_server.data_folder import DataFolder
from evidence_server.journal import Journal
from evidence_server.keyring import KeyRing, KeyUnreadableError
from evidence_server.local_store import LocalStore
from evidence_server.part_file import ObjectUnreadableError
from evidence_server.seen import picture_name
from evidence_server.segment import Segment
from evidence_server.sitting import Sitting, fold
from evidence_server.store import Store
from pairing.encoding import b64u
from pairing.errors import PairingError


@dataclass
class Report:
    """What was found.  Wrong is what `damaged` (sittings), `missing` and `altered` (objects) name; the other
    lists are harmless.

    `waiting`: whole, but a crash came before the receipt; the phone's next request brings it.
    `unfinished`: uploads that go on when the phone does.  `orphans`: objects that the journal does not know.
    `abandoned`: parts that nobody goes on with, of segments that are stored or that it does not know.
    """

    sittings: int = 0
    segments: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    unfinished: int = 0
    orphans: list[str] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether everything that was promised is there."""
        return not (self.damaged or self.missing or self.altered)


async def check_folder(data: Path) -> dict[str, Any]:
    """Counts, and lists what is wrong or left over.

    Takes the folder's lock: raises PairingError("folder_in_use")."""
    folder, report = DataFolder(data), Report()
    stored: dict[str, bool] = {}
    with folder.locked():
        journal = await Journal.open(folder.journal)
        store = LocalStore(folder.objects, KeyRing(folder.keys))
        try:
            for sitting in await journal.sittings():
                report.sittings += 1
                try:
                    state = fold(sitting, await journal.read(sitting))
                except PairingError:
                    report.damaged.append(sitting)
                    continue
                stored |= await _compare(state, store, report)
            for entry in await store.objects():
                name = f"{entry.sitting}/{entry.name}"
                if entry.sitting not in report.damaged and not stored.get(name):
                    (report.waiting if name in stored else report.orphans).append(name)
        finally:
            await store.close()
            await journal.close()
    for path in folder.parts():
        name = f"{path.parent.parent.name}/{path.name}"
        if not stored.get(name, True):
            report.unfinished += 1
        elif path.parent.parent.name not in report.damaged:
            report.abandoned.append(name)
    return {"fine": report.fine} | asdict(report)


async def _compare(state: Sitting, store: Store, report: Report) -> dict[str, bool]:
    """The sitting's segments and pictures by object name, and whether the journal calls them stored."""
    stored = {}
    for segment in state.segments():
        name = f"{state.id}/{segment.name}"
        stored[name] = segment.stored_at_ms is not None
        if not stored[name]:
            continue
        report.segments += 1
        if not await store.exists(state.id, segment.name):
            report.missing.append(name)
        elif not await _is_as_signed(state.id, segment, store):
            report.altered.append(name)
    for picture in state.pictures():
        name = f"{state.id}/{picture}"
        stored[name] = True
        if not await store.exists(state.id, picture):
            report.missing.append(name)
        elif not await _is_as_named(state.id, picture, store):
            report.altered.append(name)
    return stored


async def _is_as_signed(sitting: str, segment: Segment, store: Store) -> bool:
    digest = hashlib.sha256()
    try:
        async for piece in store.chunks(sitting, segment.name):
            digest.update(piece)
    except (ObjectUnreadableError, KeyUnreadableError, FileNotFoundError):
        return False
    return b64u(digest.digest()) == segment.sha256


async def _is_as_named(sitting: str, picture: str, store: Store) -> bool:
    try:
        return picture_name(await store.read(sitting, picture)) == picture
    except (ObjectUnreadableError, KeyUnreadableError, FileNotFoundError):
        return False
