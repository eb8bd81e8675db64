"""The real server, a network that a test cuts, and the real Keeper in Chromium; the window is the test's own.

The window's files are put under the app's address by the browser's own routing: the server serves the app
as it is.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route, async_playwright
from rich.console import Console

from demo.commands import Server
from phone_client.boxes import Slice
from tests.page.browser import ARGUMENTS, CHROMIUM
from tests.path.evidence import Bundle
from tests.web.delivery.network import Network

WINDOW = Path(__file__).parent / "page"
APP = Path(__file__).parents[3] / "phone_client" / "web"
PATIENCE_MS = 60_000
PATIENT = json.dumps({"max_gap_s": 300, "max_gap_total_s": 600, "checks": {"scan": "review"}})
"""How long a busy machine takes between two steps of a test is not the point."""
_TYPES = {".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript"}


class Phone:
    """The page, and what a candidate would do with it."""

    def __init__(self, page: Page, address: str, stream: Sequence[Slice]) -> None:
        self.page = page
        self._address = address
        self._stream = stream
        page.set_default_timeout(PATIENCE_MS)

    async def open(self) -> dict[str, Any]:
        """Loads the page, again if it was open, and opens the Keeper."""
        await self.page.goto(f"{self._address}/p/rig/index.html")
        await self.page.wait_for_function("globalThis.phone !== undefined")
        state: dict[str, Any] = await self.page.evaluate("phone.open()")
        return state

    async def ask(self, call: str, **argument: Any) -> Any:
        """A call to the Keeper that must be answered."""
        answer = await self.page.evaluate("([call, argument]) => phone.ask(call, argument)", [call, argument])
        if "refused" in answer:
            raise RuntimeError(f"{call} was refused: {answer['refused']}")
        return answer["answer"]

    async def refused(self, call: str, **argument: Any) -> str:
        """The code with which a call is refused."""
        answer = await self.page.evaluate("([call, argument]) => phone.ask(call, argument)", [call, argument])
        return str(answer.get("refused"))

    async def until(self, reached: str) -> dict[str, Any]:
        """The first state for which `reached`, the body of a function of state and phone, is true."""
        reaching = self.page.evaluate(f"phone.until((state, phone) => {reached})")
        state: dict[str, Any] = await asyncio.wait_for(reaching, 3 * PATIENCE_MS / 1_000)
        return state

    async def state(self) -> dict[str, Any]:
        """The state told last."""
        state: dict[str, Any] = await self.page.evaluate("phone.state")
        return state

    async def heard(self) -> list[str]:
        """The events told, but for states."""
        heard: list[str] = await self.page.evaluate("phone.heard")
        return heard

    async def claim(self, link: str) -> dict[str, Any]:
        """Redeems the link of a sitting."""
        shown: dict[str, Any] = await self.ask("claim", server="", secret=link.partition("#t=")[2])
        return shown

    async def record(
        self, first_s: int, last_s: int, *, live: bool = False, note: str | None = None, late_s: int = 0
    ) -> None:
        """Records this part of the film as a run of its own; unless `live`, all at once as if it had ended
        `late_s` seconds ago."""
        pieces, at, length_ms = [], 0, 0
        origin_us = first_s * 1_000_000
        for piece in self._stream:
            start_us, end_us = piece.start_us, piece.end_us
            if start_us is None or end_us is None:
                pieces.append({"from_us": 0, "to_us": 0, "at": at, "length": len(piece.raw)})
            elif start_us >= origin_us and end_us <= last_s * 1_000_000 + 100_000:
                length_ms = (end_us - origin_us) // 1_000
                pieces.append({
                    "from_us": start_us - origin_us, "to_us": end_us - origin_us, "at": at,
                    "length": len(piece.raw),
                })
            at += len(piece.raw)
        ago_ms = 0 if live else length_ms + late_s * 1_000
        wanted = {"pieces": pieces, "ago_ms": ago_ms, "live": live, "note": note}
        await self.page.evaluate("(wanted) => phone.record(wanted)", wanted)

    async def carry(self) -> bytes:
        """The carry file."""
        return base64.b64decode(await self.page.evaluate("phone.carry()"))


class Rig:
    """Use: `async with rigged(folder, stream) as rig`."""

    def __init__(self, folder: Path, stream: Sequence[Slice]) -> None:
        self.folder = folder
        self._stream = stream
        self.network = Network(target=0)

    async def start(self, stack: AsyncExitStack) -> None:
        """Starts everything; `stack` ends it."""
        await self.network.start()
        stack.push_async_callback(self.network.stop)
        self.address = f"http://127.0.0.1:{self.network.port}"
        self.server = Server(Console(width=200), self.folder / "data", self.address)
        stack.push_async_callback(self.server.stop)
        await self.server.start()
        self.network.target = self.server.port
        playwright = await stack.enter_async_context(async_playwright())
        context = await playwright.chromium.launch_persistent_context(
            self.folder / "profile", executable_path=CHROMIUM, args=ARGUMENTS, headless=True
        )
        stack.push_async_callback(context.close)
        await context.route("**/p/rig/*", self._answer)
        self.context = context

    async def _answer(self, route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name == "stream.mp4":
            await route.fulfill(body=b"".join(piece.raw for piece in self._stream), content_type="video/mp4")
        else:
            path = WINDOW / name
            await route.fulfill(body=path.read_text(), content_type=_TYPES[path.suffix])

    async def keep_the_app(self) -> None:
        """From now on the browser has the app's files without network, as its service worker gives it."""

        async def answer(route: Route) -> None:
            path = APP / route.request.url.rpartition("/p/")[2]
            await route.fulfill(body=path.read_text(encoding="utf-8"), content_type=_TYPES[path.suffix])

        await self.context.unroute("**/p/rig/*")
        await self.context.route("**/p/**", answer)
        await self.context.route("**/p/rig/*", self._answer)

    async def phone(self) -> Phone:
        """A page of the phone's browser, opened."""
        phone = Phone(await self.context.new_page(), self.address, self._stream)
        await phone.open()
        return phone

    async def sitting(self, *arguments: str) -> dict[str, Any]:
        """A sitting, created with the public command; long gaps are forgiven."""
        return await self.server.command_json("sitting", *arguments, "--policy", PATIENT, "--json")

    async def confirm(self, sitting: str, shown: dict[str, Any]) -> None:
        """Confirms the phone as somebody who has compared the digits."""
        claim = (await self.server.state(sitting))["claim"]
        if (claim["digits"], claim["key"]) != (shown["digits"], shown["key"]):
            raise RuntimeError(f"the laptop shows {claim}, the phone {shown}")
        await self.server.command("confirm", sitting, "--key", shown["key"])

    async def export(self, sitting: str) -> Bundle:
        """The sitting's bundle."""
        path = self.folder / f"{sitting}.bundle.zip"
        await self.server.command("export", sitting, "--out", str(path))
        return Bundle(path)


@asynccontextmanager
async def rigged(folder: Path, stream: Sequence[Slice]) -> AsyncIterator[Rig]:
    """A rig for the length of one test."""
    async with AsyncExitStack() as stack:
        rig = Rig(folder, stream)
        await rig.start(stack)
        yield rig
