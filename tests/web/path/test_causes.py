"""What stops a recording, caused by the browser's own controls: told on the phone, noted in the journal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.path.evidence import Bundle
from tests.path.rig import Rig
from tests.web.path.candidate import Candidate
from tests.web.path.course import bind, finish, wall_ms

TOLD_MS = 5_000
"""Within this the screen says so; a slice that is on its way lasts two seconds."""
SLICE_MS = 2_500
POLICY = '{"max_gap_s": 60, "max_gap_total_s": 600, "checks": {"scan": "review"}}'
CAMERA = {"name": "camera"}
SPARE_BYTES = 300_000
# Chromium mutes the tracks of a withdrawn camera before it ends them.
CAUSES = {"withdrawn": {"camera_lost", "muted"}, "full": {"storage_full"}}


async def test_each_is_told_and_noted(rig: Rig, film: tuple[Path, Path]) -> None:
    caused: dict[str, int] = {}
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        sitting = await bind(rig, phone, "--policy", POLICY)

        await rig.server.kill()
        await phone.until_capture("offline", TOLD_MS)
        await rig.server.start()
        await phone.until_capture("recording")

        caused["withdrawn"] = wall_ms()
        await phone.order("Browser.setPermission", permission=CAMERA, setting="denied")
        await phone.until_capture("interrupted", TOLD_MS)
        # Not back at once: the camera is asked for again, refused, and the candidate is asked to tap.
        await phone.page.locator('[data-act="tap"]').wait_for()
        await phone.order("Browser.setPermission", permission=CAMERA, setting="granted")
        await until_it_records(phone)

        used = await phone.page.evaluate("navigator.storage.estimate().then(({ usage }) => usage)")
        await phone.order("Storage.overrideQuotaForOrigin", quotaSize=used + SPARE_BYTES)
        caused["full"] = wall_ms()
        # A slice or two still fit.
        await phone.until_capture("interrupted", TOLD_MS + 3 * SLICE_MS)
        await phone.order("Storage.overrideQuotaForOrigin")
        await until_it_records(phone)

        await rig.server.wait_for_stored(sitting, 2)
        await asyncio.sleep(SLICE_MS / 1000)  # something of the new run
        verdict = await finish(rig, phone, sitting)
        assert phone.faults == []

    assert verdict["word"] == "complete", verdict
    bundle = await rig.export(sitting)
    begun = [note for note in notes(bundle) if note["note"] == "gap_begin"]
    listed = {gap["cause"] for gap in bundle.verdicts[-1]["gaps"]}
    for what, since_ms in caused.items():
        noted = [note["wall_ms"] - since_ms for note in begun if note["cause"] in CAUSES[what]]
        assert noted, begun
        assert min(noted) <= TOLD_MS + 3 * SLICE_MS
    assert listed >= CAUSES["full"]


async def until_it_records(phone: Candidate) -> None:
    """Until it records again: by itself, or after the one tap that the screen asks for."""
    again = phone.page.locator('html[data-capture="recording"], [data-act="tap"]').first
    await expect(again).to_be_attached(timeout=60_000)
    tap = phone.page.locator('[data-act="tap"]')
    if await tap.count():
        await tap.click()
    await phone.until_capture("recording")


def notes(bundle: Bundle) -> list[dict[str, Any]]:
    """The committed notes."""
    return [claims for claims in bundle.entries.values() if "note" in claims]


async def test_storage_that_is_taken_away_is_told(rig: Rig, film: tuple[Path, Path]) -> None:
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        await bind(rig, phone, "--policy", POLICY)
        await phone.order("Storage.clearDataForOrigin", storageTypes="indexeddb")
        await phone.until_stage("broken")
        await expect(phone.page.locator("[data-act=reload]")).to_be_visible()
