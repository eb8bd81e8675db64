"""What the bare server remembers of its uploads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from evidence_server.bare_uploads import BareUploads
from evidence_server.upload import Upload
from pairing.errors import PairingError
from tests.upload.test_store import largest_file

LOG = "uploads.jsonl"


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[BareUploads]:
    uploads = BareUploads(folder)
    try:
        yield uploads
    finally:
        await uploads.close()


async def known(folder: Path) -> dict[str, Upload | None]:
    async with opened(folder) as uploads:
        return {upload_id: await uploads.find(upload_id) for upload_id in uploads.ids}


async def test_the_next_process_knows_what_this_one_declared(tmp_path: Path) -> None:
    async with opened(tmp_path) as uploads:
        made = await asyncio.gather(*(uploads.create(n, "name YQ==", 1000 + n) for n in range(50)))
        later = await uploads.create(None, "", 7)
        await uploads.terminate(made[0])
        changed = await uploads.set_length(later, 9)
    assert changed.length == 9
    assert await known(tmp_path) == {upload.upload_id: upload for upload in (*made[1:], changed)}
    assert (tmp_path / LOG).read_bytes().count(b"\n") == 50  # what is gone is written no more


@pytest.mark.parametrize("cut", [2, 30])
async def test_a_declaration_that_a_crash_cut_short_was_never_made(tmp_path: Path, cut: int) -> None:
    async with opened(tmp_path) as uploads:
        kept = await uploads.create(1, "", 1)
        await uploads.create(2, "", 2)
    log = (tmp_path / LOG).read_bytes()
    (tmp_path / LOG).write_bytes(log[:-cut])
    assert await known(tmp_path) == {kept.upload_id: kept}
    async with opened(tmp_path) as uploads:
        added = await uploads.create(3, "", 3)
    assert await known(tmp_path) == {upload.upload_id: upload for upload in (kept, added)}


async def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as uploads:
        kept = await uploads.create(1, "", 1)
        size = (tmp_path / LOG).stat().st_size
        with largest_file(size + 10), pytest.raises(PairingError, match="storage_full"):
            await uploads.create(2, "", 2)
        assert (tmp_path / LOG).stat().st_size == size
        added = await uploads.create(3, "", 3)
    assert await known(tmp_path) == {upload.upload_id: upload for upload in (kept, added)}
