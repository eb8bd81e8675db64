"""A segment that arrives after the deadline: incomplete names it, the next version says late."""

from __future__ import annotations

import json
from typing import Any

from tests.path.evidence import claims_of, hash_of
from tests.path.rig import Rig, verify

SHORT = {"upload_window_s": 10, "min_notice_s": 0, "checks": {"scan": "review"}}
WITHHELD = 2


def _committed(state: dict[str, Any]) -> int:
    return state["phone"]["segments"]["committed"] if state["phone"] else 0


async def test_a_segment_after_the_deadline(rig: Rig) -> None:
    created = await rig.create("--policy", json.dumps(SHORT))
    sitting = created["sitting_id"]
    rig.network.withhold(WITHHELD)
    arguments = ("--code", created["code"], "--server", rig.server.public_url)
    phone = await rig.start_phone(*arguments)
    await rig.confirm(sitting, phone)
    await rig.server.until(sitting, lambda state: _committed(state) >= WITHHELD)
    await rig.server.command("end", sitting)
    assert await phone.finished() == 1

    withheld = rig.held().heads[rig.network.withheld]
    state = await rig.server.state(sitting)
    verdict, first = state["verdict"], state["verdict_jws"]
    assert (verdict["word"], verdict["version"]) == ("incomplete", 1)
    (missing,) = verdict["missing"]
    assert missing["head"] == withheld
    head = (await rig.export(sitting)).heads[withheld]
    assert missing["end_ms"] - missing["start_ms"] == head["mono_ms"][1] - head["mono_ms"][0]
    interval = {"start_ms": missing["start_ms"], "end_ms": missing["end_ms"]}
    assert verdict["reasons"] == [{"code": "missing_media", "segments": 1} | interval]
    assert json.loads(phone.printed)["segments"]["owed"] == 1

    rig.network.withhold(0)
    again = await rig.start_phone(*arguments)
    assert await again.finished() == 1
    state = await rig.server.state(sitting)
    verdict, second = state["verdict"], claims_of(state["verdict_jws"])
    assert (verdict["word"], verdict["version"], verdict["missing"]) == ("late", 2, [])
    assert second["supersedes"] == hash_of(first)
    assert second["late"]["segments"] == 1
    assert json.loads(again.printed)["verdict"] == "late"
    proof = await verify((await rig.export(sitting)).path)
    assert proof.code == 1, proof
    assert proof.output.splitlines()[-1] == "verdict: late"
