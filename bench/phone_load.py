"""Phones as load: real keys, signatures, media and clocks, each on its own time, cheap enough for hundreds.

A phone signs a head for each segment that it has recorded, commits it, uploads the segment by tus at the
rate at which it was recorded, and reads its binding as the reference phone does.  Every acknowledgement and
receipt is verified when it comes and remembered, to be looked for in the server's folder afterwards.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from joserfc.jwk import OKPKey

from bench.verifying import repeated
from demo.camera import render
from evidence_server.media.restart import MP4
from pairing.encoding import b64u
from pairing.errors import PairingError
from pairing.jws import new_phone_key, public_jwk, record_hash, sign, thumbprint, verify
from pairing.messages import MAX_BATCH, Acknowledgement, Claim, ClockSample, Head, Link
from pairing.receipt import check_receipt
from tests.media.recordings import at_fragments

SEGMENT_S = 4
SAMPLE_EVERY_S = 30
PIECE_BYTES = 16 * 1024
UPLOAD_SHARE = 0.9
"""Of a segment's length, its upload takes so much: the line is little faster than the camera."""
READ_S = 5
RETRY_S = 1.0
_TIMEOUT = aiohttp.ClientTimeout(total=60)
_TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class Film:
    """One long run that all phones send, cut into segments, each with its hash so far.

    Every segment of every phone ends with an empty box of its own, so that no two bodies are equal.
    """

    segments: Sequence[bytes]
    hashes: Sequence[Any]

    @classmethod
    def shoot(cls, folder: Path, minutes: int, width: int, height: int) -> Film:
        """Renders a minute and repeats its packets."""
        camera = folder / "camera.mp4"
        render(camera, 60, 15, width, height)
        header, *fragments = at_fragments(MP4, repeated(camera, minutes))
        segments = [header + fragments[0], *fragments[1:]]
        return cls(segments, [hashlib.sha256(segment) for segment in segments])

    def segment(self, phone: int, number: int) -> tuple[bytes, bytes, str]:
        """The shared bytes, the phone's own box behind them, and the hash of both."""
        own = (16).to_bytes(4, "big") + b"free" + phone.to_bytes(4, "big") + number.to_bytes(4, "big")
        digest = self.hashes[number].copy()
        digest.update(own)
        return self.segments[number], own, b64u(digest.digest())


@dataclass
class Tally:
    """What all phones saw."""

    waits_ms: list[float] = field(default_factory=list)
    """From a signed head until its acknowledgement was read, whatever it waited for."""
    lags_ms: list[float] = field(default_factory=list)
    """How late the load process came round to sign it: its own trouble, not the server's."""
    upload_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    sent_bytes: int = 0


@dataclass
class _Segment:
    number: int
    signed_at: float
    head: Head
    record: str
    name: str
    upload: str = ""


