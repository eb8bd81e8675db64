"""What a phone goes through: killed browsers, a network that comes and goes, none at all; nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.durability.network import Cut
from tests.path.rig import Rig, verify
from tests.web.path.candidate import Candidate
from tests.web.path.course import bind, finish, go_on, kill, suffer, wall_ms
from tests.web.path.network import PhoneNetwork
from tests.web.path.numbers import lost_pictures, silences

KILLS = 3
BACK_MS = 10_000
"""Within this after reopening, with one tap, it records again."""
LOST_MS = 3_000
"""Most media lost at a kill, besides the time until it records again."""
MOST_SENT = 1.2
"""Bytes on the wire, heads and requests included, for each byte of media."""
CUTS = (
    (Cut.FIN, 8.0, 8.0), (Cut.BLACK_HOLE, 14.0, 8.0), (None, 12.0, 8.0), (Cut.RST, 6.0, 6.0),
    (Cut.BLACK_HOLE, 12.0, 8.0),
)
"""Five in ninety seconds."""


async def test_the_browser_is_killed(rig: Rig, film: tuple[Path, Path]) -> None:
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        sitting = await bind(rig, phone)
        # The pauses put the kills at different places in a segment.
        kills = [await kill(rig, phone, sitting, 0.7 * number) for number in range(1, KILLS + 1)]
        verdict = await finish(rig, phone, sitting)
        assert phone.faults == []

    assert verdict["word"] == "complete", verdict
    bundle = await rig.export(sitting)
    proven = await verify(bundle.path)
    assert proven.code == 0, proven.output
    gaps = bundle.verdicts[-1]["gaps"]
    assert [gap["cause"] for gap in gaps] == ["crash"] * KILLS
    assert max(one.took_ms for one in kills) <= BACK_MS
    assert max(one.lost_ms(gap) for one, gap in zip(kills, gaps, strict=True)) <= LOST_MS, (kills, gaps)
    assert lost_pictures(bundle) == []
    assert silences(bundle) == []


async def test_five_cuts_of_the_network_in_ninety_seconds(rig: Rig, film: tuple[Path, Path]) -> None:
    network = PhoneNetwork(rig.server.port)
    await network.start()
    origin = f"http://127.0.0.1:{network.port}"
    try:
        async with Candidate(rig.folder / "profile", film, origin) as phone:
            sitting = await bind(rig, phone, origin=origin, recording=network.count_anew)
            await suffer(network, CUTS)
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
    assert silences(bundle) == []
    media = sum(len(piece) for piece in bundle.media.values())
    assert network.sent <= MOST_SENT * media, (network.sent, media)


async def test_offline_from_before_the_start_until_after_the_end(
    rig: Rig, film: tuple[Path, Path]
) -> None:
    start_ms = wall_ms() + 40_000
    policy = '{"max_gap_s": 30, "checks": {"scan": "review"}}'
    window = ("--start", str(start_ms), "--end", str(start_ms + 30_000), "--policy", policy)
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        sitting = await bind(rig, phone, *window)
        rig.network.cut()
        await phone.until_capture("offline")
        await until(start_ms + 6_000)
        await phone.page.reload()
        await go_on(phone, "offline")
        await asyncio.sleep(5)  # something recorded between the reload and the kill
        await phone.kill()
        await phone.start()
        await phone.open()
        await go_on(phone, "offline")
        await until(start_ms + 33_000)
        await rig.server.command("end", sitting)  # which the phone learns when the network is back
        rig.network.restore()
        await phone.stop_at_the_end()
        await phone.until_stage("decided")
        verdict = (await rig.server.state(sitting))["verdict"]
        assert phone.faults == []

    assert verdict["word"] == "complete", verdict
    bundle = await rig.export(sitting)
    assert "committed_late" in {item["code"] for item in bundle.verdicts[-1]["review"]}
    assert lost_pictures(bundle) == []
    assert silences(bundle) == []


async def until(moment_ms: int) -> None:
    """Until the exam's own times."""
    await asyncio.sleep(max(0, moment_ms - wall_ms()) / 1000)
