"""An ordeal: one sitting whose server, phone and network fail again and again, and what must hold afterwards.

Server, phone and network are the real processes; blows fall at moments that a seed decides, each of the three
taking its own one after another, so that they overlap as they like.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from demo.commands import DemoError, Phone, Server
from tests.durability.network import Cut, LossyNetwork
from tests.path.evidence import Bundle, PhoneFolder, claims_of
from tests.path.rig import run, verify

POLICY = {"max_gap_s": 3600, "max_gap_total_s": 7200, "checks": {"scan": "review"}}
"""Gaps are listed, long ones forgiven: how long a busy machine takes to start a phone is not the point."""
TRAFFIC_S = 3.0
"""How long a blow that is to fall into traffic waits for some."""
CLOCK_SLACK_MS = 1_500
"""What lies between the kill and the newest slice that was durable: a slice, and the phone's idea of time."""


@dataclass(frozen=True)
class Blow:
    """What fails at `at_s` after the confirm, and for how long it stays `away_s`.

    `in_traffic`: it waits for something of the phone's to pass, and falls then.  `again_s`: the server is
    killed once more, so long after it was started again."""

    at_s: float
    away_s: float
    in_traffic: bool = False
    again_s: float | None = None
    cut: Cut | None = None


@dataclass(frozen=True)
class Plan:
    """Blows for each of the three, and one for the server after the exam's end."""

    seconds: float
    server: tuple[Blow, ...]
    phone: tuple[Blow, ...]
    network: tuple[Blow, ...]
    after_end_s: float

    @classmethod
    def of_seed(cls, seed: int, seconds: float, *, kills: int, phone_kills: int, cuts: int) -> Plan:
        """So many of each, the same for the same seed; at least one kill falls after the end."""
        chance = Random(seed)

        def moments(count: int) -> Iterable[float]:
            return sorted(chance.uniform(0.5, seconds - 1) for _ in range(count))

        server, left = [], kills - 1
        while left > 0:
            twice = left > 1 and chance.random() < 0.2
            server.append(Blow(
                0, chance.uniform(0, 1), chance.random() < 0.6, chance.uniform(0, 1.5) if twice else None
            ))
            left -= 2 if twice else 1
        server = [
            Blow(at_s, blow.away_s, blow.in_traffic, blow.again_s)
            for at_s, blow in zip(moments(len(server)), server, strict=True)
        ]
        phone = [Blow(at_s, chance.uniform(0, 1), chance.random() < 0.5) for at_s in moments(phone_kills)]
        kinds = list(Cut)
        network = [
            Blow(at_s, chance.uniform(1, 5), chance.random() < 0.6, cut=kinds[number % len(kinds)])
            for number, at_s in enumerate(moments(cuts))
        ]
        return cls(seconds, tuple(server), tuple(phone), tuple(network), chance.uniform(0, 1.5))


@dataclass
class Struck:
    """What really fell: a phone that has ended cannot be killed."""

    server: int = 0
    phone_ms: list[int] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ending:
    """What is left when all is over: what was promised, and what is there."""

    struck: Struck
    held: PhoneFolder
    bundle: Bundle
    overheard: LossyNetwork
    exit_code: int
    proof: int
    checked: dict[str, Any]

    @property
    def verdict(self) -> dict[str, Any]:
        """The newest verdict's claims."""
        return self.bundle.verdicts[-1]

    @property
    def acknowledged(self) -> set[str]:
        """Entries that an acknowledgement names which has left the server."""
        overheard = (claims_of(record)["entries"] for record in self.overheard.acknowledgements)
        return self.held.acknowledged.union(*overheard)

    @property
    def receipts(self) -> dict[str, str]:
        """Receipts that have left the server, by their head."""
        overheard = {claims_of(record)["head"]: record for record in self.overheard.receipts}
        return overheard | self.held.receipts

    @property
    def lost(self) -> set[str]:
        """What was promised and is not in the bundle, byte for byte."""
        media = {self.bundle.heads[head]["sha256"] for head in self.receipts if head in self.bundle.heads}
        return (
            (self.acknowledged - set(self.bundle.entries))
            | {head for head, receipt in self.receipts.items() if self.bundle.receipts.get(head) != receipt}
            | (media - self.bundle.stored)
        )

    @property
    def unexplained(self) -> list[int]:
        """Moments at which a phone was killed, before the end, that no gap of the verdict holds."""
        end_ms = self.bundle.bodies("ended")[-1]["end_ms"]
        gaps = [(gap["start_ms"], gap["end_ms"]) for gap in self.verdict["gaps"]]
        return [
            moment for moment in self.struck.phone_ms
            if moment < end_ms - CLOCK_SLACK_MS
            and not any(start - CLOCK_SLACK_MS <= moment <= end + CLOCK_SLACK_MS for start, end in gaps)
        ]


