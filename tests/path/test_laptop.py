"""The laptop page against the real server, used as a candidate uses it: seen in pixels, clicked."""

from __future__ import annotations

import asyncio

import cv2
import numpy as np
from playwright.async_api import Page, expect

from evidence_server.anchor import ANCHOR_SLOT_MS, expected_codes
from evidence_server.identity import Identity
from evidence_server.vision.anchor import Reader, Reading
from phone_client.bind import read_qr
from tests.page.browser import chromium, laptop
from tests.path.rig import PATIENCE_S, Rig

PATIENCE_MS = PATIENCE_S * 1000


def read_code(screenshot: bytes) -> str:
    """The text of the QR code in a picture; empty where none is seen."""
    picture = cv2.imdecode(np.frombuffer(screenshot, np.uint8), cv2.IMREAD_COLOR)
    return "" if picture is None else read_qr(picture)


def read_markers(screenshot: bytes) -> list[Reading]:
    """The anchor's markers in a picture."""
    picture = cv2.imdecode(np.frombuffer(screenshot, np.uint8), cv2.IMREAD_GRAYSCALE)
    return [] if picture is None else Reader().read(picture.astype(np.uint8))


async def photograph(page: Page) -> bytes:
    """The screen once a QR code can be read on it."""
    picture = page.locator(".qr-picture:not(.is-covered)")
    await expect(picture).to_be_visible(timeout=PATIENCE_MS)
    await picture.evaluate("picture => picture.decode()")
    return await page.screenshot()


async def test_a_candidate_scans_confirms_and_sees_the_verdict(rig: Rig) -> None:
    created = await rig.create("--exam", "综合素质评估")
    sitting = created["sitting_id"]
    async with chromium() as browser, laptop(browser, "zh-CN") as page:
        root = page.locator("html")
        await page.goto(created["page_url"])
        shot = await photograph(page)
        assert read_code(shot).startswith(f"{rig.server.public_url}/p/#t=")
        qr = rig.folder / "screen.png"
        await asyncio.to_thread(qr.write_bytes, shot)

        phone = await rig.start_phone("--qr", str(qr))
        shown = await phone.shown()
        await expect(root).to_have_attribute("data-stage", "claimed", timeout=PATIENCE_MS)
        digits = await page.locator(".digits [aria-hidden=true]").all_inner_texts()
        assert "".join(digits) == shown.digits

        await page.get_by_role("button", name="是，这是我的手机").click()
        await expect(root).to_have_attribute("data-stage", "bound", timeout=PATIENCE_MS)
        await expect(root).to_have_attribute("data-capture", "recording", timeout=PATIENCE_MS)
        await expect(page.get_by_role("heading", level=1)).to_have_text("正在录制", timeout=PATIENCE_MS)
        await rig.server.wait_for_stored(sitting, 1)

        key = Identity.open(rig.folder / "data" / "keys").anchor_key(sitting)
        await expect(page.locator(".anchor-picture")).to_be_visible(timeout=PATIENCE_MS)
        (reading,) = read_markers(await page.screenshot())
        state = await rig.server.state(sitting)
        assert reading.code in expected_codes(key, state["server_time_ms"], ANCHOR_SLOT_MS)

        await rig.server.command("end", sitting)
        await expect(root).to_have_attribute("data-stage", "decided", timeout=PATIENCE_MS)
        await expect(page.get_by_role("heading", level=1)).to_have_text("佐证完整")
        assert await phone.finished() == 0
