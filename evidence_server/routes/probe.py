"""How fast a phone's network takes what it will upload: some bytes, taken and forgotten (E1)."""

from __future__ import annotations

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from evidence_server.routes.api import answer_json, pieces
from evidence_server.routes.origin import Origin
from evidence_server.routes.throttle import subscriber
from pairing.errors import PairingError

PROBE = "/v1/probe"
MAX_PROBE = 512 * 1024
"""Bytes: a second of a fast network, ten of the slowest that an exam can do with."""
PROBES_A_MINUTE = 60
"""From one address: a school's hall of candidates, each trying once or twice."""
_RETRY_S = 10


class ProbeRoute:
    """Takes a body and keeps nothing of it.  `idle_s`: how long it may stay silent."""

    def __init__(self, origin: Origin, idle_s: float) -> None:
        self._origin = origin
        self._idle_s = idle_s
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._budget = RateLimitItemPerMinute(PROBES_A_MINUTE)

    def mount(self, app: web.Application) -> None:
        """Adds the route."""
        app.router.add_post(PROBE, self.take)

    async def take(self, request: web.Request) -> web.Response:
        """Answers with how many bytes came.

        Raises PairingError: content_encoded, throttled, too_large, request_idle, malformed."""
        if "Content-Encoding" in request.headers:
            raise PairingError("content_encoded")
        if not self._limiter.hit(self._budget, subscriber(self._origin.address(request))):
            raise PairingError("throttled", "too many probes", retry_after_s=_RETRY_S)
        taken = 0
        async for piece in pieces(request, self._idle_s, MAX_PROBE):
            taken += len(piece)
        return answer_json({"bytes": taken})
