"""Stands between a phone and the server: loses answers, or alters what the server signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import TracebackType
from typing import Any

from aiohttp import ClientSession, web

Body = dict[str, Any]
Alter = Callable[[str, Body, dict[str, str]], None]
"""Gets the path, the JSON answer ({} without one) and the headers, and changes them in place."""

_KEPT = ("Content-Type", "Retry-After", "Evidence-Receipt", "Upload-Offset", "Upload-Length", "Tus-Resumable")


class Between:
    """An HTTP proxy with faults; `url` is where the phone finds it."""

    def __init__(self, target: str, alter: Alter | None = None, *, loses_first_answers: bool = False) -> None:
        self._target = target
        self._alter = alter
        self._loses = loses_first_answers
        self.lost: set[tuple[str, str]] = set()
        self.url = ""

    async def __aenter__(self) -> Between:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._pass)
        self._http = ClientSession()
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._http.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        hop = ("Host", "Connection")
        headers = {name: value for name, value in request.headers.items() if name not in hop}
        body = await request.read()
        async with self._http.request(
            request.method, self._target + request.path_qs, data=body or None, headers=headers
        ) as answer:
            content = await answer.read()
            kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        kind = (request.method, request.path.split("/")[1] + request.path.split("/")[2][:8])
        if self._loses and request.method in ("POST", "PATCH") and kind not in self.lost:
            self.lost.add(kind)
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if self._alter is not None:
            parsed: Body = json.loads(content) if content else {}
            self._alter(request.path, parsed, kept)
            content = json.dumps(parsed).encode() if content else b""
        return web.Response(status=answer.status, body=content, headers=kept)


def spoilt(jws: str) -> str:
    """The same record with one character of its claims changed."""
    header, claims, signature = jws.split(".")
    middle = len(claims) // 2
    other = "B" if claims[middle] == "A" else "A"
    return f"{header}.{claims[:middle]}{other}{claims[middle + 1:]}.{signature}"
