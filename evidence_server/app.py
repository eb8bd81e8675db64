"""The composition root: the only place that knows all parts and wires them together."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import structlog
from aiohttp import web

from evidence_server.bind import Binder
from evidence_server.data_folder import DataFolder
from evidence_server.faults import Faults
from evidence_server.identity import Identity
from evidence_server.journal import Journal
from evidence_server.keyring import KeyRing
from evidence_server.lan import LocalAuthority
from evidence_server.local_store import LocalStore
from evidence_server.media.eyes import LOOKING, Eyes
from evidence_server.media.limits import Limits
from evidence_server.media.supervisor import MediaWorker
from evidence_server.memory import give_back, walk_seldom
from evidence_server.metrics import Metrics
from evidence_server.receive import SegmentUploads
from evidence_server.record import Recorder
from evidence_server.register import Register
from evidence_server.release import Releaser
from evidence_server.routes import api
from evidence_server.routes.access import Access
from evidence_server.routes.backend import BackendRoutes
from evidence_server.routes.bundle import BundleRoutes
from evidence_server.routes.errors import refusals
from evidence_server.routes.faults import FaultWatch
from evidence_server.routes.lan import trust_page
from evidence_server.routes.metrics import MetricsRoutes
from evidence_server.routes.openapi import describe
from evidence_server.routes.origin import Origin
from evidence_server.routes.page import PageRoutes
from evidence_server.routes.phone import UPLOADS, PhoneRoutes
from evidence_server.routes.pictures import PictureRoutes
from evidence_server.routes.probe import ProbeRoute
from evidence_server.routes.runner import Runner
from evidence_server.routes.support import SupportRoutes
from evidence_server.routes.throttle import WrongCodes
from evidence_server.routes.tus import TusShell
from evidence_server.settings import Settings
from evidence_server.support import Support
from evidence_server.sweep import Sweep
from evidence_server.upload import PRODUCT_RULES
from evidence_server.verify import Verifier
from evidence_server.watch import Watcher
from pairing.errors import PairingError

_log = structlog.get_logger("app")


def clock_ms() -> int:
    """The server's clock."""
    return time.time_ns() // 1_000_000


async def build(settings: Settings, now_ms: Callable[[], int] = clock_ms) -> web.Application:
    """The application on an unlocked data folder; its background work starts and ends with it."""
    folder = DataFolder(settings.data)
    identity = Identity.open(folder.keys)
    journal = await Journal.open(folder.journal)
    store = LocalStore(folder.objects, KeyRing(folder.keys))
    worker = MediaWorker(Limits(address_space_bytes=settings.worker_memory_mb << 20))
    eyes = Eyes(replace(LOOKING, address_space_bytes=settings.eye_memory_mb << 20))

    register = Register(journal, now_ms)
    binder = Binder(register, identity, os.urandom)
    recorder = Recorder(register, identity)
    verifier = Verifier(register, store, worker)
    watcher = Watcher(register, store, eyes, identity.anchor_key, looking=settings.look)

    def stored(sitting: str) -> None:
        verifier.notice(sitting)
        watcher.notice(sitting)

    uploads = SegmentUploads(register, identity, stored)
    faults = Faults()
    sweep = Sweep(register, binder, verifier, watcher, faults, identity, settings.alive_every_s)

    metrics = Metrics()
    journal.tell(metrics.appended)
    wrong_codes = WrongCodes(metrics)
    scrape = MetricsRoutes(metrics, register, verifier, watcher, folder.root, wrong_codes)

    access = Access(identity, journal)
    backend = BackendRoutes(
        register, identity, access, binder, recorder, Releaser(register, identity), settings
    )
    support = SupportRoutes(
        register, access, Support(register, binder.new_offer), recorder, uploads, store, settings
    )
    origin = Origin(settings.proxies)
    phone = PhoneRoutes(register, identity, access, binder, recorder, origin, wrong_codes, watcher.progress)
    table = (*backend.table(), *support.table(), *phone.table())

    async def ready() -> str:
        try:
            await journal.next_due_ms()
            await store.require_room(1)
        except PairingError as error:
            return error.code
        return ""

    watch = FaultWatch(faults, register).middleware()
    app = web.Application(
        middlewares=[scrape.middleware(), watch, refusals], client_max_size=api.MAX_BODY
    )
    api.mount(app, table, settings.idle_body_s)
    backend.mount(app)
    support.mount(app)
    ProbeRoute(origin, settings.idle_body_s).mount(app)
    BundleRoutes(register, store, identity, access).mount(app)
    PictureRoutes(register, store, access).mount(app)
    TusShell(uploads, store, PRODUCT_RULES, now_ms=now_ms, idle_s=settings.idle_body_s).mount(app, UPLOADS)
    web_app = Path(str(files("phone_client") / "web"))
    PageRoutes(describe(table, settings.base_url), identity.jwks, ready, web_app).mount(app)
    scrape.mount(app)

    async def stop_waiting(_app: web.Application) -> None:
        register.stop()

    async def work(_app: web.Application) -> AsyncIterator[None]:
        # The outage is journalled before anything is served or judged.
        await sweep.begin()
        await worker.start()
        at_work = (sweep.run(), verifier.run(), watcher.run(), give_back())
        running = [asyncio.create_task(each) for each in at_work]
        yield
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await worker.stop()
        await eyes.stop()
        await store.close()
        await journal.close()

    app.on_shutdown.append(stop_waiting)
    app.cleanup_ctx.append(work)
    return app


@dataclass(frozen=True)
class TryOut:
    """Phones beside this machine: TLS at `addresses` on `port`; on the plain port, how to trust it."""

    authority: LocalAuthority
    addresses: tuple[str, ...]
    port: int


async def serve(settings: Settings, announce: Callable[[str], None], lan: TryOut | None = None) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way.

    `announce(url)` is called once requests are answered.  Raises PairingError("folder_in_use"), OSError.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as open_now:
        open_now.enter_context(DataFolder(settings.data).locked())
        runner = Runner(await build(settings))
        walk_seldom()
        await runner.setup()
        open_now.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, settings.host, settings.port, reuse_address=True).start()
        if lan is not None:
            trust = Runner(trust_page(lan.authority, f"{settings.base_url}/p/"))
            await trust.setup()
            open_now.push_async_callback(trust.cleanup)
            context = lan.authority.context(lan.addresses, datetime.now(UTC))
            for address in lan.addresses:
                await web.TCPSite(runner, address, lan.port, ssl_context=context, reuse_address=True).start()
                await web.TCPSite(trust, address, settings.port, reuse_address=True).start()
        _log.info("serving", host=settings.host, port=settings.port)
        announce(settings.base_url)
        await stop.wait()
        _log.info("stopping")
