"""The Keeper in a real browser against the real server: from the claim to the deletion."""

from __future__ import annotations

import time

import aiohttp

from pairing.jws import new_phone_key, public_jwk, sign, thumbprint
from pairing.messages import Claim
from tests.path.rig import verify
from tests.web.delivery.rig import Rig
from tests.web.delivery.stream import RATE


async def test_the_whole_path_to_verdict_release_and_a_phone_that_begins_anew(rig: Rig) -> None:
    phone = await rig.phone()
    created = await rig.sitting("--start", str(time.time_ns() // 1_000_000 - 20_000))
    sitting = created["sitting_id"]
    shown = await phone.claim(created["link"])
    await phone.ask("consent", version="1", face=True, room=True)
    await phone.record(0, 20)
    claimed = await phone.state()
    assert claimed["stage"] == "claimed"
    assert claimed["segments"]["committed"] == 0

    await rig.confirm(sitting, shown)
    stored = await phone.until("state.segments.stored === 5 && state.segments.verified === 5")
    assert stored["stage"] == "bound"
    assert stored["online"]
    assert stored["waiting"]["segments"] == 0

    await rig.server.command("end", sitting)
    await phone.until("state.ended && phone.heard.includes('ended')")
    await phone.ask("stop", mono_ms=0, wall_ms=0)
    decided = await phone.until("state.verdict !== null")
    assert (decided["verdict"]["word"], decided["listed"]) == ("complete", True)

    bundle = await rig.export(sitting)
    assert [shown.missing for shown in bundle.shown().values()] == [()]
    assert [(shown.pictures, shown.unreadable) for shown in bundle.shown().values()] == [(20 * RATE, 0)]
    assert (await verify(bundle.path)).code == 0
    assert await phone.refused("forget") == "wrong_stage"

    await rig.server.command("publish", sitting)
    released = await phone.until("state.released && state.held_bytes === 0")
    assert released["freed_bytes"] > 1_000_000
    await phone.ask("forget")
    assert (await phone.until("state.stage === 'start'"))["key"] == ""


async def test_a_phone_that_is_replaced_stops_delivers_what_it_has_and_keeps_the_rest(rig: Rig) -> None:
    phone = await rig.phone()
    created = await rig.sitting()
    sitting = created["sitting_id"]
    await rig.confirm(sitting, await phone.claim(created["link"]))
    await phone.record(0, 12)
    await phone.until("state.segments.stored === 3 && state.run === 1")

    other = new_phone_key()
    offer = await rig.server.command_json("rebind", sitting, "--reason", "the battery is empty", "--json")
    ticket = offer["link"].partition("#t=")[2]
    claim = Claim(ticket, public_jwk(other), "another phone", time.time_ns() // 1_000_000)
    async with aiohttp.ClientSession() as http:
        record = sign(other, Claim.TYP, claim.to_claims())
        async with http.post(f"{rig.server.url}/v1/claims", json={"claim": record}) as answer:
            assert answer.status == 200
    await rig.server.command("confirm", sitting, "--key", thumbprint(other))

    told = await phone.until("state.stage === 'replaced' && phone.heard.includes('stop: replaced')")
    assert told["segments"]["stored"] == 3
    await phone.ask("endRun", run=1)
    await phone.record(12, 18, live=True, note="stop")
    delivered = await phone.until("state.segments.recorded === 5 && state.stopped && state.listed")
    assert delivered["segments"]["committed"] == delivered["segments"]["stored"] == 3
    assert delivered["held_bytes"] > 2_000_000
    assert (await phone.open())["stage"] == "replaced"
