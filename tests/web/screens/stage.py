"""Serves the phone's files with a stage in place of main.js, and shows it in a phone's browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page

from tests.page.browser import Language, Theme
from tests.web.screens.states import View

WEB = Path(__file__).parents[3] / "phone_client" / "web"
STAGE = Path(__file__).parent / "stage.js"
# What the server sends with the page: a style or a script that it forbids must fail here too.
CSP = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The stage's address, on a free port of this machine."""
    app = web.Application()

    async def index(_request: web.Request) -> web.Response:
        page = (WEB / "index.html").read_text(encoding="utf-8").replace('src="main.js"', 'src="/stage.js"')
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": CSP})

    async def script(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(STAGE)

    app.router.add_get("/p/stage.html", index)
    app.router.add_get("/stage.js", script)
    app.router.add_static("/p", WEB)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/p/stage.html"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def phone(
    browser: Browser, address: str, language: Language = "en", theme: Theme = "light",
    size: tuple[int, int] = (360, 740), **more: Any,
) -> AsyncIterator[Page]:
    """The stage in a fresh profile; what its scripts throw fails the test that closes it."""
    context = await browser.new_context(
        locale="zh-CN" if language == "zh-CN" else "en-GB", timezone_id="Asia/Shanghai", color_scheme=theme,
        viewport={"width": size[0], "height": size[1]}, has_touch=True, is_mobile=True,
        **({"reduced_motion": "reduce"} | more),
    )  # fmt: skip
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    try:
        await page.goto(address)
        await page.locator("main.screen").wait_for()
        yield page
    finally:
        await context.close()
    if faults:
        raise RuntimeError(f"the page's scripts failed: {faults}")


async def show(page: Page, view: View) -> None:
    """Draws a view and waits until it is on the page."""
    await page.evaluate("async view => { stage.show(view); await new Promise(requestAnimationFrame); }", view)
