"""The checks before the exam: each made to fail, mended, and tried again."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from playwright.async_api import Browser

from tests.web.capture import cameras
from tests.web.capture.rig import Phone, chromium, phone, phone_with_profile, static_files

pytestmark = pytest.mark.asyncio(loop_scope="session")



class Network:
    """A server's time and its probe, as well or as badly as a test sets them."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self.probe_takes_s = 0.0
        self.has_probe = True
        self.answers = True
        self.probed: list[int] = []

    def app(self) -> web.Application:
        """The app's files, with these beside them."""
        app = static_files()
        app.router.add_get("/v1/time", self._time)
        app.router.add_post("/v1/probe", self._probe)
        return app

    def _cut(self, request: web.Request) -> None:
        if not self.answers and request.transport is not None:
            request.transport.abort()

    async def _time(self, request: web.Request) -> web.Response:
        self._cut(request)
        return web.json_response({"server_time_ms": time.time_ns() // 1_000_000 + self.ahead_ms})

    async def _probe(self, request: web.Request) -> web.Response:
        self._cut(request)
        if not self.has_probe:
            raise web.HTTPNotFound
        self.probed.append(len(await request.read()))
        await asyncio.sleep(self.probe_takes_s)  # a slow network, not a wait for something
        return web.Response(status=204)


async def check(one: Phone, name: str, stream: str = "null") -> tuple[str, str, dict[str, Any]]:
    """Result, sentence and facts of one check, which must be among those that the screens know."""
    found = await one.page.evaluate(
        f"""async () => {{
          const {{ SAYINGS, runCheck }} = await import("/p/preflight.js");
          const found = await runCheck("{name}", {{ stream: {stream}, minutes: 60, server: "" }});
          return {{ ...found, known: SAYINGS["{name}"][found.says] }};
        }}"""
    )
    assert found["id"] == name
    assert found["known"]["result"] == found["result"]
    assert sorted(found["facts"]) == sorted(found["known"]["facts"])
    return found["result"], found["says"], found["facts"]


async def test_camera_and_sound(browser: Browser) -> None:
    async with phone(browser) as one:
        for permission, name in (("camera", "camera"), ("microphone", "sound")):
            await one.permit(permission, "denied")
            assert (await check(one, name))[:2] == ("fail", "denied")
            await one.permit(permission, "granted")
            assert (await check(one, name))[:2] == ("ok", "fine")
        _, _, facts = await check(one, "camera")
        assert (facts["width"], facts["height"]) == (640, 480)
        _, _, facts = await check(one, "sound")
        assert -60 < facts["level"] < 0


async def test_camera_that_shows_nothing_and_microphone_that_hears_nothing(tmp_path: Path) -> None:
    black = [np.zeros((120, 160, 3), np.uint8)] * 30
    camera = cameras.write_y4m(tmp_path / "black.y4m", black, 15)
    silence = cameras.write_sound(tmp_path / "silence.wav", seconds=5, silent_from=0)
    async with chromium(camera, silence) as other, phone(other) as one:
        assert (await check(one, "camera"))[:2] == ("warn", "dark")
        assert (await check(one, "sound"))[:2] == ("warn", "silent")


async def test_a_stream_that_is_open_is_used_and_left_open(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.page.evaluate(
            """async () => {
              globalThis.open = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
            }"""
        )
        assert (await check(one, "camera", "globalThis.open"))[1] == "fine"
        assert (await check(one, "sound", "globalThis.open"))[1] == "fine"
        assert await one.page.evaluate("globalThis.open.active")


async def test_storage_for_one_and_a_half_times_the_exam(tmp_path: Path) -> None:
    async with phone_with_profile(tmp_path) as one:
        await one.limit_storage(300_000_000)
        result, says, facts = await check(one, "storage")
        assert (result, says, facts["need_mb"]) == ("fail", "short", 775)
        assert 250 < facts["free_mb"] <= 300
        await one.limit_storage(5_000_000_000)
        result, says, facts = await check(one, "storage")
        assert result in ("ok", "warn")
        assert says in ("fine", "temporary")
        assert facts == {"free_mb": 775, "need_mb": 775, "minutes": 60}  # so much at least
        assert await one.page.evaluate(KEPT) == []  # what was tried is gone


KEPT = """async () => {
  const folder = await navigator.storage.getDirectory();
  return Array.fromAsync(folder.keys());
}"""


async def test_battery(browser: Browser) -> None:
    async with phone(browser) as one:
        for level, charging, expected in (
            (0.2, False, ("fail", "low")), (0.2, True, ("ok", "charging")),
            (0.6, False, ("warn", "unplugged")), (0.9, False, ("ok", "fine")),
        ):
            await one.page.evaluate(
                """(battery) => {
                  navigator.getBattery = async () => Object.assign(new EventTarget(), battery);
                }""",
                {"level": level, "charging": charging},
            )
            result, says, facts = await check(one, "battery")
            assert ((result, says), facts["percent"]) == (expected, round(level * 100))
        await one.page.evaluate("() => { navigator.getBattery = undefined; }")
        assert (await check(one, "battery"))[:2] == ("unknown", "unmeasured")


async def test_network_and_clock(browser: Browser) -> None:
    network = Network()
    async with phone(browser, network.app()) as one:
        network.answers = False
        assert (await check(one, "network"))[:2] == ("fail", "none")
        assert (await check(one, "clock"))[:2] == ("unknown", "unmeasured")
        network.answers = True
        network.probe_takes_s = 3.5
        result, says, facts = await check(one, "network")
        assert (result, says) == ("warn", "slow")
        assert facts["rate_kbps"] < facts["need_kbps"]
        assert network.probed == [262_144]
        network.has_probe = False
        assert (await check(one, "network"))[:2] == ("unknown", "unmeasured")
        network.has_probe, network.probe_takes_s = True, 0.0
        result, says, facts = await check(one, "network")
        assert (result, says) == ("ok", "fine")
        assert facts["rate_kbps"] > facts["need_kbps"]

        network.ahead_ms = 60_000
        result, says, facts = await check(one, "clock")
        assert (result, says) == ("warn", "off")
        assert abs(facts["offset_s"] + 60) <= 1
        network.ahead_ms = 0
        assert (await check(one, "clock"))[:2] == ("ok", "fine")


async def test_wake_lock_and_what_nobody_can_check(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.permit("screen-wake-lock", "denied")
        assert (await check(one, "wake"))[:2] == ("warn", "refused")
        await one.permit("screen-wake-lock", "granted")
        assert (await check(one, "wake"))[:2] == ("ok", "fine")
        assert (await check(one, "quiet"))[:2] == ("unknown", "told")
        assert (await check(one, "secure"))[:2] == ("ok", "fine")
        await one.page.goto(one.page.url.replace("127.0.0.1", "phone.test"))
        assert (await check(one, "secure"))[:2] == ("fail", "insecure")
        fit = await one.page.evaluate(FIT)
        assert fit["unfit"] == "insecure"


FIT = """async () => {
  const { judgeFit, readFeatures } = await import("/p/fit.js");
  const features = await readFeatures();
  return { ...features, ...judgeFit(features) };
}"""


async def test_this_browser_is_fit(browser: Browser) -> None:
    async with phone(browser) as one:
        fit = await one.page.evaluate(FIT)
        assert fit["unfit"] is None, json.dumps(fit)
        assert (fit["storage"], fit["keys"], fit["workers"], fit["locks"]) == ("opfs", True, True, True)
        assert fit["recorder"].startswith("video/mp4")


async def test_the_preview_tells_light_and_lean(browser: Browser) -> None:
    async with phone(browser) as one:
        await one.page.evaluate(
            """async () => {
              const { watchPreview } = await import("/p/preflight.js");
              const stream = await navigator.mediaDevices.getUserMedia({ video: true });
              globalThis.readings = [];
              globalThis.unwatch = watchPreview(stream, (reading) => globalThis.readings.push(reading));
            }"""
        )
        await one.lean(beta=90, gamma=0)
        await one.until("globalThis.readings.some(({ hint, luma }) => !hint && luma > 50)")
        await one.lean(beta=60, gamma=70)
        await one.until("globalThis.readings.at(-1).hint === 'tilted'")
        told = await one.page.evaluate("() => { globalThis.unwatch(); return globalThis.readings.length; }")
        assert told > 1
