"""The whole path with Firefox as the phone: WebM with VP8, its own file system, locks and keys.

Firefox's made-up camera has no numbers: what is counted here is what the server measured.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.node import node
from tests.path.rig import Rig, verify

PUPPET = Path(__file__).parent / "puppet.mjs"
PATIENCE_MS = 60_000


class Firefox:
    """The page in Firefox, tapped as a candidate taps."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def order(self, order: str, **given: Any) -> Any:
        """Has one thing done and gives what came of it."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("Firefox is not connected")
        self._process.stdin.write(json.dumps({"order": order, **given}).encode() + b"\n")
        async with asyncio.timeout(2 * PATIENCE_MS / 1000):
            line = await self._process.stdout.readline()
        answer = json.loads(line or '{"error": "Firefox has ended"}')
        if "error" in answer:
            raise RuntimeError(f"{answer['error']}; the page says: {answer.get('at')}")
        return answer["value"]

    async def tap(self, act: str) -> None:
        """Taps the button that does `act`, as soon as it is there."""
        await self.order("tap", css=f'[data-act="{act}"]', patience_ms=PATIENCE_MS)

    async def until(self, name: str, *values: str) -> None:
        """Until the screen's stage or its capture state is one of these."""
        await self.order("root", name=name, values=values, patience_ms=PATIENCE_MS)


@asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[Firefox]:
    process = await asyncio.create_subprocess_exec(
        node(), PUPPET, profile, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Firefox(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        async with asyncio.timeout(60):
            await process.wait()


async def test_the_whole_path_in_firefox(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> None:
    created = await rig.create()
    sitting = created["sitting_id"]
    async with firefox(tmp_path_factory.mktemp("firefox")) as phone:
        await phone.order("open", url=created["link"])
        await phone.until("stage", "consent")
        for subject in ("face", "room"):
            await phone.order("tap", css=f"input[name={subject}]", patience_ms=PATIENCE_MS)
        await phone.tap("consent")
        await phone.until("stage", "preflight")
        await phone.tap("check")
        await phone.tap("start")
        await phone.until("capture", "recording")
        await phone.until("stage", "confirm")
        key = (await rig.server.state(sitting))["claim"]["key"]
        await rig.server.command("confirm", sitting, "--key", key)
        await phone.tap("scan-skip")
        await phone.tap("placed")
        await phone.tap("place-accept")
        await phone.until("stage", "record")
        await rig.server.wait_for_stored(sitting, 3)
        await rig.server.command("end", sitting)
        await phone.tap("stop")
        await phone.until("stage", "decided")
        assert await phone.order("faults") == []

    bundle = await rig.export(sitting)
    assert bundle.verdicts[-1]["word"] == "complete", bundle.verdicts[-1]
    assert {head["container"] for head in bundle.heads.values()} == {"video/webm"}
    assert (await verify(bundle.path)).code == 0
    measured = bundle.bodies("measured")
    assert measured
    assert all(body["measurement"]["problems"] == [] for body in measured), measured
