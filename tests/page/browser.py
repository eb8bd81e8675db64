"""A Chromium that shows the laptop page as a candidate's laptop would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright

Language = Literal["zh-CN", "en"]
Theme = Literal["light", "dark"]

LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")
THEMES: tuple[Theme, ...] = ("light", "dark")
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The installed Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def laptop(
    browser: Browser,
    language: Language = "en",
    theme: Theme = "light",
    size: tuple[int, int] = (1280, 800),
) -> AsyncIterator[Page]:
    """A fresh profile; what the page's scripts throw or log as an error fails the test that closes it."""
    context = await browser.new_context(
        locale="zh-CN" if language == "zh-CN" else "en-GB",
        timezone_id="Asia/Shanghai",
        color_scheme=theme,
        reduced_motion="reduce",
        viewport={"width": size[0], "height": size[1]},
    )
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    try:
        yield page
    finally:
        await context.close()
    if faults:
        raise RuntimeError(f"the page's scripts failed: {faults}")
