"""Takes the pictures of the phone's page: `python -m tests.web.screens.screenshots OUTDIR [STATE …]`."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.async_api import Page

from tests.page.browser import LANGUAGES, THEMES, chromium
from tests.web.screens.stage import phone, serving, show
from tests.web.screens.states import STATES

SIZES = ((360, 740), (412, 915))
COLOURS = 64


async def take(page: Page, out: Path, name: str, size: tuple[int, int]) -> None:
    """One picture of the whole page, as if the phone were as long as that."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await show(page, STATES[name])
    # A bar that sticks to the lower edge would cover the middle of a longer picture.
    height = await page.evaluate("document.documentElement.scrollHeight")
    await page.set_viewport_size({"width": size[0], "height": height})
    await page.evaluate("stage.pictures()")
    shot = await page.screenshot()
    language, theme = await page.evaluate(
        "[document.documentElement.lang,"
        " matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light']"
    )
    # The page has few colours: a palette keeps the picture and a third of its bytes.
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(out / f"{name}-{language}-{theme}-{size[0]}.png", optimize=True)


async def main(out: Path, names: list[str]) -> None:
    """All states, both languages, themes and sizes."""
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    async with chromium() as browser, serving() as address:
        for size in SIZES:
            for language in LANGUAGES:
                for theme in THEMES:
                    async with phone(browser, address, language, theme, size) as page:
                        for name in names or STATES:
                            await take(page, out, name, size)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
