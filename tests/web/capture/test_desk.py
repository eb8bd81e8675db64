"""What the candidate asks for, done in a real browser: the other camera, a turn, another exam's link."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.web.capture.rig import phone

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_camera_that_was_chosen_is_used_again_after_a_reload(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.do("(rig.bind(), rig.desk.start())")
        await one.until("rig.plain.doing === 'recording'")
        assert (await one.state())["facing"] == "user"
        await one.do("rig.desk.turnTo('environment')")
        await one.until("rig.keeper.runs.length === 2 && rig.plain.doing === 'recording'")
        await one.page.reload()
        await one.page.wait_for_function("() => 'rig' in globalThis")
        await one.do("(rig.bind(), rig.desk.start())")
        await one.until("rig.plain.doing === 'recording'")
        assert (await one.state())["facing"] == "environment"


async def test_a_turn_is_made_with_the_front_camera(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.do("(rig.bind(), rig.desk.start())")
        await one.until("rig.plain.doing === 'recording'")
        await one.do("(rig.desk.acceptScan(), rig.desk.turnTo('environment'))")
        await one.until("rig.keeper.runs.length === 2 && rig.plain.doing === 'recording'")
        await one.do("rig.desk.repeatScan()")
        await one.until("rig.store.view.scan.phase === 'turning'")
        state = await one.state()
        assert (state["facing"], state["doing"]) == ("user", "recording")
        # The turn is told of in the run that shows it.
        calls = await one.do("rig.keeper.calls.map(({call, argument}) => argument.note ?? call)")
        camera = calls[: calls.index("scan_begin")]
        assert camera.count("beginRun") == 3
        assert await one.do("rig.store.view.progress.facing") == "user"


async def test_a_bound_phone_says_that_it_takes_no_other_exam(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.do("(rig.bind(), rig.desk.offered(`${location.href}#t=another`))")
        assert await one.do("[rig.store.view.held, rig.store.view.offered]") == [True, False]
        # A link that is scanned again while its claim waits for the laptop says nothing.
        await one.do("rig.store.set({ held: false, state: { ...rig.store.view.state, stage: 'claimed' } })")
        await one.do("rig.desk.offered(`${location.href}#t=another`)")
        assert await one.do("rig.store.view.held") is False
        assert "claim" not in await one.do("rig.keeper.calls.map(({call}) => call)")
