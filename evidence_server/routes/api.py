"""The table of the HTTP API: from it come both the handlers and the OpenAPI description."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from pairing.errors import PairingError

MAX_BODY = 1024 * 1024
"""Longest JSON body: 64 entries of the longest kind that a phone makes are a tenth of it."""
BODY_S = 300
"""Longest that a JSON body may take, however it trickles: the longest one at 28 kbit/s."""
MAX_WHOLE = 10**15 - 1
"""Largest whole number in a query."""

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True)
class Route(Generic[Body]):
    """One operation.  `access`: who may (open, backend, page = backend or page, phone)."""

    method: str
    path: str
    name: str
    says: str
    access: str
    body: type[Body] | None
    answer: type[BaseModel]
    handle: Callable[[web.Request, Any], Awaitable[dict[str, Any]]]
    refusals: Sequence[str] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    """Whole numbers that may follow the path, and what they mean."""


def mount(app: web.Application, routes: Sequence[Route[Any]], idle_s: float = 30) -> None:
    """Serves `routes`; a body from which nothing arrives for `idle_s` seconds ends its request."""
    for route in routes:
        app.router.add_route(route.method, route.path, _handler(route, idle_s))


def _handler(route: Route[Any], idle_s: float) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        body = None if route.body is None else await read_body(request, route.body, idle_s)
        return answer_json(await route.handle(request, body))

    return handle


def answer_json(answer: dict[str, Any]) -> web.Response:
    """`answer` as JSON that nobody may cache."""
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return web.Response(text=text, content_type="application/json", headers={"Cache-Control": "no-store"})


async def read_body(request: web.Request, shape: type[Body], idle_s: float) -> Body:
    """The request's JSON as `shape`.

    Raises PairingError: content_encoded, wrong_media_type, too_large, request_idle, malformed.
    """
    if "Content-Encoding" in request.headers:
        raise PairingError("content_encoded")
    if request.content_type != "application/json" and request.can_read_body:
        raise PairingError("wrong_media_type", "application/json is expected")
    try:
        async with asyncio.timeout(BODY_S):
            raw = b"".join([piece async for piece in pieces(request, idle_s, MAX_BODY)])
    except TimeoutError:
        raise PairingError("request_idle", f"not whole after {BODY_S} s") from None
    try:
        return shape.model_validate_json(raw or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PairingError("malformed", f"{place}: {first['msg']}"[:300]) from error


async def pieces(request: web.Request, idle_s: float, most: int) -> AsyncIterator[bytes]:
    """The body of at most `most` bytes, which may come as slowly as it likes as long as it comes.

    Raises PairingError: too_large, request_idle, malformed.
    """
    too_large = PairingError("too_large", f"at most {most} bytes")
    if (request.content_length or 0) > most:
        raise too_large
    size = 0
    try:
        while True:
            async with asyncio.timeout(idle_s):
                piece = await request.content.readany()
            if not piece:
                return
            size += len(piece)
            if size > most:
                raise too_large
            yield piece
    except TimeoutError:
        raise PairingError("request_idle", f"nothing for {idle_s} s") from None
    except web.RequestPayloadError as error:
        raise PairingError("malformed", "the coding of the body is broken") from error
