"""A phone over HTTP, as small as the protocol allows: it binds, commits, and is told where to upload."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from pairing.encoding import sha256_b64u
from pairing.jws import new_phone_key, public_jwk, record_hash, sign, thumbprint
from pairing.messages import Claim, ClockSample, Head, Link


@dataclass(frozen=True)
class Backend:
    """The exam backend: where the server is reached, and its key."""

    http: aiohttp.ClientSession
    url: str
    api_key: str

    async def ask(self, method: str, path: str, body: Any = None, token: str = "") -> dict[str, Any]:
        """One request that must succeed; `token`: a phone's bearer instead of the backend's key."""
        headers = {"Authorization": f"Bearer {token or self.api_key}"}
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status == 200, told
            return told


@dataclass(frozen=True)
class BoundPhone:
    """A phone of a sitting, bound; `binding` is the hash of its binding."""

    backend: Backend
    sitting: str
    key: Any
    bearer: str
    binding: str

    @classmethod
    async def bind(cls, backend: Backend) -> BoundPhone:
        """Creates a sitting and binds a new phone to it."""
        created = await backend.ask("POST", "/v1/sittings", {"exam": "oral"})
        sitting, key = created["sitting_id"], new_phone_key()
        claim = Claim(created["link"].partition("#t=")[2], public_jwk(key), "test", _now_ms())
        record = sign(key, Claim.TYP, claim.to_claims())
        claimed = await backend.ask("POST", "/v1/claims", {"claim": record})
        await backend.ask("POST", f"/v1/sittings/{sitting}/confirm", {"key": thumbprint(key)})
        reads = await backend.ask("GET", "/v1/binding", token=claimed["bearer"])
        return cls(backend, sitting, key, claimed["bearer"], record_hash(reads["binding"]))

    async def commit(self, content: bytes) -> str:
        """Commits to `content` as the first segment of the first run; the path to upload it to."""
        now = _now_ms()
        sample = ClockSample(now, now, now, 0)
        link = Link(self.sitting, 1, 1, 0, self.binding, self.binding, sample)
        head = Head(
            link, "camera", "video/mp4", 0, len(content), sha256_b64u(content), (0, 4_000_000),
            (now, now + 4_000), now,
        )
        record = sign(self.key, Head.TYP, head.to_claims())
        told = await self.backend.ask("POST", "/v1/entries", {"entries": [record]}, self.bearer)
        upload: str = told["uploads"][record_hash(record)]
        return upload


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
