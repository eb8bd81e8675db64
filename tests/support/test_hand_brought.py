"""A phone that never reached the server again, its file brought by hand, a second phone: real processes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo.camera import render
from demo.commands import Phone
from tests.path.evidence import Bundle
from tests.path.rig import Rig, run, verify

POLICY = {"max_gap_s": 50, "max_gap_total_s": 50, "checks": {"committed_late": "required", "scan": "review"}}
ALONE = 3
"""Segments that the first phone records."""


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    camera = tmp_path / "camera.mp4"
    render(camera, seconds=30, rate=15, width=320, height=240)
    async with Rig(tmp_path, camera) as started:
        yield started


def _second_phone(rig: Rig, link: str) -> Phone:
    return Phone(
        Console(width=200), "--link", link, "--camera", str(rig.camera), "--buffer",
        str(rig.folder / "second"), "--lang", "en", "--json",
    )


def _decided(version: int) -> Any:
    return lambda state: bool(state["verdict"]) and state["verdict"]["version"] >= version


async def test_a_carry_file_and_a_second_phone_make_the_evidence_complete(rig: Rig) -> None:
    sitting = (created := await rig.create("--policy", json.dumps(POLICY)))["sitting_id"]
    first = await rig.start_phone("--link", created["link"])
    await rig.confirm(sitting, first)
    async with rig.network.in_the_middle_of_an_upload():
        rig.network.cut()
    await rig.until_recorded(ALONE)
    await first.kill()

    file = rig.folder / "carry.zip"
    carried = await run("phone_client", "carry", str(file), "--buffer", str(rig.buffer), "--lang", "en")
    assert carried.code == 0, carried
    held = rig.held()
    assert held.receipts == {}

    rig.network.restore()
    opened = await rig.server.command_json(
        "rebind", sitting, "--reason", "the phone has no network", "--json"
    )
    second = _second_phone(rig, opened["link"])
    async with AsyncExitStack() as ending:
        ending.push_async_callback(second.kill)
        await second.start()
        await rig.confirm(sitting, second)
        accepted = await rig.server.command_json(
            "accept", sitting, str(file), "--reason", "brought by the candidate", "--json"
        )
        assert (accepted["stored"], accepted["left"], accepted["manifest"]) == (len(held.segments), 0, True)
        await rig.server.wait_for_stored(sitting, 1)
        await rig.server.command("end", sitting)
        assert await second.finished() == 1

    # The policy requires that heads come in time: these did not, and support may say that it does not matter.
    bundle = await rig.export(sitting)
    (verdict,) = bundle.verdicts
    assert {reason["code"] for reason in verdict["reasons"]} == {"committed_late"}
    assert (await verify(bundle.path)).code == 1
    await rig.server.command("waive", sitting, "--code", "committed_late", "--reason", "no network there")
    await rig.server.until(sitting, _decided(2))
    bundle = await rig.export(sitting)
    proof = await verify(bundle.path)
    assert proof.code == 0, proof
    assert bundle.verdicts[-1]["waived"] == ["committed_late"]
    _require_both(bundle, {segment["sha256"] for segment in held.segments})


def _require_both(bundle: Bundle, carried: set[str]) -> None:
    """Both generations are in it, the first with everything that was carried."""
    assert {name.split("/")[1] for name in bundle.media} == {"1", "2"}
    assert carried <= bundle.stored
    assert [generation["generation"] for generation in bundle.verdicts[-1]["generations"]] == [1, 2]
    reasons = [
        body["reason"] for kind in ("rebind_opened", "accepted", "waived") for body in bundle.bodies(kind)
    ]
    assert reasons == ["the phone has no network", "brought by the candidate", "no network there"]
