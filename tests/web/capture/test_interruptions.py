"""Everything that can interrupt a recording, caused in a real browser: noticed, noted, told, recovered from.

Only what no browser here can be made to do is dispatched (mute) or done to the browser's objects by the page
under test (a recorder that stalls, a clock that is set).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from demo.frames import read_marks
from tests.web.capture import cameras
from tests.web.capture.rig import NOTICED_MS, Phone, chromium, phone

pytestmark = pytest.mark.asyncio(loop_scope="session")

WELL = "rig.plain.doing === 'recording' && !rig.plain.cause"


def noticed_in_time(note: dict[str, Any], caused_ms: int) -> None:
    """The Keeper was told soon enough, and of a moment that is not after that."""
    assert note["at_ms"] - caused_ms <= NOTICED_MS
    assert note["mono_ms"] <= note["at_ms"]
    assert caused_ms - note["mono_ms"] < NOTICED_MS


async def goes_on(one: Phone, run: int) -> None:
    """Waits until run `run` is being recorded and shows pictures, the one before being closed."""
    await one.until(f"rig.keeper.runs.length === {run} && {WELL}")
    assert await one.do(f"rig.keeper.runs[{run - 2}].closed")
    await one.until(f"rig.keeper.runs[{run - 1}].slices.length >= 2")
    assert any(mark for _, mark in read_marks(io.BytesIO(await one.media(run))))


async def test_camera_withdrawn_and_given_back(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        caused = await one.now_ms()
        await one.permit("camera", "denied")
        noticed_in_time(await one.noted("gap_begin", "camera_lost"), caused)
        await one.until("rig.plain.needsTap")
        state = await one.state()
        assert (state["doing"], state["refused"], state["cause"]) == ("interrupted", "denied", "camera_lost")
        await one.until("rig.said.includes('red')")

        await one.permit("camera", "granted")
        await goes_on(one, 2)  # without a tap
        assert await one.told() == [("gap_begin", "camera_lost")]  # the Keeper ends it


async def test_camera_still_withdrawn_at_the_tap(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        await one.permit("camera", "denied")
        await one.until("rig.plain.needsTap")
        await one.do("rig.capture.tap()")
        await one.until("rig.plain.needsTap")
        await one.stop()
        assert await one.do("rig.keeper.calls.at(-1).call") == "stop"


async def test_track_ended(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        caused = await one.now_ms()
        await one.do("rig.picture.stop()")  # without an event, as some phones lose it
        noticed_in_time(await one.noted("gap_begin", "camera_lost"), caused)
        await goes_on(one, 2)
        gap_ms = await one.do("rig.keeper.runs[1].mono_ms") - caused
        assert gap_ms <= NOTICED_MS


async def test_picture_muted(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        caused = await one.now_ms()
        await one.do("rig.picture.dispatchEvent(new Event('mute'))")
        noticed_in_time(await one.noted("gap_begin", "muted"), caused)
        state = await one.state()
        assert (state["doing"], state["cause"]) == ("recording", "muted")
        await one.do("rig.picture.dispatchEvent(new Event('unmute'))")
        await one.noted("gap_end", "muted")
        assert await one.do("rig.keeper.runs.length") == 1  # evidence was made all the while


async def test_picture_and_sound_muted_is_a_call(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        tracks = "rig.capture.state.stream.getTracks().forEach((one) => one.dispatchEvent(new Event('%s')))"
        caused = await one.now_ms()
        await one.do(tracks % "mute")
        noticed_in_time(await one.noted("gap_begin", "call"), caused)
        await one.do(tracks % "unmute")
        await one.noted("gap_end", "call")


async def test_microphone_withdrawn(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        caused = await one.now_ms()
        await one.permit("microphone", "denied")
        noticed_in_time(await one.noted("gap_begin", "muted"), caused)
        # The picture goes on; that it has no sound is found at the watchdog's next look.
        silent = "!rig.plain.sound && rig.plain.cause === 'muted'"
        await one.until(f"rig.plain.doing === 'recording' && rig.keeper.runs.length === 2 && {silent}")
        await one.permit("microphone", "granted")
        await one.until(f"rig.plain.sound && {WELL}")


async def test_no_pictures_from_a_live_track(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.do("rig.useCanvas()")
        await one.start()
        caused = await one.now_ms()
        await one.do("rig.stopDrawing()")
        noticed_in_time(await one.noted("gap_begin", "frozen"), caused)
        await one.do("rig.drawOn()")
        await one.until(f"rig.keeper.runs.length === 2 && {WELL}")


async def test_a_recorder_that_stalls(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        caused = await one.now_ms()
        await one.do("rig.recorders[0].pause()")
        noticed_in_time(await one.noted("gap_begin", "overload"), caused)
        await goes_on(one, 2)


async def test_a_recorder_that_ends(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        caused = await one.now_ms()
        await one.do("rig.recorders[0].stop()")
        noticed_in_time(await one.noted("gap_begin", "unknown"), caused)
        await goes_on(one, 2)


async def test_storage_full(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        kept = await one.do("(rig.keeper.full = true, rig.keeper.runs[0].slices.length)")
        note = await one.noted("gap_begin", "storage_full")
        refused = await one.do(f"rig.keeper.calls.filter(({{call}}) => call === 'slice')[{kept}].at_ms")
        noticed_in_time(note, refused)
        state = await one.state()
        assert (state["doing"], state["cause"]) == ("interrupted", "storage_full")
        await one.do("void (rig.keeper.full = false)")
        await one.until(f"rig.keeper.runs.length >= 2 && {WELL}")
        assert await one.told() == [("gap_begin", "storage_full")]


async def test_clock_set(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.start()
        caused = await one.now_ms()
        await one.do("void (rig.ahead_ms = 3_600_000)")
        noticed_in_time(await one.noted("gap_begin", "clock_jump"), caused)
        await one.noted("gap_end", "clock_jump")
        assert await one.do("rig.keeper.runs.length") == 1


async def test_wake_lock_refused(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.permit("screen-wake-lock", "denied")
        await one.start()
        assert (await one.state())["wake"] == "lost"
        await one.noted("gap_end", "locked")  # a moment, for nothing is interrupted
        state = await one.state()
        assert (state["doing"], state["cause"], state["wake"]) == ("recording", None, "lost")
        await one.permit("screen-wake-lock", "granted")
        await one.until(f"rig.plain.wake === 'held' && {WELL}")
        assert await one.told() == [("gap_begin", "locked"), ("gap_end", "locked")]


async def test_faults_of_picture_and_sound_that_stop_nothing(tmp_path: Path) -> None:
    camera = cameras.write_y4m(tmp_path / "faulty.y4m", cameras.faulty(), cameras.FAULTY_RATE)
    sound = cameras.write_sound(tmp_path / "sound.wav", seconds=5)
    async with chromium(camera, sound) as other, phone(other) as one:
        await one.start()
        for cause in ("black", "frozen"):
            begun = await one.noted("gap_begin", cause)
            ended = await one.noted("gap_end", cause)
            assert begun["mono_ms"] < ended["mono_ms"]
            noticed_in_time(begun, begun["mono_ms"])
        assert await one.do("rig.keeper.runs.length") == 1


async def test_a_microphone_that_gives_nothing_is_opened_anew(
    devices: tuple[Path, Path], tmp_path: Path
) -> None:
    silence = cameras.write_sound(tmp_path / "silent.wav", seconds=5, silent_from=0)
    async with chromium(devices[0], silence) as other, phone(other) as one:
        await one.start()
        begun = await one.noted("gap_begin", "muted")
        noticed_in_time(begun, begun["mono_ms"])
        assert await one.do("rig.keeper.runs.length") == 1
        await one.until("rig.keeper.runs.length === 2 && rig.plain.doing === 'recording'")
        reopened_ms = await one.do("rig.keeper.runs[1].mono_ms") - begun["mono_ms"]
        assert 10_000 <= reopened_ms < 10_000 + NOTICED_MS
