"""The app's own files: few, all of them kept, and enough to open without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.typedefs import Handler
from playwright.async_api import Browser, Page, expect

from evidence_server.routes.page_files import PageFiles
from tests.page.browser import chromium
from tests.web.screens.shell import listed, needed
from tests.web.screens.stage import WEB

BUDGET = 150_000
OLD = "export {}"
# Once so many sets are whole; caches tell nobody that they changed.
SETS = """(wanted) => new Promise((done) => {
  const look = async () => {
    const sets = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
    const marks = await Promise.all(sets.map((set) => set.match("./whole-set")));
    if (marks.filter((mark) => mark !== undefined).length === wanted) done();
    else setTimeout(look, 100);
  };
  void look();
})"""
WORDS = "fetch('words.js').then((answer) => answer.text())"
PATIENCE_S = 60
pytestmark = pytest.mark.asyncio(loop_scope="module")
CSP = {"Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; worker-src 'self'"}


class Host:
    """The app's files as the server serves them, and an API that answers nothing; `stop` is no network."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.asked: list[str] = []
        self.failing = ""
        """The path that is answered with a fault."""
        self.sent: dict[str, int] = {}
        """Of each path, the bytes of its body as they went over the wire; asked for again it costs none."""

    async def start(self) -> None:
        @web.middleware
        async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == self.failing:
                raise web.HTTPServiceUnavailable
            return await handler(request)

        app = web.Application(middlewares=[fail])

        async def nothing(request: web.Request) -> web.Response:
            self.asked.append(request.path)
            return web.json_response({"server_time_ms": 0}, headers={"Cache-Control": "max-age=3600"})

        async def weigh(request: web.Request, response: web.StreamResponse) -> None:
            self.sent.setdefault(request.path, response.content_length or 0)

        app.on_response_prepare.append(weigh)
        PageFiles(WEB, "/p/", CSP | {"Cache-Control": "no-cache"}).mount(app)
        app.router.add_route("*", "/v1/{rest:.*}", nothing)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/p/"


@asynccontextmanager
async def hosted() -> AsyncIterator[Host]:
    host = Host()
    await host.start()
    try:
        yield host
    finally:
        await host.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def host() -> AsyncIterator[Host]:
    async with hosted() as host:
        yield host


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_S * 1_000)
    yield await context.new_page()
    await context.close()


async def until_stage(page: Page, stage: str) -> None:
    """Until the app has drawn this screen."""
    await expect(page.locator("html")).to_have_attribute("data-stage", stage, timeout=PATIENCE_S * 1_000)


async def until_kept(page: Page) -> None:
    """Until the service worker has all files: it is active only then."""
    async with asyncio.timeout(PATIENCE_S):
        await page.evaluate("navigator.serviceWorker.ready")
    assert await page.evaluate("caches.match('./whole-set').then((found) => found !== undefined)")


async def test_the_service_worker_lists_just_what_the_page_needs() -> None:
    assert listed() == sorted(needed())


async def test_the_app_opens_without_a_network(host: Host, page: Page) -> None:
    await page.goto(host.address)
    await until_stage(page, "bind")
    await until_kept(page)
    await host.stop()
    await page.reload()
    await until_stage(page, "bind")
    await page.locator("[data-language=zh-CN]").click()
    await expect(page.locator("h1")).to_have_text("绑定这部手机")


async def test_nothing_of_the_api_is_kept(host: Host, page: Page) -> None:
    await page.goto(host.address)
    await until_kept(page)
    await page.reload()  # from now on the worker stands between
    ask = "fetch('/v1/time').then((answer) => answer.ok, () => false)"
    assert await page.evaluate(ask)
    assert "/v1/time" in host.asked
    kept = await page.evaluate(
        "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)"
        ".then((set) => set.keys())))).then((all) => all.flat().map(({ url }) => url))"
    )
    shell = {f"/p/{name}" for name in listed()}
    assert {urlsplit(url).path for url in kept} == {"/p/", "/p/whole-set", *shell}
    assert await page.evaluate("navigator.serviceWorker.controller !== null")


async def test_a_newer_version_comes_whole_with_the_next_page(host: Host, page: Page) -> None:
    await page.goto(host.address)
    await until_kept(page)
    # An older version, as a phone would have kept it.
    await page.evaluate(
        "(old) => caches.keys().then(([name]) => caches.open(name)).then((set) => set.put('words.js',"
        " new Response(old, {headers: {ETag: 'old', 'Content-Type': 'text/javascript'}})))", OLD,
    )  # fmt: skip
    await page.goto(host.address)
    async with asyncio.timeout(PATIENCE_S):
        await page.evaluate(SETS, 2)
    # What an open page fetches later is of its own version.
    assert await page.evaluate(WORDS) == OLD
    await page.goto(host.address)
    await until_stage(page, "bind")
    assert "export async function loadWords" in await page.evaluate(WORDS)
    async with asyncio.timeout(PATIENCE_S):
        await page.evaluate(SETS, 1)


async def test_what_could_not_be_kept_is_tried_again_each_minute(host: Host, page: Page) -> None:
    await page.clock.install()
    host.failing = "/p/sw.js"
    await page.goto(host.address)
    await until_stage(page, "bind")
    await page.wait_for_timeout(500)
    assert await page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    host.failing = ""
    await page.clock.fast_forward("01:01")
    await until_kept(page)


async def test_storage_that_does_not_open_is_said_to_be_broken(host: Host, page: Page) -> None:
    await page.goto(f"{host.address}icon.svg")
    # As a newer version of the app leaves it.
    await page.evaluate("""new Promise((done) => {
      indexedDB.open("evidence-camera/recording", 99).onsuccess = ({ target }) => done(target.result.close());
    })""")
    await page.goto(host.address)
    await until_stage(page, "broken")
    await expect(page.locator("h1")).to_have_text("This page has failed")
    await expect(page.locator("[data-act=reload]")).to_be_visible()


async def test_little_is_fetched_before_the_camera_opens(host: Host, page: Page) -> None:
    await page.goto(host.address)
    await until_stage(page, "bind")
    await until_kept(page)
    # Whatever the recording needs was fetched with the shell, and nothing but the shell was.
    names = {path.removeprefix("/p/") for path in host.sent if path.startswith("/p/")}
    # types.js is empty: whether the browser can begin a worker of this kind is tried with it.
    assert names - {"types.js"} == {"", "sw.js", *needed()}
    assert sum(host.sent.values()) <= BUDGET, sum(host.sent.values())


@pytest.mark.parametrize("missing", ["view/record.js", "locales/en.ftl"])
async def test_a_page_that_does_not_load_says_so(host: Host, page: Page, missing: str) -> None:
    await page.route(f"**/{missing}", lambda route: route.abort())
    await page.goto(host.address)
    await expect(page.locator("main")).to_contain_text(
        "This page did not open completely", timeout=PATIENCE_S * 1_000
    )
