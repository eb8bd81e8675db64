"""A server that speaks the laptop page's real HTTP seam, with a state that a test sets."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import qrcode
import qrcode.image.svg
from aiohttp import web

from evidence_server.vision import marker
from tests.page.states import NOW, PLACED, STATES, STRIP, State

PAGE = Path(__file__).parents[2] / "evidence_server" / "page"
TOKEN = "page-token-of-the-test"
CSP = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'"
STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
WRONG_STAGE = {
    "error": "wrong_stage",
    "says": {"zh-CN": "现在还不能（或不再能）这样做。", "en": "That cannot be done at this stage."},
    "do": {"zh-CN": "请查看当前状态。", "en": "Look at the current state."},
}
UNAUTHORISED = {
    "error": "unauthorised",
    "says": {"zh-CN": "访问凭据缺失或不正确。", "en": "The access token is missing or wrong."},
    "do": {"zh-CN": "请从原来的链接或页面重新打开。", "en": "Open the original link or page again."},
}


def _drawn(width: int, height: int) -> bytes:
    """A room with windows and shelves, as JPEG."""
    room = np.full((height, width, 3), (198, 208, 212), np.uint8)
    cv2.rectangle(room, (0, height * 3 // 4), (width, height), (96, 118, 140), -1)
    for number, left in enumerate(range(20, width, 180)):
        top, low = (left + 90, height // 2) if number % 2 else (left + 60, height * 4 // 5)
        colour = (236, 226, 196) if number % 2 else (70, 92, 120)
        cv2.rectangle(room, (left, height // 6), (top, low), colour, -1)
        cv2.rectangle(room, (left, height // 6), (top, low), (60, 64, 72), 2)
    return cv2.imencode(".jpg", room)[1].tobytes()


PICTURES = {STRIP: _drawn(1440, 200), PLACED: _drawn(360, 480)}


class Backend:
    """One sitting.  `show` changes its state and tells every open stream; `cut` is a lost network."""

    def __init__(self) -> None:
        self.state: State = STATES["scan"]
        self.answers: list[tuple[str, str]] = []
        """What the page posted, as (confirm or refuse, key)."""
        self.refusal: dict[str, Any] | None = None
        """What the next answers are refused with, when set."""
        self.after: State | None = None
        """The state an accepted answer leads to."""
        self.offers = 0
        self.pictures = 0
        self.anchors = 0
        """How many markers were asked for."""
        self.without_pictures = False
        self.opened = 0
        """How many event streams were opened."""
        self.code_lasts_ms = 63_000
        self.link_lasts_ms = 23_000
        self.anchor_lasts_ms = 17_000
        self.changed = asyncio.Condition()
        self.origin = ""
        self._cut = False
        self._streams: set[asyncio.Queue[State | None]] = set()

    @property
    def address(self) -> str:
        """The page's address for this sitting."""
        return f"{self.origin}/laptop/#s={self.state['sitting_id']}&t={TOKEN}"

    async def show(self, state: State) -> None:
        """Makes `state` the sitting's and sends it to every open stream."""
        self.state = state
        for stream in self._streams:
            stream.put_nowait(state)
        await self._tell()

    async def cut(self) -> None:
        """Ends every stream and drops every request until `mend`."""
        self._cut = True
        for stream in self._streams:
            stream.put_nowait(None)

    def mend(self) -> None:
        """Answers again."""
        self._cut = False

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, reached: Any) -> None:
        """Waits until `reached()` is true; the page's requests wake it."""
        async with self.changed, asyncio.timeout(20):
            await self.changed.wait_for(reached)

    # --- the seam ---------------------------------------------------------------------------------

    def app(self) -> web.Application:
        """The routes the page uses, as the server has them."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/laptop/", self._index)
        app.router.add_static("/laptop", PAGE)
        sitting = "/v1/sittings/{sitting_id}"
        app.router.add_get(sitting, self._read)
        app.router.add_get(f"{sitting}/events", self._events)
        app.router.add_get(f"{sitting}/offer", self._offer)
        app.router.add_get(f"{sitting}/qr.svg", self._qr)
        app.router.add_get(f"{sitting}/anchor.svg", self._anchor)
        app.router.add_get(f"{sitting}/pictures/{{name}}", self._picture)
        app.router.add_post(f"{sitting}/{{answer:confirm|refuse}}", self._answer)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/laptop/"):
            answer: web.StreamResponse = await handler(request)
            answer.headers["Content-Security-Policy"] = CSP
            answer.headers["Referrer-Policy"] = "no-referrer"
            return answer
        if self._cut:
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response(UNAUTHORISED, status=401)
        return await handler(request)

    async def _index(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _read(self, _request: web.Request) -> web.Response:
        return web.json_response(self.state)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers=STREAM)
        await answer.prepare(request)
        await answer.write(b": open\n\n")
        stream: asyncio.Queue[State | None] = asyncio.Queue()
        self._streams.add(stream)
        self.opened += 1
        await self._tell()
        try:
            while (state := await stream.get()) is not None:
                await answer.write(f"event: state\ndata: {json.dumps(state)}\n\n".encode())
        except ConnectionError:
            pass  # the page was closed
        finally:
            self._streams.discard(stream)
        return answer

    async def _offer(self, _request: web.Request) -> web.Response:
        if self.state["stage"] != "offered":
            return web.json_response(WRONG_STAGE, status=409)
        self.offers += 1
        await self._tell()
        return web.json_response(
            {
                "link": self.link(),
                "code": "7K3M-9QXT-F",
                "address": "exam.example.org/p",
                "link_refresh_at_ms": NOW + self.offers * self.link_lasts_ms,
                "code_refresh_at_ms": NOW + self.code_lasts_ms,
                "server_time_ms": NOW,
            }
        )

    async def _qr(self, _request: web.Request) -> web.Response:
        self.pictures += 1
        picture = io.BytesIO()
        code = qrcode.QRCode(border=4, image_factory=qrcode.image.svg.SvgPathImage)
        code.add_data(self.link())
        code.make_image().save(picture)
        await self._tell()
        return web.Response(body=picture.getvalue(), content_type="image/svg+xml")

    async def _anchor(self, _request: web.Request) -> web.Response:
        self.anchors += 1
        await self._tell()
        change = {"Evidence-Next-Change": str(NOW + self.anchors * self.anchor_lasts_ms)}
        return web.Response(text=marker.svg(self.code()), content_type="image/svg+xml", headers=change)

    def code(self) -> int:
        """The code of the marker shown last."""
        return 0x5EED00 + self.anchors

    async def _picture(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in PICTURES or self.without_pictures:
            raise web.HTTPNotFound
        return web.Response(body=PICTURES[name], content_type="image/jpeg")

    def link(self) -> str:
        """The link of the offer shown last."""
        return f"https://exam.example.org/p/#t=o3cJv0bXkQ9.{self.offers:06d}.mYw4Zt7uRkP2hVdQ8sNfLa"

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.answers.append((request.match_info["answer"], body["key"]))
        if self.refusal is not None:
            return web.json_response(self.refusal, status=409)
        if self.after is not None:
            await self.show(self.after)
        return web.json_response(self.state)


@asynccontextmanager
async def serving() -> AsyncIterator[Backend]:
    """A fake backend on a free port of this machine."""
    backend = Backend()
    runner = web.AppRunner(backend.app(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        backend.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield backend
    finally:
        with suppress(ConnectionError):
            await backend.cut()
        await runner.cleanup()
