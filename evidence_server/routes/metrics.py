"""GET /metrics for Prometheus, and the middleware that counts requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_LATEST

from evidence_server.disk import free_bytes
from evidence_server.metrics import Metrics, Standing
from evidence_server.register import Register
from evidence_server.routes.throttle import WrongCodes
from evidence_server.verify import Verifier
from evidence_server.watch import Watcher

CUT = "cut"
"""The status of a request that ended without an answer: its connection was lost."""
UNKNOWN = "unknown"
"""The route and method of a request that no route takes: both are the peer's own words otherwise."""


class MetricsRoutes:
    """Open to whoever reaches the server; the proxy in front is where to keep the world out."""

    def __init__(
        self, metrics: Metrics, register: Register, verifier: Verifier, watcher: Watcher, folder: Path,
        wrong_codes: WrongCodes,
    ) -> None:
        self._metrics = metrics
        self._register = register
        self._verifier = verifier
        self._watcher = watcher
        self._folder = folder
        self._wrong_codes = wrong_codes

    def mount(self, app: web.Application) -> None:
        """Adds the route."""
        app.router.add_get("/metrics", self.metrics)

    async def metrics(self, _request: web.Request) -> web.Response:
        """How things stand now, and all counters."""
        journal = self._register.journal
        due_ms = await journal.next_due_ms()
        standing = Standing(
            stages=await journal.stages(),
            overdue_ms=0 if due_ms is None else max(0, self._register.now_ms() - due_ms),
            unmeasured=self._verifier.waiting,
            unseen=self._watcher.waiting,
            free_bytes=await asyncio.to_thread(free_bytes, self._folder),
            codes_guessed=self._wrong_codes.guessed(),
        )
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        return web.Response(body=self._metrics.text(standing), headers=headers)

    def middleware(self) -> Middleware:
        """To be put around everything else, so that it sees the answers as peers get them."""

        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            status = CUT
            try:
                response = await handler(request)
                status = str(response.status)
                return response
            except web.HTTPException as answer:
                status = str(answer.status)
                raise
            finally:
                method, route = _pattern(request)
                self._metrics.answered(method, route, status, request.content.total_bytes)

        return count


def _pattern(request: web.Request) -> tuple[str, str]:
    resource = request.match_info.route.resource
    return (UNKNOWN, UNKNOWN) if resource is None else (request.method, resource.canonical)
