"""A candidate's phone: a real Chromium on a profile that survives its death, tapped as a candidate taps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import CDPSession, Page, expect

from tests.web.capture.rig import PERMISSIONS
from tests.web.core.killable import KillableChromium, killable_chromium

PATIENCE_MS = 60_000
SIZE = {"width": 412, "height": 915}


class Candidate:
    """Use: `async with Candidate(profile, devices, origin) as phone`; may be killed and started again."""

    def __init__(self, profile: Path, devices: Sequence[Path], origin: str) -> None:
        self._profile = profile
        camera, sound = devices
        self._arguments = [
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
            f"--use-file-for-fake-audio-capture={sound}", "--autoplay-policy=no-user-gesture-required",
            "--lang=zh-CN",
        ]  # fmt: skip
        self._origin = origin
        self._life = AsyncExitStack()
        self._browser: KillableChromium | None = None
        self._cdp: CDPSession | None = None
        self.faults: list[str] = []

    async def __aenter__(self) -> Candidate:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._life.aclose()

    async def start(self) -> None:
        """A browser on the profile, with nothing open yet."""
        self._browser = await self._life.enter_async_context(
            killable_chromium(self._profile, *self._arguments)
        )
        context = self.page.context
        # What it ordered holds as long as this session lasts.
        self._cdp = await context.new_cdp_session(self.page)
        await self.order("Browser.grantPermissions", permissions=PERMISSIONS)
        await self.page.set_viewport_size({"width": SIZE["width"], "height": SIZE["height"]})
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    @property
    def page(self) -> Page:
        """The one page."""
        if self._browser is None:
            raise RuntimeError("no browser runs")
        return self._browser.page

    @property
    def pid(self) -> int:
        """The browser's process."""
        if self._browser is None:
            raise RuntimeError("no browser runs")
        return self._browser.pid

    async def kill(self) -> None:
        """SIGKILL, the whole browser at once."""
        if self._browser is not None:
            await self._browser.kill()
        await self._life.aclose()
        self._life, self._browser = AsyncExitStack(), None

    async def order(self, method: str, **given: object) -> None:
        """An order to the browser itself, as its own settings give it."""
        if self._cdp is None:
            raise RuntimeError("no browser runs")
        await self._cdp.send(method, {**given, "origin": self._origin})

    async def open(self, address: str = "") -> None:
        """Opens the link, or the app itself."""
        await self.page.goto(address or f"{self._origin}/p/")

    async def tap(self, act: str) -> None:
        """Taps the button that does `act`, as soon as it is there."""
        await self.page.locator(f'[data-act="{act}"]').click(timeout=PATIENCE_MS)

    async def stop_at_the_end(self) -> None:
        """Stops once the phone knows that the exam is over: then it does not ask again."""
        await self.page.locator('[data-act="stop"].main').click(timeout=PATIENCE_MS)

    async def until_stage(self, *stages: str) -> None:
        """Until the screen is one of these."""
        await expect(self.page.locator("html")).to_have_attribute(
            "data-stage", re.compile(f"^({'|'.join(stages)})$"), timeout=PATIENCE_MS
        )

    async def until_capture(self, word: str, timeout_ms: int = PATIENCE_MS) -> None:
        """Until the screen's colour says `word`."""
        await expect(self.page.locator("html")).to_have_attribute("data-capture", word, timeout=timeout_ms)

    async def consent(self) -> None:
        """Consents to both, once asked."""
        await self.until_stage("consent")
        for subject in ("face", "room"):
            await self.page.locator(f"input[name={subject}]").check()
        await self.tap("consent")

    async def begin_recording(self) -> None:
        """Through the checks, until the recording runs."""
        await self.until_stage("preflight")
        await self.tap("check")
        await self.tap("start")
        await self.until_capture("recording")

    async def digits(self) -> str:
        """The six digits to compare."""
        await self.until_stage("confirm")
        return "".join(await self.page.locator("main .digits [aria-hidden=true]").all_inner_texts())

    async def settle_in(self) -> None:
        """Skips the scan."""
        await self.until_stage("scan")
        await self.tap("scan-skip")
        await self.put_down()

    async def put_down(self) -> None:
        """Says that the phone stands, and goes on once the server has said what it thinks of that."""
        await self.tap("placed")
        await self.tap("place-accept")
        await self.until_stage("record")


def origin_of(link: str) -> str:
    """The address whose permissions a link's page has."""
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"
