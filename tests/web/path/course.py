"""What a candidate goes through with the phone's browser, step by step; for the tests and for bench/."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.durability.network import Cut
from tests.path.rig import Rig
from tests.web.path.candidate import Candidate
from tests.web.path.network import PhoneNetwork


def wall_ms() -> int:
    """This machine's clock, which server and browser share."""
    return time.time_ns() // 1_000_000


async def bind(
    rig: Rig, phone: Candidate, *options: str, origin: str = "", recording: Callable[[], None] = lambda: None
) -> str:
    """A sitting, and the phone bound to it and recording.

    `origin` stands for the server's address; `recording` is called once it records, before it sends."""
    created = await rig.create(*options)
    link = created["link"]
    await phone.open(link.replace(rig.server.public_url, origin) if origin else link)
    await phone.consent()
    await phone.begin_recording()
    recording()
    key = (await rig.server.state(created["sitting_id"]))["claim"]["key"]
    await rig.server.command("confirm", created["sitting_id"], "--key", key)
    await phone.settle_in()
    return str(created["sitting_id"])


async def go_on(phone: Candidate, word: str = "recording") -> None:
    """The one tap after a reload or a kill."""
    await phone.until_capture("interrupted")
    await phone.tap("tap")
    await phone.until_capture(word)


async def finish(rig: Rig, phone: Candidate, sitting: str) -> dict[str, Any]:
    """The exam ends; the verdict, once the phone shows that there is one."""
    await rig.server.command("end", sitting)
    await phone.stop_at_the_end()
    await phone.until_stage("decided")
    verdict: dict[str, Any] = (await rig.server.state(sitting))["verdict"]
    return verdict


@dataclass(frozen=True)
class Kill:
    """When the browser was killed, was there again, and recorded again."""

    killed_ms: int
    reopened_ms: int
    back_ms: int

    @property
    def took_ms(self) -> int:
        """From reopening, with one tap, until it recorded."""
        return self.back_ms - self.reopened_ms

    def lost_ms(self, gap: dict[str, Any]) -> int:
        """Media lost besides the time until it recorded again."""
        return int(max(0, self.killed_ms - gap["start_ms"]) + max(0, gap["end_ms"] - self.back_ms))


async def kill(rig: Rig, phone: Candidate, sitting: str, pause_s: float) -> Kill:
    """Kills the browser `pause_s` after another segment was stored, and goes on."""
    stored = (await rig.server.state(sitting))["phone"]["segments"]["stored"]
    await rig.server.wait_for_stored(sitting, stored + 1)
    await asyncio.sleep(pause_s)
    killed_ms = wall_ms()
    await phone.kill()
    await phone.start()
    reopened_ms = wall_ms()
    await phone.open()
    await go_on(phone)
    return Kill(killed_ms, reopened_ms, wall_ms())


async def suffer(network: PhoneNetwork, cuts: Sequence[tuple[Cut | None, float, float]]) -> None:
    """The network fails in this way, for so long, and then holds for so long; None is a line of 64 kbit/s."""
    for cut, away_s, back_s in cuts:
        if cut is None:
            network.slow = True
        else:
            network.cut(cut)
        await asyncio.sleep(away_s)
        network.slow = False
        network.restore()
        await asyncio.sleep(back_s)
