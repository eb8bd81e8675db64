"""The page is really hidden, then has no wake lock: the journal notes both, and the recording goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.path.rig import Rig
from tests.web.capture.rig import NOTICED_MS, PERMISSIONS
from tests.web.capture.window import browser_window, hide_for
from tests.web.path.candidate import PATIENCE_MS, Candidate
from tests.web.path.course import bind, wall_ms

HIDDEN_MS = 6_000
WAKE_LOCK = {"name": "screen-wake-lock"}
POLICY = '{"max_gap_s": 60, "max_gap_total_s": 600, "checks": {"scan": "review"}}'


async def test_hidden_then_without_wake_lock(rig: Rig, film: tuple[Path, Path]) -> None:
    profile = rig.folder / "profile"
    async with Candidate(profile, film, rig.server.public_url) as phone:
        sitting = await bind(rig, phone, "--policy", POLICY)
        # The browser keeps where the candidate was a few seconds later than the recording.
        await rig.server.wait_for_stored(sitting, 4)
        await phone.kill()
    # Playwright makes every page believe that it is seen; the same profile goes on in a browser without that.
    async with AsyncExitStack() as stack:
        window = browser_window(*film, f"--user-data-dir={profile}", "--lang=zh-CN")
        driver = await asyncio.to_thread(window.__enter__)
        stack.push_async_callback(asyncio.to_thread, window.__exit__, None, None, None)
        hidden_ms = await asyncio.to_thread(go_on_and_hide, driver, rig.server.public_url)
        # Whatever was noted by then is committed before the segment after the next one.
        stored = (await rig.server.state(sitting))["phone"]["segments"]["stored"]
        await rig.server.wait_for_stored(sitting, stored + 2)
        await rig.server.command("end", sitting)
        await asyncio.to_thread(stop, driver)
    bundle = await rig.export(sitting)
    assert bundle.verdicts[-1]["word"] == "complete"
    notes = [claims for claims in bundle.entries.values() if "note" in claims]
    begun, ended = (
        {note["cause"]: note["wall_ms"] for note in notes if note["note"] == what}
        for what in ("gap_begin", "gap_end")
    )
    assert begun["hidden"] - hidden_ms <= NOTICED_MS
    assert ended["hidden"] - begun["hidden"] >= HIDDEN_MS - NOTICED_MS
    assert begun["locked"] - ended["hidden"] <= NOTICED_MS
    # Neither interrupted anything: one run before the kill, one after it.
    assert len(bundle.runs()) == 2


def go_on_and_hide(driver: Chrome, address: str) -> int:
    """One tap, then hidden, then seen again and refused the wake lock; gives when it was hidden."""
    order(driver, "Browser.grantPermissions", address, permissions=PERMISSIONS)
    driver.get(f"{address}/p/")
    tap(driver, '[data-act="tap"]')
    until(driver, lambda: shown(driver, 'html[data-capture="recording"]'))
    order(driver, "Browser.setPermission", address, permission=WAKE_LOCK, setting="denied")
    hidden_ms = wall_ms()
    hide_for(driver, HIDDEN_MS)
    until(driver, lambda: shown(driver, ".state-note"))
    return hidden_ms


def stop(driver: Chrome) -> None:
    """Stops once the phone knows that the exam is over, and waits for the verdict."""
    tap(driver, '[data-act="stop"].main')
    until(driver, lambda: shown(driver, 'html[data-stage="decided"]'))


def order(driver: Chrome, method: str, origin: str, **given: Any) -> None:
    """An order to the browser itself."""
    driver.execute_cdp_cmd(method, {**given, "origin": origin})


def shown(driver: Chrome, selector: str) -> bool:
    """Whether the page has such an element."""
    return bool(driver.find_elements(By.CSS_SELECTOR, selector))


def tap(driver: Chrome, selector: str) -> None:
    """Taps a button as soon as it is there."""
    until(driver, lambda: shown(driver, selector))
    driver.find_element(By.CSS_SELECTOR, selector).click()


def until(driver: Chrome, condition: Callable[[], bool]) -> None:
    """Waits until `condition` holds."""
    WebDriverWait(driver, PATIENCE_MS / 1_000, poll_frequency=0.1).until(lambda _: condition())
