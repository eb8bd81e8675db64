"""A network that is cut again and again, a server that is killed: all arrives, hardly anything twice."""

from __future__ import annotations

import asyncio
import time

from tests.path.evidence import Bundle
from tests.path.rig import verify
from tests.web.delivery.network import Way
from tests.web.delivery.rig import Rig
from tests.web.delivery.stream import RATE
from tests.web.path.numbers import silences

FILM_S = 24
MOST_SENT = 1.2
"""Bytes on the wire, requests and heads included, for each byte of media."""
STALLED_S = 12
"""Longer than the phone waits for a byte to move."""
HEADS_WITHIN_MS = 10_000
MIDDLE = 100_000
"""So many bytes later an upload is under way."""


async def test_five_cuts_and_a_killed_server_lose_nothing_and_send_little_twice(rig: Rig) -> None:
    phone = await rig.phone()
    created = await rig.sitting()
    sitting = created["sitting_id"]
    shown = await phone.claim(created["link"])
    await rig.confirm(sitting, shown)
    await phone.until("state.stage === 'bound'")
    loaded = rig.network.sent
    ended_ms = time.time_ns() // 1_000_000 + FILM_S * 1_000
    recording = asyncio.create_task(phone.record(0, FILM_S, live=True))

    await rig.network.until_sent(MIDDLE)
    await cut(rig, Way.DOWN, away_s=2)
    await rig.network.until_sent(MIDDLE)
    await cut(rig, Way.BLACK_HOLE, away_s=STALLED_S)
    await rig.network.until_sent(MIDDLE)
    rig.network.rate_bps = 64_000
    await asyncio.sleep(4)
    rig.network.rate_bps = None
    await rig.network.until_sent(MIDDLE)
    await rig.server.kill()
    await asyncio.sleep(1)
    await rig.server.start()
    await rig.network.until_sent(MIDDLE)
    await cut(rig, Way.DOWN, away_s=1)

    await recording
    await rig.server.command("end", sitting, "--at", str(ended_ms))
    await phone.ask("stop", mono_ms=0, wall_ms=0)
    decided = await phone.until("state.verdict !== null")
    assert decided["verdict"]["word"] == "complete"
    bundle = await rig.export(sitting)
    assert [(shown.pictures, shown.missing) for shown in bundle.shown().values()] == [(FILM_S * RATE, ())]
    assert silences(bundle) == []
    assert bundle.undelivered == set()
    assert (await verify(bundle.path)).code == 0
    assert committed_ms(bundle)[0] - captured_ms(bundle)[0] <= HEADS_WITHIN_MS
    media = sum(len(piece) for piece in bundle.media.values())
    assert rig.network.sent - loaded <= MOST_SENT * media


def committed_ms(bundle: Bundle) -> list[int]:
    """When entries were committed."""
    return [event["at_ms"] for event in bundle.events if event["kind"] == "committed"]


def captured_ms(bundle: Bundle) -> list[int]:
    """When the last of each segment was captured."""
    return sorted(
        claims["wall_ms"] + claims["mono_ms"][1] - claims["mono_ms"][0] for claims in bundle.heads.values()
    )


async def cut(rig: Rig, way: Way, away_s: float) -> None:
    """Cuts the network and brings it back."""
    rig.network.cut(way)
    await asyncio.sleep(away_s)
    rig.network.restore()
