"""Notices when a phone is failed by this service, so that its deadline can move."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from evidence_server.faults import Faults
from evidence_server.register import Register
from evidence_server.routes.access import token_of
from pairing.encoding import sha256_b64u
from pairing.errors import PairingError


class FaultWatch:
    """A middleware around everything else: it sees the answers as the phone gets them."""

    def __init__(self, faults: Faults, register: Register) -> None:
        self._faults = faults
        self._register = register

    def middleware(self) -> Middleware:
        """As aiohttp wants it."""

        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            failed = response.status >= 500
            if failed or self._faults:
                sitting, what = await self._sitting_of(request), _what(request)
                now = self._register.now_ms()
                if sitting and failed:
                    self._faults.failed(sitting, what, now, _retry_after_s(response))
                elif sitting and response.status < 400:
                    self._faults.succeeded(sitting, what, now)
            return response

        return watch

    async def _sitting_of(self, request: web.Request) -> str:
        """The sitting that a phone's request concerns; empty for anybody else's, and off the phone's paths:
        no page that it has no need of may move its deadline."""
        try:
            if "upload_id" in request.match_info:
                name = await self._register.journal.find("upload", request.match_info["upload_id"])
            elif not request.path.startswith("/v1/"):
                return ""
            else:
                name = await self._register.journal.find("bearer", sha256_b64u(token_of(request)))
        except PairingError:
            return ""
        return name.sitting if name else ""


def _what(request: web.Request) -> str:
    """What is asked for: the method and the kind of address, whichever upload it is."""
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource else ''}"


def _retry_after_s(response: web.StreamResponse) -> int | None:
    text = response.headers.get("Retry-After", "")
    return int(text) if text.isdecimal() else None
