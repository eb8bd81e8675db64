"""A phone that runs against the small server, and what it said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pairing.errors import PairingError
from phone_client.bind import claim_offer, load_or_make_key, offer_from_link
from phone_client.buffer import Buffer
from phone_client.clock import Clock
from phone_client.phone import Outcome, Phone, PhoneOptions
from phone_client.progress import Snapshot
from phone_client.record import Recorder
from phone_client.server import Server
from tests.phone.fake_server import NOW_MS, FakeServer

MONO_US = 100_000_000
FIRST_US = 1_000_000
FIRST_MS = NOW_MS - (MONO_US - FIRST_US) // 1_000
"""When the recording began, on the server's clock."""


def still_clock() -> Clock:
    """The phone's and the server's clock agree and stand."""
    return Clock(lambda: MONO_US, lambda: NOW_MS, "boot")


@dataclass
class Heard:
    """A view that keeps what was said."""

    said: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, name: str, **_facts: str | int) -> None:
        self.said.append(name)
        self.more.set()

    def refusal(self, error: PairingError) -> None:
        self.refusals.append(error.code)

    def show(self, now: Snapshot) -> None:
        pass


@dataclass
class Running:
    """A phone that runs, and what the test may do to it."""

    phone: Phone
    buffer: Buffer
    heard: Heard
    outcome: asyncio.Task[Outcome]

    async def until_said(self, name: str) -> None:
        async with asyncio.timeout(60):
            while name not in self.heard.said:
                self.heard.more.clear()
                await self.heard.more.wait()

    async def done(self) -> Outcome:
        async with asyncio.timeout(60):
            return await self.outcome


@asynccontextmanager
async def phone(
    server: FakeServer, buffer: Buffer, recorder: Recorder | None = None, **options: Any
) -> AsyncIterator[Running]:
    """A phone that has claimed and runs."""
    key, clock, heard = load_or_make_key(buffer.folder), still_clock(), Heard()
    async with Server(server.base) as reached:
        claim = buffer.ledger.claim
        if claim is None:
            claim = await claim_offer(offer_from_link(server.link), reached, buffer, key, clock)
        reached.authorise(claim["bearer"])
        running = Phone(buffer, reached, key, claim, clock, recorder, heard, PhoneOptions(**options))
        if recorder is not None:
            recorder.start()
        task = asyncio.create_task(running.run())
        try:
            yield Running(running, buffer, heard, task)
        finally:
            running.leave()
            await asyncio.gather(task, return_exceptions=True)
