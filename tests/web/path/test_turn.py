"""A turn around the room through browser and server: its notes, and how the phone pointed, as evidence."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.path.rig import Rig, verify
from tests.web.path.candidate import Candidate
from tests.web.path.course import finish

STEPS = 9
STEP_DEG = 10
#: Turned no faster than this, the steps are 40 degrees a second.
STEP_S = 0.25


async def test_how_the_phone_pointed_is_evidence_beside_the_recording(
    rig: Rig, film: tuple[Path, Path]
) -> None:
    created = await rig.create()
    sitting = created["sitting_id"]
    async with Candidate(rig.folder / "profile", film, rig.server.public_url) as phone:
        await phone.open(created["link"])
        await phone.consent()
        await phone.begin_recording()
        key = (await rig.server.state(sitting))["claim"]["key"]
        await rig.server.command("confirm", sitting, "--key", key)
        await phone.until_stage("scan")
        await phone.tap("scan-begin")
        await turn(phone)
        await phone.tap("scan-end")
        # Whatever the server says of such a turn: the recording goes on all the while.
        await phone.until_capture("recording")
        stored = (await rig.server.state(sitting))["phone"]["segments"]["stored"]
        await rig.server.wait_for_stored(sitting, stored + 2)
        await finish(rig, phone, sitting)
        assert phone.faults == []

    bundle = await rig.export(sitting)
    assert (await verify(bundle.path)).code == 0
    entries = list(bundle.entries.values())
    [head] = [entry for entry in entries if entry.get("source") == "orientation"]
    samples = json.loads(bundle.runs()[head["run"]])["samples"]
    moments = [mono_ms for mono_ms, *_ in samples]
    assert moments == sorted(set(moments))
    assert [moments[0], moments[-1]] == head["mono_ms"]
    assert {-step * STEP_DEG % 360 for step in range(STEPS)} <= {alpha for _, alpha, *_ in samples}
    begin, end = (one for one in entries if one.get("note") in {"scan_begin", "scan_end"})
    assert begin["mono_ms"] <= moments[0]
    assert moments[-1] <= end["mono_ms"]
    assert begin["run"] == end["run"] != head["run"]
    # Who reads that the turn is over knows of all that belongs to it.
    assert entries.index(head) < entries.index(end)


async def turn(phone: Candidate) -> None:
    """To the right, from north on, the phone upright."""
    devtools = await phone.page.context.new_cdp_session(phone.page)
    for step in range(STEPS):
        angles = {"alpha": -step * STEP_DEG % 360, "beta": 90, "gamma": 0}
        await devtools.send("DeviceOrientation.setDeviceOrientationOverride", angles)
        await asyncio.sleep(STEP_S)
