"""A Chromium that keeps its profile and can be killed as a phone's system kills it: at once, all of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Page, async_playwright

from tests.page.browser import ARGUMENTS, CHROMIUM


class KillableChromium:
    """A running browser; `page` is its one page."""

    def __init__(self, process: asyncio.subprocess.Process, page: Page) -> None:
        self.page = page
        self._process = process

    @property
    def pid(self) -> int:
        """The browser's own process."""
        return self._process.pid

    async def kill(self) -> None:
        """SIGKILL to the browser and all its children."""
        for pid in [*descendants(self._process.pid), self._process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._process.wait()


def descendants(parent: int) -> list[int]:
    """The processes that `parent` started, and theirs."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [*descendants(int(child)), int(child)]
    return found


@asynccontextmanager
async def killable_chromium(profile: Path, *arguments: str) -> AsyncIterator[KillableChromium]:
    """The installed Chromium on a profile folder, killed at the end if it was not before."""
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *ARGUMENTS, *arguments, "--remote-debugging-port=0", f"--user-data-dir={profile}",
        "about:blank", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        address = await _address(process)
        # Read to the end: asyncio does not see a process's death behind a full pipe.
        draining = asyncio.create_task(_drain(process))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(address)
            running = KillableChromium(process, browser.contexts[0].pages[0])
            try:
                yield running
            finally:
                await running.kill()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    await draining


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Reads what the browser says and nobody asks for, until it is dead."""
    while process.stderr is not None and await process.stderr.read(65536):
        pass


async def _address(process: asyncio.subprocess.Process) -> str:
    if process.stderr is None:
        raise RuntimeError("the browser's messages are not read")
    async with asyncio.timeout(60):
        async for line in process.stderr:
            words = line.decode(errors="replace").split()
            if words[:3] == ["DevTools", "listening", "on"]:
                return words[3]
    raise RuntimeError("the browser ended before it listened")
