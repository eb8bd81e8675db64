"""The guided turn in a real browser that is told how the phone points."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.web.capture.rig import phone

pytestmark = pytest.mark.asyncio(loop_scope="session")


BEGIN = """async (directed) => {
  const { ScanGuide, askForDirection } = await import("/p/scan.js");
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  globalThis.asked = await askForDirection();
  globalThis.readings = [];
  globalThis.guide = new ScanGuide(stream, directed, (reading) => globalThis.readings.push(reading));
  globalThis.guide.begin();
}"""


STEP_DEG = 10
#: Turned no faster than this, the steps are 40 degrees a second.
STEP_MS = 250


async def test_a_turn_fills_the_ring_as_far_as_it_went(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.page.evaluate(BEGIN, True)
        assert await one.page.evaluate("globalThis.asked")
        for step in range(13):
            await one.until(f"performance.now() - (globalThis.turned ?? 0) >= {STEP_MS}")
            await one.lean(beta=90, gamma=0, alpha=(360 - step * STEP_DEG) % 360)
            await one.until("(globalThis.turned = performance.now())")
        await one.until("globalThis.readings.at(-1).done[12]")
        reading = await one.page.evaluate("globalThis.guide.end()")
        assert (reading["guided"], reading["complete"], reading["covered_deg"]) == (True, False, 130)
        assert (reading["at"], reading["done"].index(False)) == (12, 13)
        assert await one.page.evaluate("globalThis.guide.end()") is None


async def test_a_phone_that_tells_no_direction_is_guided_by_time(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.page.evaluate(BEGIN, False)
        await one.until("globalThis.readings.at(-1).done[2]")
        reading = await one.page.evaluate("globalThis.guide.end()")
        assert (reading["guided"], reading["complete"]) == (False, False)
        assert reading["done"].index(False) >= 3
