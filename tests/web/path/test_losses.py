"""What a phone goes through: killed browsers, a network that comes and goes, none at all; nothing is lost."""

from __future__ import annotations

import asyncio
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.durability.network import Cut
from tests.path.rig import Rig, verify
from tests.web.path.candidate import Candidate
from tests.web.path.network import PhoneNetwork
from tests.web.path.numbers import lost_pictures

KILLS = 3
BACK_MS = 10_000
"""Within this after reopening, with one tap, it records again."""
LOST_MS = 3_000
"""Most media lost at a kill, besides the time until it records again."""
CUTS = (Cut.FIN, Cut.BLACK_HOLE, None, Cut.RST, Cut.BLACK_HOLE)
"""The five of 90 seconds; None: a line of 64 kbit/s."""


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


async def bind(rig: Rig, phone: Candidate, *options: str) -> str:
    """A sitting, and the phone bound to it and recording."""
    created = await rig.create(*options)
    await phone.open(created["link"])
    await phone.consent()
    await phone.begin_recording()
    key = (await rig.server.state(created["sitting_id"]))["claim"]["key"]
    await rig.server.command("confirm", created["sitting_id"], "--key", key)
    await phone.settle_in()
    return str(created["sitting_id"])


async def finish(rig: Rig, phone: Candidate, sitting: str) -> dict[str, Any]:
    """The exam ends; the verdict, which the phone shows, too."""
    await rig.server.command("end", sitting)
    await phone.tap("stop")
    await phone.until_stage("decided")
    verdict: dict[str, Any] = (await rig.server.state(sitting))["verdict"]
    return verdict


async def test_the_browser_is_killed(rig: Rig, film: tuple[Path, Path]) -> None:
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        sitting = await bind(rig, phone)
        killed: list[tuple[int, int]] = []
        for seconds in range(1, KILLS + 1):
            stored = (await rig.server.state(sitting))["phone"]["segments"]["stored"]
            await rig.server.wait_for_stored(sitting, stored + 1)
            await asyncio.sleep(seconds * 0.7)  # the moments of the kills, at different places in a segment
            killed_ms = wall_ms()
            await phone.kill()
            await phone.start()
            reopened_ms = wall_ms()
            await phone.open()
            await phone.until_capture("interrupted")
            await phone.tap("tap")
            await phone.until_capture("recording")
            back_ms = wall_ms()
            assert back_ms - reopened_ms <= BACK_MS
            killed.append((killed_ms, back_ms))
        verdict = await finish(rig, phone, sitting)
        assert phone.faults == []

    assert verdict["word"] == "complete", verdict
    bundle = await rig.export(sitting)
    proven = await verify(bundle.path)
    assert proven.code == 0, proven.output
    gaps = bundle.verdicts[-1]["gaps"]
    assert [gap["cause"] for gap in gaps] == ["crash"] * KILLS
    for gap, (killed_ms, back_ms) in zip(gaps, killed, strict=True):
        assert gap["start_ms"] >= killed_ms - LOST_MS, (gap, killed_ms)
        assert gap["end_ms"] <= back_ms + gap["uncertainty_ms"] + 1_000, (gap, back_ms)
    assert lost_pictures(bundle) == []


async def test_five_cuts_of_the_network_in_ninety_seconds(rig: Rig, film: tuple[Path, Path]) -> None:
    network = PhoneNetwork(rig.server.port)
    await network.start()
    origin = f"http://127.0.0.1:{network.port}"
    try:
        async with Candidate(rig.folder / "profile", film, origin) as phone:
            created = await rig.create()
            sitting = created["sitting_id"]
            await phone.open(created["link"].replace(rig.server.public_url, origin))
            await phone.consent()
            await phone.begin_recording()
            key = (await rig.server.state(sitting))["claim"]["key"]
            await rig.server.command("confirm", sitting, "--key", key)
            await phone.settle_in()
            for cut, seconds in zip(CUTS, cycle((8, 12, 10)), strict=False):
                if cut is None:
                    network.slow = True
                else:
                    network.cut(cut)
                await asyncio.sleep(seconds)
                network.slow = False
                network.restore()
                await asyncio.sleep(8)
            verdict = await finish(rig, phone, sitting)
            assert phone.faults == []
    finally:
        await network.stop()

    assert (verdict["word"], verdict["missing"]) == ("complete", []), verdict
    bundle = await rig.export(sitting)
    assert bundle.verdicts[-1]["gaps"] == []
    assert bundle.undelivered == set()
    assert list(bundle.runs()) == [1]
    assert lost_pictures(bundle) == []
    media = sum(len(piece) for piece in bundle.media.values())
    assert network.sent <= 1.2 * media


async def test_offline_from_before_the_start_until_after_the_end(
    rig: Rig, film: tuple[Path, Path]
) -> None:
    start_ms = wall_ms() + 25_000
    window = ("--start", str(start_ms), "--end", str(start_ms + 30_000), "--policy", '{"max_gap_s": 30}')
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        sitting = await bind(rig, phone, *window)
        rig.network.cut()
        await phone.until_capture("offline")
        await until(start_ms + 6_000)
        await phone.page.reload()
        await phone.until_capture("interrupted")
        await phone.tap("tap")
        await phone.until_capture("offline")
        await asyncio.sleep(5)
        await phone.kill()
        await phone.start()
        await phone.open()
        await phone.until_capture("interrupted")
        await phone.tap("tap")
        await phone.until_capture("offline")
        await until(start_ms + 33_000)
        rig.network.restore()
        await phone.tap("stop")
        await phone.until_stage("decided")
        verdict = (await rig.server.state(sitting))["verdict"]
        assert phone.faults == []
    assert verdict["word"] == "complete", verdict
    bundle = await rig.export(sitting)
    assert "committed_late" in {item["code"] for item in bundle.verdicts[-1]["review"]}
    assert lost_pictures(bundle) == []


async def until(moment_ms: int) -> None:
    """Until the wall clock says so: the exam's own times."""
    await asyncio.sleep(max(0, moment_ms - wall_ms()) / 1000)
