"""The server as the phone sees it: the HTTP of `protocol.md`, without deciding anything.

Every call either gives the answer, or raises `PairingError` (the server refused, and asking again in the
same way is useless) or `TryLater` (network, overload, the service's own trouble: the normal case on a
phone).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

import aiohttp

from pairing.errors import ERRORS, Fault, PairingError
from pairing.messages import ClockSample
from phone_client.clock import Clock

WAIT_S = 5
"""How long one read of the binding may be held by the server, in seconds.

Short, so that a network that went away without a word is noticed."""

_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_WAITING = aiohttp.ClientTimeout(total=WAIT_S + 15, sock_connect=10)
_MAX_ANSWER = 8 * 1024 * 1024
_RETRIED = frozenset({408, 425, 429})


class TryLater(Exception):  # noqa: N818  a state, not a fault
    """No answer, or one that says later.  `after_s` is the server's order (Retry-After), if it gave one;
    `reached` says whether the server answered at all."""

    def __init__(self, detail: str, after_s: float | None = None, reached: bool = False) -> None:
        super().__init__(detail)
        self.after_s = after_s
        self.reached = reached


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None where there is none (its date form is not used here)."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None


def refusal(status: int, body: bytes, retry_after: str | None) -> PairingError | TryLater:
    """What an answer that is no success amounts to."""
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    known = isinstance(said, dict)
    code = str(said.get("error", "")) if known else ""
    detail = str(said.get("detail", "")) if known else ""
    after_s = retry_after_s(retry_after)
    service = code in ERRORS and ERRORS[code].fault is Fault.SERVICE
    if status >= 500 or status in _RETRIED or service:
        return TryLater(f"HTTP {status} {code} {detail}".strip(), after_s, reached=True)
    if code not in ERRORS:
        return PairingError("malformed", f"HTTP {status} {code} {detail}".strip())
    places = {name: said[name] for name in ("run", "seq") if isinstance(said.get(name), int)}
    return PairingError(code, detail, **places)


class Server:
    """One server's API.

    `base` is its address, `ca` a file of certificates to trust instead of the system's."""

    def __init__(self, base: str, ca: str | None = None) -> None:
        self.base = base.rstrip("/")
        self.ca = ca
        self._bearer: str | None = None
        self._trust: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca) if ca else True
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Server:
        self._http = aiohttp.ClientSession(
            timeout=_TIMEOUT, connector=aiohttp.TCPConnector(ssl=self._trust), auto_decompress=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    def authorise(self, bearer: str) -> None:
        """Use the binding's bearer from now on."""
        self._bearer = bearer

    def address(self, path: str) -> str:
        """The whole address of an absolute path that the server named."""
        return urljoin(self.base + "/", path)

    async def claim(self, record: str) -> Mapping[str, Any]:
        """Redeem an offer."""
        return await self._ask("POST", "/v1/claims", {"claim": record})

    async def binding(self, after: int | None = None) -> Mapping[str, Any]:
        """The sitting as the phone may see it; the server holds the answer until it is beyond `after`."""
        path = "/v1/binding" if after is None else f"/v1/binding?wait={WAIT_S}&after={after}"
        return await self._ask("GET", path, timeout=_WAITING)

    async def entries(self, records: Sequence[str]) -> Mapping[str, Any]:
        """Commit chain entries."""
        return await self._ask("POST", "/v1/entries", {"entries": list(records)})

    async def manifest(self, record: str) -> Mapping[str, Any]:
        """Send the manifest."""
        return await self._ask("POST", "/v1/manifests", {"manifest": record})

    async def receipt(self, head: str) -> str:
        """A segment's receipt again, by its head's hash."""
        return str((await self._ask("GET", f"/v1/receipts/{head}")).get("receipt", ""))

    async def clock_sample(self, clock: Clock) -> ClockSample:
        """Read the server's clock; the phone's readings are those at the middle of the round trip."""
        before = clock.instant()
        answer = await self._ask("GET", "/v1/time")
        after_us = clock.mono_us()
        server_ms = answer.get("server_time_ms")
        if not isinstance(server_ms, int):
            raise TryLater("the answer carries no time", reached=True)
        half_us = (after_us - before.mono_us) // 2
        return ClockSample(
            server_ms, (before.mono_us + half_us) // 1_000, before.wall_ms + half_us // 1_000,
            min(2 * half_us // 1_000, 600_000),
        )

    async def _ask(
        self, method: str, path: str, body: object = None, timeout: aiohttp.ClientTimeout = _TIMEOUT
    ) -> Mapping[str, Any]:
        if self._http is None:
            raise RuntimeError("the server is used outside its context")
        headers = {"Authorization": f"Bearer {self._bearer}"} if self._bearer else {}
        try:
            async with self._http.request(
                method, self.base + path, json=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                raw = await answer.content.read(_MAX_ANSWER)
                while len(raw) < _MAX_ANSWER and (more := await answer.content.read(_MAX_ANSWER - len(raw))):
                    raw += more
                status, later = answer.status, answer.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TryLater(f"{type(error).__name__}: {error}") from error
        if not 200 <= status < 300:
            raise refusal(status, raw, later)
        try:
            found = json.loads(raw)
        except ValueError as error:
            raise TryLater("the answer is no JSON", reached=True) from error
        if not isinstance(found, dict):
            raise TryLater("the answer is no JSON object", reached=True)
        return found
