"""A bare tus server in this process, on a real socket."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from aiohttp import web

from evidence_server.bare_tus import make_app
from evidence_server.local_store import LocalStore
from evidence_server.upload import Extension, Rules
from tests.upload.raw_http import Address

RULES = Rules(frozenset(Extension), max_bytes=64 * 2**20, expire_after_ms=3_600_000)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Serve(Protocol):
    """Run a server on a folder until the block is left (gracefully, as SIGTERM does)."""

    def __call__(
        self, folder: Path, idle_s: int = 3600, rules: Rules = RULES, now_ms: Callable[[], int] = now_ms
    ) -> AbstractAsyncContextManager[Address]: ...


@asynccontextmanager
async def serve_bare(
    folder: Path, idle_s: int = 3600, rules: Rules = RULES, now_ms: Callable[[], int] = now_ms
) -> AsyncIterator[Address]:
    """`idle_s` is an hour unless a test is about it: nothing but the event under test may free an upload."""
    store = LocalStore(folder, None, keep_free_bytes=0)
    app = make_app(folder, store, rules, idle_s, now_ms)
    runner = web.AppRunner(app, auto_decompress=False, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield Address(host, port)
    finally:
        await runner.cleanup()
        await store.close()


@pytest.fixture
def serve() -> Serve:
    return serve_bare


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Address]:
    async with serve_bare(tmp_path / "data") as address:
        yield address
