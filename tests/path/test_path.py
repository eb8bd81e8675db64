"""The whole path once, undisturbed, with public commands only; each test looks at one promise of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.path.evidence import Bundle, PhoneFolder, claims_of
from tests.path.rig import Rig, verify

pytestmark = pytest.mark.asyncio(loop_scope="module")

IN_SYNC_MS = 100
SEGMENTS = 2


@dataclass(frozen=True)
class Walk:
    """A sitting that has gone all its way to the verdict."""

    rig: Rig
    created: dict[str, Any]
    exit_code: int
    printed: str
    lines: list[str]
    streamed: list[dict[str, Any]]
    held: PhoneFolder
    bundle: Bundle
    jwks: Path

    @property
    def told(self) -> dict[str, Any]:
        """The phone's --json object."""
        told: dict[str, Any] = json.loads(self.printed)
        return told


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def walk(tmp_path_factory: pytest.TempPathFactory, camera: Path) -> AsyncIterator[Walk]:
    async with Rig(tmp_path_factory.mktemp("walk"), camera) as rig:
        created = await rig.create("--exam", "Oral assessment 综合素质评估")
        sitting = created["sitting_id"]
        streaming = asyncio.create_task(_until_decided(rig, sitting, created["page_token"]))
        phone = await rig.start_phone("--link", created["link"])
        await rig.confirm(sitting, phone)
        await rig.server.wait_for_stored(sitting, SEGMENTS)
        await rig.server.command("end", sitting)
        code = await phone.finished()
        jwks = rig.folder / "jwks.json"
        jwks.write_text(json.dumps(await rig.server.jwks()))
        yield Walk(
            rig, created, code, phone.printed, phone.lines, await streaming, rig.held(),
            await rig.export(sitting), jwks,
        )


async def _until_decided(rig: Rig, sitting: str, token: str) -> list[dict[str, Any]]:
    states = []
    async with asyncio.timeout(120), aclosing(rig.server.states(sitting, token)) as stream:
        async for state in stream:
            states.append(state)
            if state["verdict"]:
                break
    return states


async def test_the_phone_ends_with_complete(walk: Walk) -> None:
    state = await walk.rig.server.state(walk.created["sitting_id"])
    assert walk.exit_code == 0
    assert "verdict: complete" in walk.lines
    assert walk.told["verdict"] == state["verdict"]["word"] == "complete"
    assert (state["verdict"]["reasons"], state["gaps"], state["missing"]) == ([], [], [])


async def test_the_phone_prints_one_object(walk: Walk) -> None:
    assert walk.printed.count("\n") == 1
    assert walk.told["sitting_id"] == walk.created["sitting_id"]
    segments = walk.told["segments"]
    assert segments["recorded"] == segments["committed"] == len(walk.held.segments)
    assert segments["stored"] == len(walk.held.receipts) >= SEGMENTS
    assert segments["owed"] == 0


async def test_the_bundle_proves_itself_in_an_empty_folder(walk: Walk) -> None:
    proof = await verify(walk.bundle.path, "--jwks", str(walk.jwks))
    assert proof.code == 0, proof
    assert proof.output.splitlines()[-1] == "verdict: complete"


async def test_a_bundle_without_known_keys_says_so(walk: Walk) -> None:
    proof = await verify(walk.bundle.path, "--json")
    told = json.loads(proof.output)
    assert proof.code == 0
    assert (told["holds"], told["trusted"], told["verdict"]) == (True, False, "complete")


async def test_everything_acknowledged_is_in_the_bundle(walk: Walk) -> None:
    assert walk.held.acknowledged == set(walk.bundle.entries)
    assert walk.held.receipts == walk.bundle.receipts
    assert walk.bundle.stored == {walk.bundle.heads[head]["sha256"] for head in walk.held.receipts}
    assert walk.bundle.undelivered == set()


async def test_stored_pictures_are_the_cameras(walk: Walk) -> None:
    (shown,) = walk.bundle.shown().values()
    assert (shown.first, shown.missing, shown.repeated) == (0, (), ())
    assert (shown.disordered, shown.unreadable) == (0, 0)
    times = [walk.bundle.heads[head]["media_us"] for head in walk.bundle.receipts]
    recorded_us = max(end for _, end in times) - min(start for start, _ in times)
    assert shown.pictures == pytest.approx(recorded_us * 15 / 1_000_000, abs=2)


async def test_stored_sound_is_in_sync(walk: Walk) -> None:
    (shown,) = walk.bundle.shown().values()
    assert shown.beeps >= shown.pictures // 15
    assert shown.sound_offset_worst_ms is not None
    assert abs(shown.sound_offset_worst_ms) <= IN_SYNC_MS


async def test_the_event_stream_tells_every_stage(walk: Walk) -> None:
    stages = list(dict.fromkeys(state["stage"] for state in walk.streamed))
    assert stages == ["offered", "claimed", "bound", "ended", "decided"]
    stored = [state["phone"]["segments"]["stored"] for state in walk.streamed if state["phone"]]
    assert stored == sorted(stored)
    assert stored[-1] == len(walk.bundle.media)


async def test_a_read_waits_from_a_position(walk: Walk) -> None:
    headers = {"Authorization": f"Bearer {walk.held.bearer}"}
    async with aiohttp.ClientSession(walk.rig.server.url, headers=headers) as http:

        async def read(**query: int) -> dict[str, Any]:
            async with asyncio.timeout(20), http.get("/v1/binding", params=query) as answer:
                told: dict[str, Any] = await answer.json()
                return told

        now = await read()
        missed = await read(wait=25, after=now["position"] - 1)
        assert missed["position"] == now["position"]
        waiting = asyncio.create_task(read(wait=25, after=now["position"] + 10_000))
        assert (await read(wait=1, after=now["position"]))["position"] == now["position"]
        assert not waiting.done()
        waiting.cancel()
        async with http.get("/v1/binding", params={"wait": 1, "after": "-1"}) as refused:
            assert (refused.status, (await refused.json())["error"]) == (400, "malformed")


async def test_media_stays_on_the_phone_until_its_release(walk: Walk) -> None:
    sitting, rig = walk.created["sitting_id"], walk.rig
    recorded = sum(segment["length"] for segment in walk.held.segments)
    assert sum(walk.held.media.values()) == recorded

    again = await rig.start_phone("--link", walk.created["link"])
    assert await again.finished() == 0
    assert rig.held().media == walk.held.media

    await rig.server.command("publish", sitting)
    after = await rig.start_phone("--link", walk.created["link"])
    assert await after.finished() == 0
    told = json.loads(after.printed)
    # What began after the end was never uploaded; it goes too, and not before.
    assert (told["bytes_freed"], told["bytes_held"]) == (recorded, 0)
    assert told["verdict"] == "complete"
    assert rig.held().media == {}
    released = (await rig.export(sitting)).bodies("released")
    named = [head for body in released for head in claims_of(body["release"])["heads"]]
    assert sorted(named) == sorted(walk.held.receipts)
