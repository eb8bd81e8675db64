"""The shell as the product mounts it: a head created the upload, its sha256 is known, a receipt follows."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from evidence_server.keyring import KeyRing
from evidence_server.local_store import LocalStore
from evidence_server.routes.errors import refusals
from evidence_server.routes.tus import TusShell
from evidence_server.upload import PRODUCT_RULES, Upload
from pairing.errors import PairingError
from tests.upload.raw_http import BODY, TUS, Address

CONTENT = random.Random(3).randbytes(900_000)
PATH = "/uploads/u1"


class Heads:
    """Owner of one expected segment; what it was told is kept outside any process's memory."""

    def __init__(self, content: bytes, folder: Path) -> None:
        self.upload = Upload("u1", "s", "segment", len(content), sha256=hashlib.sha256(content).hexdigest())
        self.told = folder / "told"
        self.failing: Exception | None = None

    async def find(self, upload_id: str) -> Upload | None:
        return self.upload if upload_id == "u1" else None

    async def finished(self, upload: Upload) -> Mapping[str, str]:
        if self.failing is not None:
            raise self.failing
        assert upload.finished
        self.told.write_text(f"{upload.name} {upload.offset}")
        return {"Evidence-Receipt": f"receipt-of-{upload.name}"}


@asynccontextmanager
async def running(folder: Path, heads: Heads) -> AsyncIterator[Address]:
    store = LocalStore(folder / "objects", KeyRing(folder / "keys"), keep_free_bytes=0)
    app = web.Application(middlewares=[refusals])
    shell = TusShell(heads, store, PRODUCT_RULES, now_ms=lambda: 1_800_000_000_000, idle_s=3600)
    shell.mount(app, "/uploads")
    runner = web.AppRunner(app, auto_decompress=False, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Address(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()
        await store.close()


@pytest.fixture
def heads(tmp_path: Path) -> Heads:
    return Heads(CONTENT, tmp_path)


@pytest.fixture
async def server(tmp_path: Path, heads: Heads) -> AsyncIterator[Address]:
    async with running(tmp_path, heads) as address:
        yield address


async def test_the_receipt_comes_with_the_last_byte_and_with_every_head_after(
    server: Address, heads: Heads
) -> None:
    answer = await server.patch(PATH, 0, CONTENT[:500_000])
    assert (answer.status, answer.offset) == (204, 500_000)
    assert "evidence-receipt" not in answer.headers
    assert not heads.told.exists()
    answer = await server.patch(PATH, 500_000, CONTENT[500_000:])
    assert (answer.status, answer.offset) == (204, len(CONTENT))
    assert answer.headers["evidence-receipt"] == "receipt-of-segment"
    assert heads.told.read_text() == f"segment {len(CONTENT)}"
    for again in (await server.head(PATH), await server.patch(PATH, len(CONTENT), b"")):
        assert again.headers["evidence-receipt"] == "receipt-of-segment"


async def test_the_head_is_the_creation(server: Address) -> None:
    assert (await server.ask("POST", "/uploads", {**TUS, "Upload-Length": "5"}, b"")).status == 404
    assert (await server.ask("POST", PATH, {**TUS, "Upload-Length": "5"}, b"")).status == 405
    assert (await server.ask("DELETE", PATH)).status == 405
    answer = await server.ask("OPTIONS", PATH, {})
    assert answer.headers["tus-extension"] == "checksum"
    assert "access-control-allow-origin" not in answer.headers
    answer = await server.head(PATH)
    assert (answer.offset, answer.headers["upload-length"]) == (0, str(len(CONTENT)))
    assert "upload-expires" not in answer.headers
    assert (await server.head("/uploads/u2")).status == 404


async def test_wrong_bytes_are_dropped_and_the_right_ones_taken(server: Address, heads: Heads) -> None:
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    assert (await server.patch(PATH, 0, wrong[:500_000])).status == 204
    answer = await server.patch(PATH, 500_000, wrong[500_000:])
    assert (answer.status, json.loads(answer.body)["error"], answer.offset) == (460, "upload_hash", 0)
    assert (await server.head(PATH)).offset == 0
    assert not heads.told.exists()
    assert (await server.patch(PATH, 0, CONTENT)).status == 204


async def test_an_owner_that_fails_is_asked_again_before_anyone_sees_the_upload_whole(
    tmp_path: Path, heads: Heads
) -> None:
    heads.failing = PairingError("busy", "the journal", retry_after_s=3)
    async with running(tmp_path, heads) as server:
        answer = await server.patch(PATH, 0, CONTENT)
        assert (answer.status, answer.headers["retry-after"]) == (503, "3")
        assert (await server.head(PATH)).status == 503
    heads.failing = None
    async with running(tmp_path, heads) as server:
        answer = await server.head(PATH)
        assert (answer.offset, answer.headers["evidence-receipt"]) == (len(CONTENT), "receipt-of-segment")
    assert heads.told.exists()


async def test_a_fault_of_ours_is_500_without_details(server: Address, heads: Heads) -> None:
    heads.failing = RuntimeError("secret detail")
    answer = await server.patch(PATH, 0, CONTENT)
    assert (answer.status, json.loads(answer.body)["error"]) == (500, "internal")
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert b"secret" not in answer.body


@pytest.mark.parametrize("right", [True, False])
async def test_all_bytes_written_but_killed_before_the_end_is_made_good_by_the_next_request(
    tmp_path: Path, heads: Heads, right: bool
) -> None:
    store = LocalStore(tmp_path / "objects", KeyRing(tmp_path / "keys"), keep_free_bytes=0)
    part = await store.part("s", "segment")
    await part.append([CONTENT if right else bytes(len(CONTENT))])
    await part.close()
    await store.close()
    async with running(tmp_path, heads) as server:
        answer = await server.head(PATH)
        assert answer.status == 200
        assert answer.offset == (len(CONTENT) if right else 0)
        assert heads.told.exists() == right
        assert ("evidence-receipt" in answer.headers) == right
        assert (await server.patch(PATH, answer.offset, CONTENT[answer.offset :])).status == 204
    assert heads.told.exists()


async def test_an_empty_segment_is_whole_at_once(tmp_path: Path) -> None:
    heads = Heads(b"", tmp_path)
    async with running(tmp_path, heads) as server:
        answer = await server.head(PATH)
        assert (answer.offset, answer.headers["evidence-receipt"]) == (0, "receipt-of-segment")


async def test_a_gzip_bomb_is_refused_before_it_is_inflated(server: Address) -> None:
    headers = {**BODY, "Upload-Offset": "0", "Content-Encoding": "gzip"}
    assert (await server.ask("PATCH", PATH, headers, b"\x1f\x8b" + bytes(48_000))).status == 415
    assert (await server.head(PATH)).offset == 0