class Ordeal:
    """Use: `await Ordeal(folder, camera, plan).undergo()`; everything lies in `folder`."""

    def __init__(self, folder: Path, camera: Path, plan: Plan, say: Console | None = None) -> None:
        self._folder = folder
        self._camera = camera
        self._plan = plan
        self._say = say or Console(width=200)
        self._network = LossyNetwork(target=0)
        self._struck = Struck()

    async def undergo(self) -> Ending:
        """Goes through all of it and looks at what is left."""
        async with AsyncExitStack() as stack:
            await self._network.start()
            stack.push_async_callback(self._network.stop)
            public = f"http://127.0.0.1:{self._network.port}"
            self._server = Server(self._say, self._folder / "data", public)
            stack.push_async_callback(self._server.stop)
            await self._server.start()
            self._network.target = self._server.port
            created = await self._server.command_json("sitting", "--policy", json.dumps(POLICY), "--json")
            sitting: str = created["sitting_id"]
            stack.push_async_callback(self._end_phone)
            self._phone = self._new_phone(created["link"])
            await self._phone.start()
            shown = await self._phone.shown()
            await self._server.command("confirm", sitting, "--key", shown.key)
            await self._strike(created["link"])
            await self._end_exam(sitting)
            code = await self._phone.finished()
            path = self._folder / f"{sitting}.bundle.zip"
            await self._server.command("export", sitting, "--out", str(path))
        checked = await run("evidence_server", "check", "--data", str(self._server.data), "--json")
        proof = await verify(path)
        return Ending(
            self._struck, PhoneFolder(self._folder / "phone"), Bundle(path), self._network, code, proof.code,
            json.loads(checked.output),
        )

    def _new_phone(self, link: str) -> Phone:
        return Phone(
            self._say, "--link", link, "--camera", str(self._camera),
            "--buffer", str(self._folder / "phone"), "--lang", "en", "--json",
        )

    async def _end_phone(self) -> None:
        await self._phone.kill()

    async def _end_exam(self, sitting: str) -> None:
        await self._server.command("end", sitting)
        await asyncio.sleep(self._plan.after_end_s)
        await self._kill_server(Blow(0, 0))

    # --- blows -------------------------------------------------------------------------------------------

    async def _strike(self, link: str) -> None:
        """All blows; returns when the time of recording is over, everything running again."""
        self._began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._strike_server())
            group.create_task(self._strike_phone(link))
            group.create_task(self._strike_network())
            group.create_task(self._until(self._plan.seconds))

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self._began + at_s - asyncio.get_running_loop().time()))

    async def _wait_for(self, blow: Blow) -> None:
        await self._until(blow.at_s)
        if blow.in_traffic:
            self._network.passing.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._network.passing.wait(), TRAFFIC_S)

    async def _strike_server(self) -> None:
        for blow in self._plan.server:
            await self._wait_for(blow)
            await self._kill_server(blow)

    async def _kill_server(self, blow: Blow) -> None:
        await self._server.kill()
        self._struck.server += 1
        if blow.again_s is not None:
            killed = self._server.process
            starting = asyncio.create_task(self._server.start())
            await asyncio.wait({starting}, timeout=blow.again_s)
            while self._server.process is killed:  # noqa: ASYNC110  a process tells of no birth
                await asyncio.sleep(0.01)
            await self._server.kill()
            self._struck.server += 1
            with contextlib.suppress(DemoError):
                await starting
        await asyncio.sleep(blow.away_s)
        await self._server.start()

    async def _strike_phone(self, link: str) -> None:
        for blow in self._plan.phone:
            await self._wait_for(blow)
            self._struck.phone_ms.append(time.time_ns() // 1_000_000)
            await self._phone.kill()
            await asyncio.sleep(blow.away_s)
            self._phone = self._new_phone(link)
            await self._phone.start()

    async def _strike_network(self) -> None:
        for blow in self._plan.network:
            await self._wait_for(blow)
            cut = blow.cut or Cut.RST
            self._network.cut(cut)
            self._struck.cuts.append(cut.value)
            await asyncio.sleep(blow.away_s)
            self._network.restore()
