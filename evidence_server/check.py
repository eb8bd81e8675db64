"""Compares a data folder's journal with its store: what was promised must be there, byte for byte."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from evidence_server.data_folder import DataFolder
from evidence_server.journal import Journal
from evidence_server.keyring import KeyRing
from evidence_server.sitting import fold
from evidence_server.store import LocalStore
from pairing.encoding import b64u


async def check_folder(data: Path) -> dict[str, Any]:
    """Counts, and lists what is wrong.  Takes the folder's lock: raises PairingError("folder_in_use")."""
    folder = DataFolder(data)
    missing: list[str] = []
    altered: list[str] = []
    named: set[tuple[str, str]] = set()
    sittings = segments = 0
    with folder.locked():
        journal = await Journal.open(folder.journal)
        store = LocalStore(folder.objects, KeyRing(folder.keys))
        try:
            for sitting in await journal.sittings():
                sittings += 1
                for segment in fold(sitting, await journal.read(sitting)).segments():
                    named.add((sitting, segment.name))
                    if segment.stored_at_ms is None:
                        continue
                    segments += 1
                    if not await store.exists(sitting, segment.name):
                        missing.append(f"{sitting}/{segment.name}")
                        continue
                    digest = hashlib.sha256(await store.read(sitting, segment.name)).digest()
                    if b64u(digest) != segment.head.sha256:
                        altered.append(f"{sitting}/{segment.name}")
            entries = await store.objects()
        finally:
            await store.close()
            await journal.close()
    orphans = [
        f"{entry.sitting}/{entry.name}" for entry in entries if (entry.sitting, entry.name) not in named
    ]
    return {
        "fine": not missing and not altered, "sittings": sittings, "segments": segments,
        "missing": missing, "altered": altered, "orphans": orphans,
    }
