"""The whole path with a browser as the phone: bound, recorded, uploaded, verified, decided, released."""

from __future__ import annotations

import asyncio
from pathlib import Path

import cv2
import numpy as np
from playwright.async_api import expect

from phone_client.bind import read_qr
from tests.page.browser import chromium, laptop
from tests.path.rig import Rig, verify
from tests.path.test_laptop import photograph
from tests.web.path.candidate import PATIENCE_MS, Candidate
from tests.web.path.numbers import lost_pictures, silences

SEGMENTS = 4


async def test_by_qr_to_complete_and_released(rig: Rig, film: tuple[Path, Path]) -> None:
    created = await rig.create("--exam", "综合素质评估")
    sitting = created["sitting_id"]
    async with (
        chromium() as browser, laptop(browser, "zh-CN") as page,
        Candidate(rig.folder / "profile", film, rig.server.public_url) as phone,
    ):  # fmt: skip
        await page.goto(created["page_url"])
        shot = cv2.imdecode(np.frombuffer(await photograph(page), np.uint8), cv2.IMREAD_COLOR)
        assert shot is not None
        await phone.open(read_qr(shot))
        await phone.consent()
        await phone.begin_recording()
        digits = await page.locator(".digits [aria-hidden=true]").all_inner_texts()
        assert await phone.digits() == "".join(digits)
        await page.get_by_role("button", name="是，这是我的手机").click()
        await phone.settle_in()
        await rig.server.wait_for_stored(sitting, SEGMENTS)
        await expect(page.locator("html")).to_have_attribute("data-capture", "recording", timeout=PATIENCE_MS)

        await rig.server.command("end", sitting)
        await phone.stop_at_the_end()
        await phone.until_stage("decided")
        await expect(page.locator("html")).to_have_attribute("data-stage", "decided", timeout=PATIENCE_MS)
        state = await rig.server.state(sitting)
        assert state["verdict"]["word"] == "complete", state["verdict"]

        held = await held_bytes(phone)
        assert held > 0  # nothing is deleted before the release
        await rig.server.command("publish", sitting)
        await phone.until_stage("released")
        await nothing_held(phone)  # and all of it after
        assert phone.faults == []

    bundle = await rig.export(sitting)
    proven = await verify(bundle.path)
    assert proven.code == 0, proven.output
    assert lost_pictures(bundle) == []
    assert silences(bundle) == []


async def test_by_typed_code(rig: Rig, film: tuple[Path, Path]) -> None:
    created = await rig.create()
    sitting = created["sitting_id"]
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        await phone.open()
        await phone.until_stage("bind")
        await phone.page.locator("input[name=code]").fill(created["code"].lower().replace("-", " "))
        await phone.page.keyboard.press("Enter")
        await phone.consent()
        await phone.begin_recording()
        claim = (await rig.server.state(sitting))["claim"]
        assert await phone.digits() == claim["digits"]
        await rig.server.command("confirm", sitting, "--key", claim["key"])
        await phone.settle_in()
        await rig.server.wait_for_stored(sitting, 2)
        await rig.server.command("end", sitting)
        await phone.stop_at_the_end()
        await phone.until_stage("decided")
        assert (await rig.server.state(sitting))["verdict"]["word"] == "complete"
        assert phone.faults == []


async def held_bytes(phone: Candidate) -> int:
    """Bytes of media in the phone's private file system, looked at from outside the app.

    Its file `reserve` holds nothing: it keeps room for the journal."""
    held: int = await phone.page.evaluate("""async () => {
        const sizes = async (folder) => {
            let sum = 0;
            for await (const entry of folder.values()) {
                if (entry.kind === "directory") sum += await sizes(entry);
                else if (entry.name !== "reserve") sum += (await entry.getFile()).size;
            }
            return sum;
        };
        return sizes(await navigator.storage.getDirectory());
    }""")
    return held


async def nothing_held(phone: Candidate) -> None:
    """Until no media is left: what was recorded after the end goes last."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while await held_bytes(phone):  # noqa: ASYNC110  another process's files tell of no change
            await asyncio.sleep(0.2)
