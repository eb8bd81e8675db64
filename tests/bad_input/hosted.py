"""The whole application in this process, on a real socket, with a clock that tests set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from evidence_server.app import build
from evidence_server.routes.runner import Runner
from evidence_server.settings import Settings
from pairing.encoding import sha256_b64u
from pairing.jws import SigningKey, new_phone_key, public_jwk, record_hash, sign, thumbprint
from pairing.manifest import ListedRun, Manifest
from pairing.messages import Claim, ClockSample, Head, Link, Note
from tests.sittings import FakeClock
from tests.upload.raw_http import SAFETY_S, Address

MP4 = "video/mp4"


@dataclass(frozen=True)
class Refused:
    """A refusal as a peer sees it."""

    status: int
    code: str
    told: Mapping[str, Any]


class Hosted:
    """A running application, and how to ask it."""

    def __init__(self, http: aiohttp.ClientSession, address: Address, api_key: str, clock: FakeClock) -> None:
        self.http, self.address, self.api_key, self.clock = http, address, api_key, clock

    async def send(
        self, method: str, path: str, body: Any = None, token: str = "", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an answer; `token`: a bearer instead of the backend's key."""
        headers = {"Authorization": f"Bearer {token or self.api_key}", **more.pop("headers", {})}
        sent = {} if body is None else {"json": body}
        async with self.http.request(
            method, self.address.url + path, headers=headers, **sent, **more
        ) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else {}

    async def ask(self, method: str, path: str, body: Any = None, token: str = "") -> dict[str, Any]:
        """One request that must succeed."""
        status, told = await self.send(method, path, body, token)
        assert status == 200, told
        return told

    async def refused(self, method: str, path: str, body: Any = None, token: str = "") -> Refused:
        """One request that must be refused, in both languages."""
        status, told = await self.send(method, path, body, token)
        return as_refusal(status, told)

    async def create(self, **settings: Any) -> dict[str, Any]:
        """A new sitting."""
        no_scan = {"checks": {"scan": "review"}}
        return await self.ask("POST", "/v1/sittings", {"exam": "oral", "policy": no_scan, **settings})

    async def offer(self, sitting: str) -> dict[str, Any]:
        """What its laptop shows now."""
        return await self.ask("GET", f"/v1/sittings/{sitting}/offer")

    async def state(self, sitting: str) -> dict[str, Any]:
        """How it stands."""
        return await self.ask("GET", f"/v1/sittings/{sitting}")

    async def until(
        self, sitting: str, reached: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Its first state, now or later, for which `reached` holds."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        where = f"{self.address.url}/v1/sittings/{sitting}/events"
        async with asyncio.timeout(SAFETY_S), self.http.get(where, headers=headers) as answer:
            async for line in answer.content:
                if line.startswith(b"data: ") and reached(told := json.loads(line.removeprefix(b"data: "))):
                    return dict(told)
        raise AssertionError("the stream of states has ended")


def as_refusal(status: int, told: Mapping[str, Any]) -> Refused:
    """`told` as a refusal: what it lacks of one fails the test."""
    assert status >= 400, told
    assert set(told["says"]) == set(told["do"]) == {"zh-CN", "en"}
    assert all(text for texts in (told["says"], told["do"]) for text in texts.values())
    return Refused(status, told["error"], told)


@asynccontextmanager
async def hosting(folder: Path, clock: FakeClock, **settings: Any) -> AsyncIterator[Hosted]:
    """The application on `folder`, new or as an earlier one left it."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    app = await build(Settings.model_validate({"data": folder, **settings}), clock)
    runner = Runner(app, lingering_s=0.1)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with aiohttp.ClientSession() as http:
            key = await asyncio.to_thread((folder / "keys" / "api.key").read_text)
            yield Hosted(http, Address(*runner.addresses[0][:2]), key.strip(), clock)
    finally:
        await runner.cleanup()


class Candidate:
    """A phone over HTTP, that says of itself whatever a test wants."""

    def __init__(self, server: Hosted, sitting: str) -> None:
        self.server, self.sitting = server, sitting
        self.key: SigningKey = new_phone_key()
        self.bearer = self.binding = self.newest = ""
        self.run, self.seq, self.bytes = 1, 0, 0
        self.boot_ms = server.clock() - 5_000_000

    @property
    def thumb(self) -> str:
        """The key's thumbprint."""
        return thumbprint(self.key)

    def claim(self, secret: str, **changes: Any) -> str:
        """A claim of `secret`, with other claims where `changes` says so."""
        body = Claim(secret, public_jwk(self.key), "test", self.server.clock()).to_claims()
        return sign(self.key, Claim.TYP, body | changes)

    async def bind(self) -> Candidate:
        """Claims what is shown, and is confirmed."""
        ticket = (await self.server.offer(self.sitting))["link"].partition("#t=")[2]
        claimed = await self.server.ask("POST", "/v1/claims", {"claim": self.claim(ticket)})
        self.bearer = claimed["bearer"]
        await self.server.ask("POST", f"/v1/sittings/{self.sitting}/confirm", {"key": self.thumb})
        reads = await self.server.ask("GET", "/v1/binding", token=self.bearer)
        self.binding = self.newest = record_hash(reads["binding"])
        return self

    def head(
        self, content: bytes, from_ms: int, to_ms: int, *, container: str = MP4, **changes: Any
    ) -> str:
        """The head of the next segment of its run, captured in this time on the server's clock."""
        mono = (from_ms - self.boot_ms, to_ms - self.boot_ms)
        sample = ClockSample(from_ms, mono[0], from_ms, 0) if self.seq == 0 else None
        link = Link(self.sitting, 1, self.run, self.seq, self.newest, self.binding, sample)
        head = Head(
            link, "camera", container, self.bytes, len(content), sha256_b64u(content),
            (0, (to_ms - from_ms) * 1000), mono, from_ms,
        )
        return sign(self.key, Head.TYP, head.to_claims() | changes)

    def next_run(self) -> None:
        """What follows is a recorder run of its own."""
        self.run, self.seq, self.bytes = self.run + 1, 0, 0

    async def commit(self, record: str, length: int) -> str:
        """Commits to a segment; gives the path to upload it to."""
        told = await self.server.ask("POST", "/v1/entries", {"entries": [record]}, self.bearer)
        self.newest, self.seq, self.bytes = record_hash(record), self.seq + 1, self.bytes + length
        path: str = told["uploads"][self.newest]
        return path

    def note(self, note: str, at_ms: int) -> str:
        """A note as the next entry of its run."""
        link = Link(self.sitting, 1, self.run, self.seq, self.newest, self.binding, None)
        return sign(self.key, Note.TYP, Note(link, note, "none", at_ms - self.boot_ms, at_ms).to_claims())

    def manifest_record(self, *runs: ListedRun) -> str:
        """The first list of all that is committed."""
        body = Manifest(self.sitting, 1, 1, runs, self.binding, self.server.clock())
        return sign(self.key, Manifest.TYP, body.to_claims())

    async def manifest(self, *runs: ListedRun) -> None:
        """Lists all that is committed."""
        body = {"manifest": self.manifest_record(*runs)}
        await self.server.ask("POST", "/v1/manifests", body, self.bearer)

    @property
    def listed(self) -> ListedRun:
        """The run that is under way, as a manifest lists it."""
        return ListedRun(self.run, self.seq, self.newest, self.bytes)

    async def deliver(self, content: bytes, from_ms: int, to_ms: int, *, container: str = MP4) -> None:
        """Commits and uploads a segment."""
        path = await self.commit(self.head(content, from_ms, to_ms, container=container), len(content))
        answer = await self.server.address.patch(path, 0, content)
        assert (answer.status, answer.offset) == (204, len(content)), answer
