"""Runs an application so that even a request that is no HTTP is refused like any other."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from evidence_server.routes.errors import error_response
from pairing.errors import PairingError

_LONGEST_DETAIL = 200


class Runner(web.AppRunner):
    """aiohttp's runner as this server needs it: bodies as they come, no access log, refusals as JSON."""

    def __init__(
        self, app: web.Application, *, shutdown_timeout: float = 60, lingering_s: float = 10
    ) -> None:
        """`shutdown_timeout`: seconds that requests under way are given when the server stops.

        `lingering_s`: for how long the rest of a refused body is still read, lest a peer that is sending
        loses the answer.
        """
        # A compressed body must not be inflated before its size is limited: routes refuse Content-Encoding.
        super().__init__(app, auto_decompress=False, access_log=None, shutdown_timeout=shutdown_timeout)
        self._lingering_s = lingering_s

    async def _make_server(self) -> web.Server:
        # aiohttp's parser answers what it cannot read, as text, without asking the application.
        plain = await super()._make_server()
        return _Server(plain, self._lingering_s)


class _Server(web.Server):
    def __init__(self, plain: web.Server, lingering_s: float) -> None:
        super().__init__(plain.request_handler, request_factory=plain.request_factory)
        # None for no log is what the documentation says, and the types deny
        self._settings: dict[str, Any] = {
            "auto_decompress": False, "access_log": None, "lingering_time": lingering_s,
        }

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._settings)


class _Connection(web.RequestHandler):
    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers what could not be read: the peer's fault, told to the peer and to nobody else."""
        if isinstance(exc, ConnectionError):
            raise exc  # nobody is there to be answered, and nothing of ours has failed
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already: nothing can be said any more")
        response = error_response(PairingError("malformed", (message or "")[:_LONGEST_DETAIL]))
        response.force_close()
        return response
