"""Two phones at one offer, two answers to one claim: at the same moment, through HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.bad_input.hosted import Candidate, Hosted, as_refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONES = 8


async def test_of_many_phones_at_one_offer_one_claims(server: Hosted) -> None:
    sitting = (await server.create())["sitting_id"]
    shown = await server.offer(sitting)
    ticket = shown["link"].partition("#t=")[2]
    phones = [Candidate(server, sitting) for _ in range(PHONES)]
    records = [phone.claim(shown["code"] if n % 2 else ticket) for n, phone in enumerate(phones)]
    answers = await asyncio.gather(
        *(server.send("POST", "/v1/claims", {"claim": record}) for record in records)
    )
    assert Counter(status for status, _ in answers) == {200: 1, 409: PHONES - 1}
    refused = [as_refusal(status, told) for status, told in answers if status != 200]
    assert {refusal.code for refusal in refused} == {"offer_used"}
    (claimed,) = (told for status, told in answers if status == 200)
    assert (await server.state(sitting))["claim"]["key"] == claimed["key"]

    # whoever lost may ask again and is told the same, and the winner gets its answer again
    again = await asyncio.gather(
        *(server.send("POST", "/v1/claims", {"claim": record}) for record in records)
    )
    assert [status for status, _ in again] == [status for status, _ in answers]
    assert [told["nonce"] for status, told in again if status == 200] == [claimed["nonce"]]


async def test_one_phone_that_asks_many_times_at_once_claims_once(server: Hosted) -> None:
    sitting = (await server.create())["sitting_id"]
    phone = Candidate(server, sitting)
    ticket = (await server.offer(sitting))["link"].partition("#t=")[2]
    answers = await asyncio.gather(
        *(server.ask("POST", "/v1/claims", {"claim": phone.claim(ticket)}) for _ in range(PHONES))
    )
    assert len({(answer["nonce"], answer["bearer"], answer["digits"]) for answer in answers}) == 1


async def test_a_confirm_and_a_refusal_at_once_leave_one_of_them(server: Hosted) -> None:
    for _ in range(4):
        sitting = (await server.create())["sitting_id"]
        phone = Candidate(server, sitting)
        ticket = (await server.offer(sitting))["link"].partition("#t=")[2]
        claimed = await server.ask("POST", "/v1/claims", {"claim": phone.claim(ticket)})
        where = f"/v1/sittings/{sitting}"
        answers = await asyncio.gather(
            *(server.send("POST", f"{where}/{answer}", {"key": phone.thumb})
              for answer in ("confirm", "refuse", "confirm", "refuse"))
        )
        stage = (await server.ask("GET", "/v1/binding", token=claimed["bearer"]))["stage"]
        assert stage in {"bound", "refused"}
        assert 200 in {status for status, _ in (answers[::2] if stage == "bound" else answers[1::2])}
        for status, told in answers:
            if status != 200:
                assert as_refusal(status, told).code == "wrong_stage"


async def test_two_segments_of_one_place_at_once_are_a_fork_and_one_stands(server: Hosted) -> None:
    sitting = (await server.create())["sitting_id"]
    phone = await Candidate(server, sitting).bind()
    now = server.clock()
    records = [phone.head(bytes([n]) * 100, now, now + 4_000) for n in range(4)]
    answers = await asyncio.gather(
        *(server.send("POST", "/v1/entries", {"entries": [record]}, phone.bearer) for record in records)
    )
    assert Counter(status for status, _ in answers) == {200: 1, 409: 3}
    refused = [as_refusal(status, told) for status, told in answers if status != 200]
    assert {(refusal.code, refusal.told["run"], refusal.told["seq"]) for refusal in refused} == {
        ("chain_forked", 1, 0)
    }
    assert (await server.state(sitting))["phone"]["segments"]["committed"] == 1