class LoadPhone:
    """One candidate's phone."""

    def __init__(self, number: int, base: str, api_key: str, film: Film, tally: Tally) -> None:
        self.number = number
        self.sitting = f"load_{number:04}"
        self._base = base
        self._api_key = api_key
        self._film = film
        self._tally = tally
        self._key = new_phone_key()
        self._bearer = ""
        self._server_key: OKPKey | None = None
        self._seen = self._tip = ""
        self._offset = 0
        self._sample: ClockSample | None = None
        self._uncommitted: list[_Segment] = []
        self._unstored: asyncio.Queue[_Segment | None] = asyncio.Queue()
        self._sealed = asyncio.Event()
        self.acknowledged: set[str] = set()
        """Names of the heads that the server has acknowledged."""
        self.receipts: dict[str, str] = {}
        """Receipts, by the head's name."""

    async def bind(self, http: aiohttp.ClientSession, end_ms: int) -> None:
        """Creates the sitting as the backend does, claims it, and confirms as the page does."""
        backend = {"Authorization": f"Bearer {self._api_key}"}
        made = await self._ask(http, "POST", "/v1/sittings", backend, {
            "sitting_id": self.sitting, "exam": "load", "window": {"start_ms": _wall_ms(), "end_ms": end_ms},
        })
        ticket = made["link"].partition("#t=")[2]
        claim = Claim(ticket, public_jwk(self._key), "bench.phones", _wall_ms())
        claimed = await self._ask(
            http, "POST", "/v1/claims", {}, {"claim": sign(self._key, Claim.TYP, claim.to_claims())}
        )
        self._bearer, self._server_key = claimed["bearer"], OKPKey.import_key(claimed["server_jwk"])
        page = {"Authorization": f"Bearer {made['page_token']}"}
        confirm = {"key": thumbprint(self._key)}
        await self._ask(http, "POST", f"/v1/sittings/{self.sitting}/confirm", page, confirm)
        binding = (await self._ask(http, "GET", "/v1/binding", self._phone()))["binding"]
        self._seen = self._tip = record_hash(binding)

    async def work(self, http: aiohttp.ClientSession, begin: float, segments: int) -> None:
        """Records from `begin` (of the loop's clock) and delivers all of it."""
        reading = asyncio.create_task(self._read(http))
        sampling = asyncio.create_task(self._read_clock(http))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._record(begin, segments))
                group.create_task(self._commit(http, segments))
                group.create_task(self._upload(http))
        finally:
            reading.cancel()
            sampling.cancel()

    async def _record(self, begin: float, segments: int) -> None:
        loop = asyncio.get_running_loop()
        for number in range(segments):
            due = begin + (number + 1) * SEGMENT_S
            await asyncio.sleep(due - loop.time())
            sample, self._sample = self._sample, None
            segment = self._seal(number, due, sample)
            self._tally.lags_ms.append((segment.signed_at - due) * 1000)
            self._uncommitted.append(segment)
            self._sealed.set()

    def _seal(self, number: int, due: float, sample: ClockSample | None) -> _Segment:
        shared, own, digest = self._film.segment(self.number, number)
        age_ms = round((asyncio.get_running_loop().time() - due) * 1000)
        mono_ms, length = _mono_ms() - age_ms, len(shared) + len(own)
        head = Head(
            Link(self.sitting, 1, 1, number, self._tip, self._seen, sample), "camera", MP4, self._offset,
            length, digest, (number * SEGMENT_S * 1_000_000, (number + 1) * SEGMENT_S * 1_000_000),
            (mono_ms - SEGMENT_S * 1000, mono_ms), _wall_ms() - age_ms,
        )
        record = sign(self._key, Head.TYP, head.to_claims())
        self._tip, self._offset = record_hash(record), self._offset + length
        return _Segment(number, asyncio.get_running_loop().time(), head, record, self._tip)

    async def _commit(self, http: aiohttp.ClientSession, segments: int) -> None:
        loop, committed = asyncio.get_running_loop(), 0
        while committed < segments:
            await self._sealed.wait()
            batch = self._uncommitted[:MAX_BATCH]
            body = {"entries": [segment.record for segment in batch]}
            answer = await self._until_done(lambda: self._ask(
                http, "POST", "/v1/entries", self._phone(), body  # noqa: B023  awaited before the next turn
            ))
            now = loop.time()
            told = Acknowledgement.from_claims(
                verify(answer["acknowledgement"], Acknowledgement.TYP, self._server())
            )
            if told.entries != tuple(segment.name for segment in batch):
                raise RuntimeError(f"{self.sitting}: the acknowledgement names other entries")
            self._seen = record_hash(answer["acknowledgement"])
            for segment in batch:
                self._tally.waits_ms.append((now - segment.signed_at) * 1000)
                self.acknowledged.add(segment.name)
                segment.upload = answer["uploads"][segment.name]
                self._unstored.put_nowait(segment)
            committed += len(batch)
            del self._uncommitted[: len(batch)]
            if not self._uncommitted:
                self._sealed.clear()
        self._unstored.put_nowait(None)

    async def _upload(self, http: aiohttp.ClientSession) -> None:
        while (segment := await self._unstored.get()) is not None:
            began, here = time.perf_counter(), segment
            receipt = await self._until_done(lambda: self._send(http, here))  # noqa: B023  awaited here
            check_receipt(receipt, self._server(), segment.head, segment.name)
            self.receipts[segment.name] = receipt
            self._tally.upload_s.append(time.perf_counter() - began)

    async def _send(self, http: aiohttp.ClientSession, segment: _Segment) -> str:
        """One PATCH from where the server stands; gives the receipt."""
        address = self._base + segment.upload
        async with http.head(address, headers=_TUS, timeout=_TIMEOUT) as answer:
            if answer.status != 200:
                raise _refusal(answer.status, b"")
            offset, receipt = int(answer.headers["Upload-Offset"]), answer.headers.get("Evidence-Receipt")
        if receipt:
            return receipt
        shared, own, _ = self._film.segment(self.number, segment.number)
        headers = {
            **_TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(segment.head.length - offset),
        }
        body = self._paced(memoryview(shared + own)[offset:])
        async with http.patch(address, headers=headers, data=body, timeout=_TIMEOUT) as answer:
            if answer.status != 204:
                raise _refusal(answer.status, await answer.read())
            return answer.headers["Evidence-Receipt"]

    async def _paced(self, content: memoryview) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        began, step_s = loop.time(), SEGMENT_S * UPLOAD_SHARE * PIECE_BYTES / max(len(content), PIECE_BYTES)
        for index, at in enumerate(range(0, len(content), PIECE_BYTES)):
            await asyncio.sleep(began + index * step_s - loop.time())
            piece = bytes(content[at : at + PIECE_BYTES])
            self._tally.sent_bytes += len(piece)
            yield piece

    async def _read(self, http: aiohttp.ClientSession) -> None:
        """Reads the binding as the reference phone does: held by the server, never more often than READ_S."""
        loop, path = asyncio.get_running_loop(), "/v1/binding"
        while True:
            asked = loop.time()
            answer = await self._until_done(lambda: self._ask(http, "GET", path, self._phone()))  # noqa: B023
            path = f"/v1/binding?wait={READ_S}&after={answer['position']}"
            await asyncio.sleep(asked + READ_S - loop.time())

    async def _read_clock(self, http: aiohttp.ClientSession) -> None:
        """Every SAMPLE_EVERY_S the next head gets a reading of the server's clock."""
        while True:
            before_ms, wall_ms = _mono_ms(), _wall_ms()
            answer = await self._until_done(lambda: self._ask(http, "GET", "/v1/time", {}))
            rtt_ms = _mono_ms() - before_ms
            self._sample = ClockSample(
                answer["server_time_ms"], before_ms + rtt_ms // 2, wall_ms + rtt_ms // 2, rtt_ms
            )
            await asyncio.sleep(SAMPLE_EVERY_S)

    async def _until_done(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Again and again, as a phone does; what kept it from being done is counted."""
        while True:
            try:
                return await work()
            except PairingError as error:
                self._tally.errors[error.code] += 1
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._tally.errors[type(error).__name__] += 1
            await asyncio.sleep(RETRY_S)

    async def _ask(
        self, http: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str],
        body: object = None,
    ) -> Any:
        async with http.request(
            method, self._base + path, json=body, headers=headers, timeout=_TIMEOUT
        ) as answer:
            if answer.status >= 300:
                raise _refusal(answer.status, await answer.read())
            return await answer.json()

    def _phone(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._bearer}"}

    def _server(self) -> OKPKey:
        if self._server_key is None:
            raise RuntimeError("not bound")
        return self._server_key


def _refusal(status: int, body: bytes) -> PairingError:
    try:
        return PairingError(json.loads(body)["error"], f"HTTP {status}")
    except (ValueError, KeyError):
        return PairingError("internal", f"HTTP {status}")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000
