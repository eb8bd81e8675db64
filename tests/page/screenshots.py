"""Takes the pictures of the laptop page: `python -m tests.page.screenshots OUTDIR [STATE …]`."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, expect

from tests.page.backend import Backend, serving
from tests.page.browser import LANGUAGES, THEMES, Language, Theme, chromium, laptop
from tests.page.states import STATES

WIDE = (1280, 800)
NARROW = (360, 740)
NARROW_STATES = (
    "scan", "claim", "recording", "recording-alarm", "room-repeat", "interrupted", "ended-uploading",
    "incomplete",
)  # fmt: skip
LOST = "lost"
PICTURED = ("recording-alarm", "room-repeat", "room-review", "incomplete")


async def arrive(page: Page, backend: Backend, name: str) -> None:
    """Opens the page in the state named and waits until it is drawn."""
    backend.mend()
    backend.offers = 0
    await backend.show(STATES["recording" if name == LOST else name])
    await page.goto(backend.address)
    root = page.locator("html")
    await expect(root).to_have_attribute("data-connection", "live")
    await expect(root).to_have_attribute("data-stage", backend.state["stage"])
    if name == "scan":
        await expect(page.locator(".qr-picture")).to_be_visible()
        await page.wait_for_function("document.querySelector('.qr-picture').complete")
    if backend.state["stage"] == "bound":
        await page.wait_for_function("document.querySelector('.anchor-picture').complete")
        await expect(page.locator(".anchor-picture")).to_be_visible()
    if name in PICTURED:
        await expect(page.locator(".sight img").first).to_be_visible()
    if name == LOST:
        await backend.cut()
        await expect(root).to_have_attribute("data-connection", "lost")


async def take(
    browser: Browser, out: Path, name: str, language: Language, theme: Theme, size: tuple[int, int]
) -> None:
    """One picture, in a browser and against a backend of its own."""
    width = "" if size == WIDE else f"-{size[0]}"
    async with serving() as backend, laptop(browser, language, theme, size) as page:
        await arrive(page, backend, name)
        shot = await page.screenshot(full_page=True)
    # The page has few colours: a palette keeps the picture and a third of its bytes.
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(96, dither=Image.Dither.NONE)
    picture.save(out / f"{name}-{language}-{theme}{width}.png", optimize=True)


async def main(out: Path, names: list[str]) -> None:
    """All states, both languages and themes; the most important ones on a narrow screen too."""
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    async with chromium() as browser:
        for name in names or [*STATES, LOST]:
            for language in LANGUAGES:
                for theme in THEMES:
                    await take(browser, out, name, language, theme, WIDE)
                if name in NARROW_STATES:
                    await take(browser, out, name, language, "light", NARROW)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
