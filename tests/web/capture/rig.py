"""The recording in a real Chromium with a camera made of a file, and a Keeper that a test can look into."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.page.browser import ARGUMENTS, CHROMIUM
from tests.web.core.killable import killable_chromium

APP = Path(__file__).parents[3] / "phone_client" / "web"
RIG = Path(__file__).parent / "page"
PATIENCE_MS = 30_000
NOTICED_MS = 5_000
"""Within this a candidate and the journal must know of an interruption."""

PERMISSIONS = ["videoCapture", "audioCapture", "wakeLockScreen", "sensors", "durableStorage"]


def browser_arguments(camera: Path, sound: Path | None = None) -> list[str]:
    """Chromium's, with `camera` (MJPEG or Y4M) and `sound` (WAV) as its devices."""
    arguments = [
        *ARGUMENTS, "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}",
        # An address that is no secure context, for want of https.
        "--host-resolver-rules=MAP phone.test 127.0.0.1",
    ]
    return [*arguments, f"--use-file-for-fake-audio-capture={sound}"] if sound else arguments


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The address at which `app` is served."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def static_files() -> web.Application:
    """The phone's web app and the page that tests it."""
    app = web.Application()
    app.router.add_static("/p", APP)
    app.router.add_static("/rig", RIG)
    return app


class Phone:
    """The page under test."""

    def __init__(self, page: Page, cdp: CDPSession, place: dict[str, str]) -> None:
        self.page = page
        self._cdp = cdp
        self._place = place

    async def do(self, script: str) -> Any:
        """Runs `script` with the page's `rig`."""
        return await self.page.evaluate(f"() => {{ const rig = globalThis.rig; return {script}; }}")

    async def until(self, condition: str, patience_ms: int = PATIENCE_MS) -> None:
        """Waits until `condition` holds, looked at every 100 ms."""
        await self.page.wait_for_function(
            f"() => {{ const rig = globalThis.rig; return {condition}; }}", timeout=patience_ms, polling=100
        )

    async def start(self) -> None:
        """Starts to record and waits until something is stored."""
        await self.do("rig.capture.start()")
        await self.until("rig.plain.doing === 'recording'")

    async def stop(self) -> None:
        """Stops for good."""
        await self.do("rig.capture.stop()")

    async def state(self) -> dict[str, Any]:
        """What the screens are shown."""
        state: dict[str, Any] = await self.do("rig.plain")
        return state

    async def now_ms(self) -> int:
        """The page's monotonic clock."""
        now: int = await self.do("rig.clock.mono()")
        return now

    async def notes(self) -> list[dict[str, Any]]:
        """The notes so far, with `at_ms`, when the Keeper was told (monotonic)."""
        calls = await self.do("rig.keeper.calls.filter(({call}) => call === 'note')")
        return [{**call["argument"], "at_ms": call["at_ms"]} for call in calls]

    async def told(self) -> list[tuple[str, str]]:
        """What was noted and why, but for slices that came late: that is this machine's own doing."""
        return [(n["note"], n["cause"]) for n in await self.notes() if n["cause"] != "overload"]

    async def noted(self, note: str, cause: str) -> dict[str, Any]:
        """Waits for a note and gives it."""
        found = f"call === 'note' && argument.note === '{note}' && argument.cause === '{cause}'"
        await self.until(f"rig.keeper.calls.some(({{call, argument}}) => {found})")
        return next(n for n in await self.notes() if (n["note"], n["cause"]) == (note, cause))

    async def media(self, run: int) -> bytes:
        """What was stored of a run."""
        return base64.b64decode(await self.do(f"rig.keeper.media({run})"))

    async def permit(self, name: str, setting: str) -> None:
        """Gives or takes a permission, as the browser's own settings do."""
        await self._cdp.send("Browser.setPermission", {
            "permission": {"name": name}, "setting": setting, **self._place,
        })

    async def limit_storage(self, quota: int) -> None:
        """Gives the origin so many bytes in all."""
        limits = {"origin": self._place["origin"], "quotaSize": quota}
        await self._cdp.send("Storage.overrideQuotaForOrigin", limits)

    async def lean(self, beta: int, gamma: int, alpha: int = 0) -> None:
        """Points the phone, by DeviceOrientation's angles in degrees."""
        await self._cdp.send(
            "DeviceOrientation.setDeviceOrientationOverride", {"alpha": alpha, "beta": beta, "gamma": gamma}
        )


@asynccontextmanager
async def chromium(camera: Path, sound: Path | None = None) -> AsyncIterator[Browser]:
    """A Chromium with these devices."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=browser_arguments(camera, sound)
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def phone(browser: Browser, app: web.Application | None = None) -> AsyncIterator[Phone]:
    """A fresh profile with the page under test, served by `app`; what its scripts throw fails the test."""
    async with serving(app or static_files()) as origin:
        context = await browser.new_context()
        try:
            async with _opened(await context.new_page(), origin) as one:
                yield one
        finally:
            await context.close()


@asynccontextmanager
async def phone_with_profile(profile: Path) -> AsyncIterator[Phone]:
    """The same in a browser that keeps its profile and promises nobody to: there storage can be limited."""
    async with (
        serving(static_files()) as origin,
        killable_chromium(profile) as running,
        _opened(running.page, origin, PERMISSIONS[:-1]) as one,
    ):
        yield one


@asynccontextmanager
async def _opened(
    page: Page, origin: str, permissions: list[str] = PERMISSIONS
) -> AsyncIterator[Phone]:
    cdp = await page.context.new_cdp_session(page)
    target = (await cdp.send("Target.getTargetInfo"))["targetInfo"]
    place = {"origin": origin, "browserContextId": target["browserContextId"]}
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await cdp.send("Browser.grantPermissions", {"permissions": permissions, **place})
    await page.goto(f"{origin}/rig/index.html")
    await page.wait_for_function("() => 'rig' in globalThis")
    yield Phone(page, cdp, place)
    if faults:
        raise RuntimeError(f"the page's scripts failed: {faults}")
