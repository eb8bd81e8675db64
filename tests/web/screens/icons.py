"""Draws the app's PNG icons from icon.svg: `python -m tests.web.screens.icons`."""

from __future__ import annotations

import asyncio
import io

from PIL import Image

from tests.page.browser import chromium
from tests.web.screens.stage import WEB

# Where a system cuts its own shape out of the picture, the ground goes to the edge.
FULL = {"icon-180.png": 180, "icon-512.png": 512}
ROUNDED = {"icon-192.png": 192}
COLOURS = 5
"""Ground, drawing and what is between them at the edges: every phone fetches these, for few to be shown."""


async def main() -> None:
    """All of them."""
    drawing = (WEB / "icon.svg").read_text(encoding="utf-8")
    async with chromium() as browser:
        for name, side in (FULL | ROUNDED).items():
            page = await browser.new_page(viewport={"width": side, "height": side})
            whole = drawing.replace(' rx="7" fill="#1f5fbf"', ' fill="#1f5fbf"') if name in FULL else drawing
            await page.set_content(f"<style>body{{margin:0}}svg{{display:block;width:100vw}}</style>{whole}")
            shot = await page.screenshot(omit_background=True)
            picture = Image.open(io.BytesIO(shot)).quantize(COLOURS)
            picture.save(WEB / name, optimize=True)
            await page.close()


if __name__ == "__main__":
    asyncio.run(main())
