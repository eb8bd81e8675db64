"""Every picture that the camera's track delivered is stored, with sound, in slices that join to one file."""

from __future__ import annotations

import io
import statistics
from itertools import pairwise

import av
import pytest
from playwright.async_api import Browser

from demo.frames import count, read_beeps, read_marks
from tests.web.capture.rig import phone

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECORDED_MS = 20_000
#: Pictures on their way when the recorder is started or stopped, and what a machine with other work may lose.
UNDER_WAY, SPARED = 2, 0.01


async def test_every_delivered_picture_is_stored_with_its_sound(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        await one.until(f"rig.clock.mono() - rig.keeper.runs[0].mono_ms >= {RECORDED_MS}")
        before, after, _ = await one.do("[rig.deliveredAtStart[0], rig.delivered(), void rig.capture.stop()]")
        await one.until("rig.plain.doing === 'stopped'")
        media = await one.media(1)
        slices = await one.do("rig.keeper.runs[0].slices.map(({mono_ms}) => mono_ms)")
        said = await one.do("rig.said")
        calls = await one.do("rig.keeper.calls.map(({call}) => call)")
        told = await one.told()

    found = count(read_marks(io.BytesIO(media)), read_beeps(io.BytesIO(media)))
    delivered = after["deliveredFrames"] - before["deliveredFrames"]
    # Against what the track delivered, not the file: a camera under load leaves pictures out by itself.
    assert abs(found.pictures - delivered) <= UNDER_WAY + SPARED * delivered
    assert (found.unreadable, found.repeated, found.disordered) == (0, (), 0)
    assert found.beeps >= RECORDED_MS // 1_000 - 1
    assert found.sound_offset_ms is not None
    assert abs(found.sound_offset_ms) < 1_000

    # One slice follows the other without a hole, and they last as long as the media in them.
    assert all(earlier[1] == later[0] for earlier, later in pairwise(slices))
    with av.open(io.BytesIO(media)) as container:
        length_ms = (container.duration or 0) // 1_000
    assert abs((slices[-1][1] - slices[0][0]) - length_ms) < 1_500
    # What a kill would cost; a recorder that looks for a slice only at every other key frame gives 4 s.
    assert statistics.median(until - since for since, until in slices) < 3_000
    assert (said, calls[0], calls[-2:]) == (["start", "stop"], "beginRun", ["endRun", "stop"])
    assert told == []


async def test_after_stop_it_can_begin_anew(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        await one.stop()
        assert (await one.state())["doing"] == "stopped"
        assert await one.do("rig.capture.state.stream") is None
        await one.start()  # a later end was announced
        await one.stop()
        assert await one.do("rig.keeper.runs.map(({closed}) => closed)") == [True, True]
        assert await one.do("rig.said") == ["start", "stop", "start", "stop"]


async def test_the_candidate_turns_to_the_other_camera(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        await one.do("rig.capture.turnTo('environment')")
        await one.until("rig.keeper.runs.length === 2 && rig.plain.doing === 'recording'")
        assert (await one.state())["facing"] == "environment"
        assert await one.told() == [("gap_begin", "none")]
        assert await one.do("rig.said") == ["start"]


async def test_what_a_recorder_tells_too_late_opens_no_run(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        late_ms = 4_000  # a recorder is given up after three seconds
        await one.do(f"(rig.late_ms = {late_ms}, rig.capture.turnTo('environment'))")
        await one.until("rig.recorders[0].state === 'inactive'")
        given_up = await one.now_ms()
        await one.page.wait_for_timeout(200)  # the last of it has been told to the page
        await one.do("void (rig.late_ms = 0)")
        await one.until("rig.keeper.runs.length === 2 && rig.plain.doing === 'recording'")
        await one.until(f"rig.clock.mono() > {given_up + late_ms + 500}")
        calls = await one.do("rig.keeper.calls.map(({call}) => call)")
        assert (calls.count("beginRun"), calls.count("endRun")) == (2, 1)
        assert await one.do("rig.keeper.runs.map(({closed}) => closed)") == [True, False]
