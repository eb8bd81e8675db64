"""Serves the web app's modules and this folder's pages, and hears what the pages have seen."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.web.core.stream import slice_of

PAGES = Path(__file__).parent / "pages"
WEB_APP = Path(__file__).parents[3] / "phone_client" / "web"


class Host:
    """`seen[run]` counts the slices of a run that the page was told are flushed."""

    def __init__(self) -> None:
        self.seen: Counter[int] = Counter()
        self.address = ""
        self._changed = asyncio.Event()

    async def until_seen(self, run: int, slices: int) -> None:
        """Waits until so many slices of a run were seen flushed."""
        async with asyncio.timeout(60):
            while self.seen[run] < slices:
                self._changed.clear()
                await self._changed.wait()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_static("/p/", WEB_APP)
        app.router.add_static("/t/", PAGES)
        app.router.add_get("/slice/{run}/{number}", self._slice)
        app.router.add_post("/seen/{run}/{number}", self._hear)
        return app

    async def _slice(self, request: web.Request) -> web.Response:
        run, number = int(request.match_info["run"]), int(request.match_info["number"])
        return web.Response(body=slice_of(run, number))

    async def _hear(self, request: web.Request) -> web.Response:
        run, number = int(request.match_info["run"]), int(request.match_info["number"])
        self.seen[run] = max(self.seen[run], number + 1)
        self._changed.set()
        return web.Response()


@asynccontextmanager
async def hosting() -> AsyncIterator[Host]:
    """A host that answers at `address`."""
    host = Host()
    runner = web.AppRunner(host.app(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        host.address = f"http://127.0.0.1:{port}"
        yield host
    finally:
        await runner.cleanup()
