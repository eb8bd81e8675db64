"""A small server of protocol.md for the phone's tests: it keeps the rules and fails on order.

It judges nothing: the verdict's word is what the test says.  Its chain, receipts and records are those of
`pairing`, so a phone that breaks the protocol is refused here as by the real server.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from joserfc.jwk import ECKey

from pairing.chain import Chains, read_entry
from pairing.codes import digits
from pairing.encoding import b64u
from pairing.errors import PairingError
from pairing.jws import (
    new_server_key,
    phone_key,
    public_jwk,
    read_unverified,
    record_hash,
    sign,
    thumbprint,
    verify,
)
from pairing.manifest import Manifest
from pairing.messages import VERDICT_TYP, Acknowledgement, Binding, Claim, Head, Note, Release
from pairing.receipt import Receipt

SITTING = "s_test"
NONCE = "bm9uY2U"
NOW_MS = 1_800_000_000_000
Fault = Callable[[web.Request], web.StreamResponse]


def refused(code: str, **headers: str) -> Fault:
    """Answer a request with a row of the error table."""
    return lambda _request: error_answer(PairingError(code), headers)


def error_answer(error: PairingError, headers: dict[str, str] | None = None) -> web.Response:
    told = {"error": error.code, "detail": error.detail, **error.extra}
    named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
    return web.json_response(told, status=error.row.status, headers=named)


@dataclass
class FakeServer:
    """`faults` maps "METHOD /path" to answers given instead, one after the other; `cut_after` cuts the next
    upload's connection after so many bytes."""

    key: Any = field(default_factory=new_server_key)
    base: str = ""
    stage: str = "claimed"
    seen: dict[str, Any] = field(default_factory=dict)
    """What its reads say of room scan, placement and alarms."""
    claims: list[tuple[str, str]] = field(default_factory=list)
    phone: ECKey | None = None
    chains: Chains | None = None
    heads: dict[str, Head] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytearray] = field(default_factory=dict)
    end_ms: int | None = None
    manifests: list[Manifest] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cut_after: int | None = None
    readings: list[str] = field(default_factory=list)
    closing: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    # --- what tests do ---------------------------------------------------------------------------------

    def fail(self, request: str, *faults: Fault) -> None:
        """Answer the next requests of this kind with `faults`."""
        self.faults.setdefault(request, deque()).extend(faults)

    async def confirm(self) -> None:
        """The laptop confirms the six digits."""
        if self.phone is None:
            raise RuntimeError("nobody has claimed")
        self.stage = "bound"
        self.chains = Chains(SITTING, 1, record_hash(self.binding()))
        await self.tell()

    async def end(self, end_ms: int) -> None:
        """The exam is over."""
        self.end_ms = end_ms
        await self.tell()

    async def decide(self, word: str) -> None:
        """Issue the next version of the verdict."""
        required = [0, self.end_ms or 2**53 - 1]
        claims = {
            "sitting": SITTING, "word": word, "version": len(self.verdicts) + 1, "reasons": [],
            "required_ms": required,
        }
        self.verdicts.append(sign(self.key, VERDICT_TYP, claims))
        await self.tell()

    def release(self, *heads: str, key: Any = None) -> str:
        """Permit deletion of segments by their heads' hashes."""
        claims = Release(SITTING, 1, heads, NOW_MS).to_claims()
        self.releases.append(sign(key or self.key, Release.TYP, claims))
        return self.releases[-1]

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something to have happened."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(condition)

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def binding(self) -> str:
        if self.phone is None:
            raise RuntimeError("nobody has claimed")
        claims = Binding(SITTING, 1, thumbprint(self.phone), NONCE, NOW_MS).to_claims()
        return sign(self.key, Binding.TYP, claims)

    # --- HTTP ------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[FakeServer]:
        """Listen until the block is left."""
        app = web.Application(middlewares=[self._middleware], client_max_size=1 << 26)
        app.router.add_get("/v1/time", self._time)
        app.router.add_post("/v1/claims", self._claim)
        app.router.add_get("/v1/binding", self._binding)
        app.router.add_post("/v1/entries", self._entries)
        app.router.add_post("/v1/manifests", self._manifest)
        app.router.add_get("/v1/receipts/{head}", self._receipt)
        app.router.add_head("/uploads/{head}", self._offset)
        app.router.add_patch("/uploads/{head}", self._patch)
        runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self.closing = True
            await self.tell()
            await runner.cleanup()
            self.closing = False

    @property
    def link(self) -> str:
        """What the QR code would hold."""
        return f"{self.base}/p/#t=dGlja2V0"

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        kind = request.path if not request.path.startswith("/uploads/") else "/uploads"
        asked = f"{request.method} {kind}"
        self.asked.append(asked)
        waiting = self.faults.get(asked)
        if waiting:
            await self.tell()
            return waiting.popleft()(request)
        try:
            answer: web.StreamResponse = await handler(request)
        except PairingError as error:
            answer = error_answer(error)
        await self.tell()
        return answer

    async def _time(self, _request: web.Request) -> web.Response:
        return web.json_response({"server_time_ms": NOW_MS})

    async def _claim(self, request: web.Request) -> web.Response:
        record = (await request.json())["claim"]
        claims, _ = read_unverified(record, Claim.TYP)
        claim = Claim.from_claims(claims)
        key = phone_key(claim.key)
        verify(record, Claim.TYP, key)
        if self.claims and self.claims[0] != (claim.secret, thumbprint(key)):
            raise PairingError("offer_used")
        self.claims.append((claim.secret, thumbprint(key)))
        self.phone = key
        return web.json_response({
            "sitting_id": SITTING, "nonce": NONCE, "bearer": "bearer", "server_jwk": public_jwk(self.key),
            "digits": digits(claim.secret, thumbprint(key), NONCE),
        })

    async def _binding(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer bearer":
            raise PairingError("unauthorised")
        after = int(request.query.get("after", "-1"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(int(request.query.get("wait", "0"))), self.changed:
                await self.changed.wait_for(lambda: self.closing or self._position() > after)
        return web.json_response(json.loads(self._reading()) | {"position": self._position()})

    def _position(self) -> int:
        """Grows with every change of what a phone reads."""
        if self.readings[-1:] != [reading := self._reading()]:
            self.readings.append(reading)
        return len(self.readings)

    def _reading(self) -> str:
        return json.dumps(self.seen | {
            "stage": self.stage, "binding": self.binding() if self.chains else None, "end_ms": self.end_ms,
            "progress": {"segments": {"stored": len(self.stored), "verified": len(self.stored)}},
            "chain": [
                {"run": number, "next_seq": run.next_seq, "tip": run.tip}
                for number, run in (self.chains.runs.items() if self.chains else ())
            ],
            "unstored": [name for name in self.heads if name not in self.stored],
            "manifest": self.manifests[-1].version if self.manifests else 0,
            "verdict_jws": self.verdicts[-1] if self.verdicts else None, "releases": self.releases,
        })

    async def _entries(self, request: web.Request) -> web.Response:
        if self.chains is None or self.phone is None:
            raise PairingError("not_bound")
        names, uploads = [], {}
        for record in (await request.json())["entries"]:
            entry = read_entry(record, self.phone)
            added = self.chains.extend(entry, record)
            names.append(record_hash(record))
            if isinstance(entry, Head):
                self.heads[names[-1]] = entry
                uploads[names[-1]] = f"/uploads/{names[-1]}"
            elif added:
                self.notes.append(entry)
        told = Acknowledgement(SITTING, 1, tuple(names), NOW_MS, len(self.heads), b64u(bytes(32)))
        return web.json_response({
            "acknowledgement": sign(self.key, Acknowledgement.TYP, told.to_claims()), "uploads": uploads,
            "end_ms": self.end_ms,
        })

    async def _manifest(self, request: web.Request) -> web.Response:
        if self.chains is None or self.phone is None:
            raise PairingError("not_bound")
        record = (await request.json())["manifest"]
        manifest = Manifest.from_claims(verify(record, Manifest.TYP, self.phone))
        if not manifest.covers(self.chains):
            raise PairingError("chain_broken", "the manifest lists something else")
        self.manifests.append(manifest)
        return web.json_response({"manifest": manifest.version})

    def _receipt_of(self, name: str) -> str:
        return sign(self.key, Receipt.TYP, Receipt.for_head(self.heads[name], name, NOW_MS).to_claims())

    async def _receipt(self, request: web.Request) -> web.Response:
        return web.json_response({"receipt": self._receipt_of(request.match_info["head"])})

    def _upload_headers(self, name: str) -> dict[str, str]:
        done = {"Evidence-Receipt": self._receipt_of(name)} if name in self.stored else {}
        return {"Tus-Resumable": "1.0.0", "Upload-Offset": str(len(self.parts.get(name, b""))), **done}

    async def _offset(self, request: web.Request) -> web.Response:
        name = request.match_info["head"]
        if name not in self.heads:
            raise PairingError("upload_unknown")
        return web.Response(headers=self._upload_headers(name))

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["head"]
        if name not in self.heads:
            raise PairingError("upload_unknown")
        part = self.parts.setdefault(name, bytearray())
        if request.headers["Upload-Offset"] != str(len(part)):
            raise PairingError("upload_offset")
        async for piece in request.content.iter_any():
            part += piece
            if self.cut_after is not None and len(part) >= self.cut_after:
                del part[self.cut_after :]
                self.cut_after = None
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
        if b64u(hashlib.sha256(part).digest()) == self.heads[name].sha256:
            self.stored[name] = bytes(part)
        elif len(part) >= self.heads[name].length:
            self.parts.pop(name)
            raise PairingError("upload_hash")
        return web.Response(status=204, headers=self._upload_headers(name))
