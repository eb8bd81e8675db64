"""The pages' files and the service's own addresses: keys, description, health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import web

from evidence_server.routes.api import answer_json
from evidence_server.routes.page_files import PageFiles
from pairing.errors import PairingError

_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_FOR_A_CAMERA = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), display-capture=(), payment=()",
}

Ready = Callable[[], Awaitable[str]]
"""Gives why the service is not ready, or an empty text."""


class PageRoutes:
    """Serves the laptop page under /laptop/ and the phone's web app, where the link leads, under /p/.

    `phone` is the folder of the web app."""

    def __init__(
        self, description: Mapping[str, Any], jwks: Mapping[str, Any], ready: Ready, phone: Path
    ) -> None:
        self._description = dict(description)
        self._jwks = dict(jwks)
        self._ready = ready
        laptop = Path(str(files("evidence_server") / "page"))
        self._pages = (PageFiles(laptop, "/laptop/", {}), PageFiles(phone, "/p/", _FOR_A_CAMERA))

    def mount(self, app: web.Application) -> None:
        """Adds the routes."""
        for page in self._pages:
            page.mount(app)
        app.router.add_get("/openapi.json", self.openapi)
        app.router.add_get("/.well-known/jwks.json", self.jwks)
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.on_response_prepare.append(_secure)

    async def openapi(self, _request: web.Request) -> web.Response:
        """The API's description."""
        return answer_json(self._description)

    async def jwks(self, _request: web.Request) -> web.Response:
        """The keys that check receipts and verdicts."""
        return answer_json(self._jwks)

    async def healthz(self, _request: web.Request) -> web.Response:
        """The process answers."""
        return answer_json({"alive": True})

    async def readyz(self, _request: web.Request) -> web.Response:
        """The process can do its work; 503 with the reason otherwise."""
        reason = await self._ready()
        if reason:
            raise PairingError("busy", reason, retry_after_s=5)
        return answer_json({"ready": True})


async def _secure(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)
