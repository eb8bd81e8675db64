"""The room scan through server and browser: a bad one is answered while it can be repeated (E5)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.browser import chromium, laptop
from tests.path.rig import Rig, verify
from tests.web.capture import cameras
from tests.web.path.candidate import PATIENCE_MS, Candidate
from tests.web.path.turning import RATE, TURN_S, TURNS, turning

POLICY = '{"checks": {"scan": "required"}}'
HALF_MS, WHOLE_MS = 1_000 * TURN_S // 2, 1_000 * TURN_S + 2_000
SENTENCES = {
    "zh-CN": ("请再转一圈", "请继续向右转，一直转回 12 点。"),
    "en": ("Turn once more", "Turn further right, all the way back to 12."),
}
"""The phone's own, in both languages: what to do, and where something is missing."""


@pytest.fixture(scope="module")
def turning_film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("turning")
    return (
        cameras.write_y4m(folder / "camera.y4m", turning(), RATE),
        cameras.write_sound(folder / "sound.wav", TURN_S * TURNS),
    )


async def turn_for(phone: Candidate, ms: int) -> None:
    """The candidate turns for so long: with this camera, half around or more than once."""
    until = await phone.page.evaluate("performance.now()") + ms
    await phone.page.wait_for_function(
        "(until) => performance.now() > until", arg=until, timeout=PATIENCE_MS
    )
    await phone.tap("scan-end")


async def test_a_bad_scan_is_repeated_while_recording_goes_on(
    rig: Rig, turning_film: tuple[Path, Path]
) -> None:
    created = await rig.create("--policy", POLICY)
    sitting = created["sitting_id"]
    async with (
        chromium() as browser, laptop(browser, "zh-CN") as page,
        Candidate(rig.folder / "profile", turning_film, rig.server.public_url) as phone,
    ):  # fmt: skip
        await page.goto(created["page_url"])
        await phone.open(created["link"])
        await phone.consent()
        await phone.begin_recording()
        claim = (await rig.server.state(sitting))["claim"]
        await rig.server.command("confirm", sitting, "--key", claim["key"])
        await phone.until_stage("scan")

        await phone.tap("scan-begin")
        await turn_for(phone, HALF_MS)
        await expect(phone.page.locator('[data-act="scan-repeat"].main')).to_be_visible(timeout=PATIENCE_MS)
        bad = (await rig.server.state(sitting))["scan"]
        assert (bad["stage"], bad["accepted"], bad["closed"]) == ("answered", "repeat", False), bad
        for language, sentences in SENTENCES.items():
            await phone.page.locator(f'[data-language="{language}"]').click()
            for sentence in sentences:
                await expect(phone.page.locator("main")).to_contain_text(sentence)
        await expect(page.locator(".sight img").first).to_be_visible(timeout=PATIENCE_MS)
        await phone.until_capture("recording")  # all the while

        await phone.tap("scan-repeat")
        await turn_for(phone, WHOLE_MS)
        await expect(phone.page.locator('[data-act="scan-accept"].main')).to_be_visible(timeout=PATIENCE_MS)
        good = (await rig.server.state(sitting))["scan"]
        assert good["accepted"] == "accept", good
        assert (good["count"], good["closed"]) == (2, True), good
        assert len(good["sectors_covered"]) == 36
        await phone.tap("scan-accept")
        await phone.put_down()

        await rig.server.command("end", sitting)
        await phone.stop_at_the_end()
        await phone.until_stage("decided")
        state = await rig.server.state(sitting)
        assert state["verdict"]["word"] == "complete", state["verdict"]
        assert phone.faults == []

    bundle = await rig.export(sitting)
    proven = await verify(bundle.path)
    assert proven.code == 0, proven.output
    scans = bundle.bodies("scanned")
    assert [scan["result"]["accepted"] for scan in scans] == ["repeat", "accept"]
    with zipfile.ZipFile(bundle.path) as archive:
        assert {f"pictures/{scan['picture']}.jpg" for scan in scans} <= set(archive.namelist())
    # Previews came and went, and none of them kept pictures from the recorder.
    steps_us = [one["measurement"]["video"]["max_step_us"] for one in bundle.bodies("measured")]
    assert max(steps_us) < 200_000, steps_us
    camera = [head for head in bundle.heads.values() if head["source"] == "camera"]
    assert len({head["run"] for head in camera}) == 1  # one run: nothing was interrupted
