"""A page that is really hidden and seen again, which also takes its wake lock away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.web.capture.rig import NOTICED_MS, serving, static_files
from tests.web.capture.window import window

HIDDEN_MS = 6_000


async def test_hidden_and_seen_again(devices: tuple[Path, Path]) -> None:
    async with serving(static_files()) as origin:
        seen = await asyncio.to_thread(hide_and_show, origin, *devices)
    begun, ended = [call for call in seen["calls"] if call["argument"].get("cause") == "hidden"]
    assert [note["argument"]["note"] for note in (begun, ended)] == ["gap_begin", "gap_end"]
    assert ended["at_ms"] - begun["at_ms"] >= HIDDEN_MS - NOTICED_MS
    assert begun["at_ms"] - seen["before_ms"] <= NOTICED_MS
    # Chromium records on while it is hidden: all of it is one run, and slices came meanwhile.
    assert seen["runs"] == 1
    assert any(
        call["call"] == "slice" and begun["at_ms"] < call["at_ms"] < ended["at_ms"] for call in seen["calls"]
    )
    assert "lost" in seen["wakes"]
    assert "red" not in seen["said"]


def hide_and_show(origin: str, camera: Path, sound: Path) -> dict[str, Any]:
    """What the page's rig saw of being hidden; returns when the recording is well and awake again."""
    well = "rig.plain.doing === 'recording' && !rig.plain.cause && rig.plain.wake === 'held'"
    with window(origin, camera, sound) as one:
        one.do("rig.capture.start()")
        one.until(well)
        before_ms = one.do("rig.clock.mono()")
        one.hide_for(HIDDEN_MS)
        one.until(well)
        seen: dict[str, Any] = one.do(
            "{calls: rig.keeper.calls, runs: rig.keeper.runs.length, said: rig.said,"
            " wakes: rig.states.map(({wake}) => wake)}"
        )
        return {**seen, "before_ms": before_ms}
