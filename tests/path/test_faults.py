"""What is killed or cut on the way loses nothing that was acknowledged.  Moments are chosen by events."""

from __future__ import annotations

import json
import signal
from typing import Any

from demo.commands import Phone
from demo.frames import Count
from tests.path.evidence import Bundle, PhoneFolder
from tests.path.rig import Rig, run, verify

PATIENT = {"max_gap_s": 60, "max_gap_total_s": 120, "checks": {"scan": "review"}}
"""A phone on a busy machine may take some seconds to start again."""
IN_SYNC_MS = 100


async def begin(rig: Rig, policy: dict[str, Any] | None = None) -> tuple[dict[str, Any], Phone]:
    """A sitting whose phone has recorded and delivered its first segment."""
    created = await rig.create("--policy", json.dumps(policy or {"checks": {"scan": "review"}}))
    phone = await rig.start_phone("--link", created["link"])
    await rig.confirm(created["sitting_id"], phone)
    await rig.server.wait_for_stored(created["sitting_id"], 1)
    return created, phone


async def finish(rig: Rig, sitting: str, phone: Phone, segments: int) -> tuple[int, Bundle]:
    """Record until so many segments are stored, end, wait for the phone; its exit code and the bundle."""
    await rig.server.wait_for_stored(sitting, segments)
    await rig.server.command("end", sitting)
    code = await phone.finished()
    return code, await rig.export(sitting)


def lost(held: PhoneFolder, bundle: Bundle) -> set[str]:
    """What the phone was promised to be safe and the bundle does not have."""
    promised = {segment["sha256"] for segment in held.segments if _has_receipt(segment, held, bundle)}
    return (
        (held.acknowledged - set(bundle.entries))
        | {head for head, receipt in held.receipts.items() if bundle.receipts.get(head) != receipt}
        | (promised - bundle.stored)
    )


def _has_receipt(segment: Any, held: PhoneFolder, bundle: Bundle) -> bool:
    heads = {claims["sha256"]: name for name, claims in bundle.heads.items()}
    return heads.get(segment["sha256"]) in held.receipts


def faults(shown: Count) -> dict[str, object]:
    """What is wrong with the pictures of one run, which begins with the camera file's first."""
    return {
        name: value
        for name, value in {
            "begins at": shown.first, "missing": shown.missing, "repeated": shown.repeated,
            "disordered": shown.disordered, "unreadable": shown.unreadable,
        }.items()
        if value
    }


async def test_server_killed_in_the_middle_of_an_upload(rig: Rig) -> None:
    created, phone = await begin(rig)
    async with rig.network.in_the_middle_of_an_upload() as address:
        await rig.server.kill()
    before = rig.held()
    assert before.heads[address] in before.acknowledged
    assert before.heads[address] not in before.receipts

    await rig.server.start()
    code, bundle = await finish(rig, created["sitting_id"], phone, len(before.receipts) + 1)

    assert code == 0
    assert lost(before, bundle) == set()
    assert lost(rig.held(), bundle) == set()
    assert before.heads[address] in bundle.receipts
    assert bundle.undelivered == set()
    (shown,) = bundle.shown().values()
    assert faults(shown) == {}
    proof = await verify(bundle.path)
    assert proof.code == 0, proof
    await rig.server.stop()
    checked = await run("evidence_server", "check", "--data", str(rig.server.data), "--json")
    assert checked.code == 0, checked
    assert json.loads(checked.output)["segments"] == len(bundle.receipts)


async def test_phone_killed_in_the_middle_of_an_upload_and_of_a_segment(rig: Rig) -> None:
    created, phone = await begin(rig, PATIENT)
    async with rig.network.in_the_middle_of_an_upload() as address:
        await rig.until_recording()
        await phone.kill()
    assert await phone.finished() == -signal.SIGKILL
    before = rig.held()
    assert before.heads[address] not in before.receipts
    assert before.runs_open == {1}
    assert before.unsealed > 0

    again = await rig.start_phone("--link", created["link"])
    code, bundle = await finish(rig, created["sitting_id"], again, len(before.segments) + 2)

    assert code == 0
    assert lost(before, bundle) == set()
    assert lost(rig.held(), bundle) == set()
    assert bundle.undelivered == set()
    runs = bundle.runs()
    assert set(runs) == {1, 2}
    # The torn segment was sealed as far as it was durable, and is delivered.
    assert before.length_of(1) < len(runs[1]) <= before.length_of(1) + before.unsealed
    for shown in bundle.shown().values():
        assert faults(shown) == {}
        assert shown.sound_offset_worst_ms is not None
        assert abs(shown.sound_offset_worst_ms) <= IN_SYNC_MS
    verdict = bundle.verdicts[-1]
    assert (verdict["word"], [gap["cause"] for gap in verdict["gaps"]]) == ("complete", ["crash"])
    proof = await verify(bundle.path)
    assert proof.code == 0, proof


async def test_network_lost_in_the_middle_of_an_upload(rig: Rig) -> None:
    created, phone = await begin(rig)
    async with rig.network.in_the_middle_of_an_upload():
        rig.network.cut()
    offline = rig.held()
    await rig.until_recorded(len(offline.segments) + 1)
    assert rig.held().acknowledged == offline.acknowledged
    rig.network.restore()

    recorded = len(rig.held().segments)
    code, bundle = await finish(rig, created["sitting_id"], phone, recorded)

    assert code == 0
    assert lost(rig.held(), bundle) == set()
    assert bundle.undelivered == set()
    (shown,) = bundle.shown().values()
    assert faults(shown) == {}
    assert bundle.verdicts[-1]["gaps"] == []
