"""The anchor's marker on the laptop page: seen in pixels, changed in time, never shown beyond it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from evidence_server.vision.anchor import Reader
from tests.page.backend import Backend
from tests.page.browser import LANGUAGES, THEMES, Language, Theme, laptop
from tests.page.screenshots import NARROW, WIDE, arrive

pytestmark = pytest.mark.asyncio(loop_scope="module")
BLACK_PX = 190
"""Width of the black square: 3 cm on a 14-inch screen with 1920 pixels across (6.2 a millimetre)."""
SENTENCES = {
    "zh-CN": "请让这个图案一直可见：手机靠它认出这台电脑的屏幕。",
    "en": "Leave this visible: the phone recognises this screen by it.",
}


async def markers(page: Page) -> list[int]:
    """The codes read from the page as it is drawn."""
    shot = np.frombuffer(await page.screenshot(full_page=True), np.uint8)
    picture = cv2.imdecode(shot, cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return [reading.code for reading in Reader().read(picture.astype(np.uint8))]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", THEMES)
async def test_the_servers_marker_can_be_read_from_the_screen(
    browser: Browser, backend: Backend, language: Language, theme: Theme
) -> None:
    for size in (WIDE, NARROW):
        async with laptop(browser, language, theme, size) as page:
            await arrive(page, backend, "recording")
            assert await markers(page) == [backend.code()]
            box = await page.locator(".anchor-picture").bounding_box()
            assert box is not None
            assert box["width"] * 0.8 >= BLACK_PX
            await expect(page.locator(".anchor")).to_contain_text(SENTENCES[language])


@pytest.mark.parametrize("state", ["waiting", "recording", "offline", "interrupted", "stopped"])
async def test_it_is_there_as_long_as_a_phone_is_bound(page: Page, backend: Backend, state: str) -> None:
    await arrive(page, backend, state)
    assert await markers(page) == [backend.code()]


async def test_it_is_fetched_again_when_it_changes(page: Page, backend: Backend) -> None:
    backend.anchor_lasts_ms = 1_200
    await arrive(page, backend, "recording")
    before, asked = await page.locator(".anchor-picture").get_attribute("src"), backend.anchors
    backend.anchor_lasts_ms = 60_000
    await backend.until(lambda: backend.anchors > asked)
    await expect(page.locator(".anchor-picture")).not_to_have_attribute("src", before or "")
    await page.locator(".anchor-picture").evaluate("picture => picture.decode()")
    assert await markers(page) == [backend.code()]


async def test_an_overdue_marker_is_taken_away_and_comes_back(page: Page, backend: Backend) -> None:
    backend.anchor_lasts_ms = 1_200
    await arrive(page, backend, "recording")
    await backend.cut()
    await expect(page.locator(".anchor-picture")).to_be_hidden(timeout=20_000)
    await expect(page.locator(".anchor")).to_contain_text("No connection: the pattern returns by itself.")
    assert await markers(page) == []
    backend.anchor_lasts_ms = 600_000
    backend.mend()
    await expect(page.locator(".anchor-picture")).to_be_visible(timeout=20_000)


async def test_it_goes_when_the_exam_is_over(page: Page, backend: Backend) -> None:
    await arrive(page, backend, "recording")
    await arrive(page, backend, "ended-checking")
    await expect(page.locator(".anchor")).to_have_count(0)
