"""Codes that open nothing: each is told as what it is, and none costs the candidate anything."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from evidence_server.metrics import Metrics, Standing
from evidence_server.routes import throttle
from evidence_server.routes.throttle import (
    GUESSES,
    WRONG_A_MINUTE,
    WRONG_OVERALL,
    WRONG_WHILE_GUESSED,
    WrongCodes,
    subscriber,
)
from pairing import codes
from pairing.errors import PairingError
from tests.bad_input.hosted import Candidate, Hosted, Refused, hosting
from tests.sittings import FakeClock, at

A_CODE_NOBODY_HAS = codes.typed_code(b"another secret", bytes(12), at(0))


async def claim(server: Hosted, sitting: str, secret: str) -> Refused:
    record = Candidate(server, sitting).claim(secret)
    return await server.refused("POST", "/v1/claims", {"claim": record})


def ticket_of(offer: dict[str, str]) -> str:
    return offer["link"].partition("#t=")[2]


async def test_each_wrong_secret_is_told_as_what_it_is(fresh_server: Hosted) -> None:
    server = fresh_server
    sitting = (await server.create())["sitting_id"]
    shown = await server.offer(sitting)
    code, ticket = shown["code"], ticket_of(shown)
    mistyped = ("0" if code[0] != "0" else "2") + code[1:]
    told = [
        await claim(server, sitting, mistyped),
        await claim(server, sitting, A_CODE_NOBODY_HAS),
        await claim(server, sitting, ticket[:-1] + ("A" if ticket[-1] != "A" else "Q")),
    ]
    server.clock.to(400)
    told.append(await claim(server, sitting, code))
    fresh = await server.offer(sitting)
    await server.ask("POST", "/v1/claims", {"claim": Candidate(server, sitting).claim(ticket_of(fresh))})
    told.append(await claim(server, sitting, ticket_of(fresh)))
    while (last := await claim(server, sitting, A_CODE_NOBODY_HAS)).code != "throttled":
        assert last.code == "code_unknown"
    told.append(last)
    assert [(refused.status, refused.code) for refused in told] == [
        (422, "code_mistyped"), (404, "code_unknown"), (422, "ticket_invalid"), (410, "offer_expired"),
        (409, "offer_used"), (429, "throttled"),
    ]
    for language in ("zh-CN", "en"):
        assert len({refused.told["says"][language] for refused in told}) == len(told)
        assert len({refused.told["do"][language] for refused in told}) == len(told)
    assert told[-1].told["retry_after_s"] > 0


async def test_what_was_wrong_consumes_nothing(fresh_server: Hosted) -> None:
    server = fresh_server
    sitting = (await server.create())["sitting_id"]
    shown = await server.offer(sitting)
    before = await server.state(sitting)
    for secret in (A_CODE_NOBODY_HAS, ticket_of(shown)[:-4], "U", "x" * 64):
        await claim(server, sitting, secret)
    assert await server.state(sitting) == before
    phone = Candidate(server, sitting)
    claimed = await server.ask("POST", "/v1/claims", {"claim": phone.claim(shown["code"])})
    assert claimed["key"] == phone.thumb


async def test_a_throttled_address_may_still_scan(fresh_server: Hosted) -> None:
    server = fresh_server
    sitting = (await server.create())["sitting_id"]
    shown = await server.offer(sitting)
    for _ in range(WRONG_A_MINUTE):
        assert (await claim(server, sitting, A_CODE_NOBODY_HAS)).code == "code_unknown"
    assert (await claim(server, sitting, shown["code"])).code == "throttled"
    scanned = Candidate(server, sitting).claim(ticket_of(shown))
    await server.ask("POST", "/v1/claims", {"claim": scanned})


async def test_lost_answers_are_asked_for_again_however_often(fresh_server: Hosted) -> None:
    """What an impatient phone repeats is no guess."""
    server = fresh_server
    sitting = (await server.create())["sitting_id"]
    record = Candidate(server, sitting).claim((await server.offer(sitting))["code"])
    answers = [
        await server.ask("POST", "/v1/claims", {"claim": record}) for _ in range(2 * WRONG_A_MINUTE)
    ]
    assert len({answer["nonce"] for answer in answers}) == 1


async def test_wrong_codes_are_counted_where_the_operator_looks(fresh_server: Hosted) -> None:
    server = fresh_server
    sitting = (await server.create())["sitting_id"]
    await claim(server, sitting, A_CODE_NOBODY_HAS)
    answer = await server.address.ask("GET", "/metrics", {})
    assert scraped(answer.body.decode()) == {"codes_guessed": 0.0, "wrong_codes": 1.0}


def scraped(text: str) -> dict[str, float]:
    """What the metrics say of wrong codes."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        "codes_guessed": sum(s.value for s in samples if s.name == "evidence_codes_guessed"),
        "wrong_codes": sum(s.value for s in samples if s.name == "evidence_wrong_codes_total"),
    }


async def test_however_many_guesses_come_at_once_the_budget_is_one(fresh_server: Hosted) -> None:
    server = fresh_server
    sitting = (await server.create())["sitting_id"]
    told = await asyncio.gather(
        *(claim(server, sitting, A_CODE_NOBODY_HAS) for _ in range(3 * WRONG_A_MINUTE))
    )
    refusals = [refused.code for refused in told]
    assert (refusals.count("code_unknown"), refusals.count("throttled")) == (
        WRONG_A_MINUTE, 2 * WRONG_A_MINUTE,
    )


async def test_a_class_that_types_at_once_behind_one_address_is_let_in(fresh_server: Hosted) -> None:
    """A code that is right costs nothing, and waits for the others' no longer than they take."""
    server = fresh_server
    phones = []
    for _ in range(2 * WRONG_A_MINUTE):
        sitting = (await server.create())["sitting_id"]
        phones.append(Candidate(server, sitting).claim((await server.offer(sitting))["code"]))
    told = await asyncio.gather(
        *(server.ask("POST", "/v1/claims", {"claim": record}) for record in phones)
    )
    assert len({answer["sitting_id"] for answer in told}) == len(phones)


async def test_guessing_from_everywhere_raises_an_alarm_and_locks_nobody_out() -> None:
    """Each of many addresses stays below its own budget."""
    metrics = Metrics()
    budget = WrongCodes(metrics)
    with structlog.testing.capture_logs() as logged:
        for number in range(WRONG_OVERALL):
            assert logged == []
            address = f"192.0.{number // 250}.{number % 250}"
            assert await attempt(budget, address, "code_unknown") == "code_unknown"
        told = [await attempt(budget, "198.51.100.1", "code_unknown") for _ in range(WRONG_WHILE_GUESSED + 1)]
        assert told == ["code_unknown"] * WRONG_WHILE_GUESSED + ["throttled"]
        # somebody new is let in, alarm or not: whoever types it right the first time is bound
        async with budget.trial("198.51.100.2") as before_typed:
            await before_typed()
    assert [(line["event"], line["log_level"]) for line in logged] == [("codes_guessed", "warning")]
    text = metrics.text(Standing({}, 0, 0, 0, 0, codes_guessed=budget.guessed())).decode()
    assert scraped(text) == {"codes_guessed": 1.0, "wrong_codes": WRONG_OVERALL + WRONG_WHILE_GUESSED}


async def test_the_alarm_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to type a code for it: the operator looks when the guessers are gone."""
    monkeypatch.setattr(throttle, "WRONG_OVERALL", 2)
    async with hosting(tmp_path / "data", FakeClock()) as server:
        sitting = (await server.create())["sitting_id"]
        for _ in range(2):
            await claim(server, sitting, A_CODE_NOBODY_HAS)

        async def alarm() -> float:
            answer = await server.address.ask("GET", "/metrics", {})
            return scraped(answer.body.decode())["codes_guessed"]

        assert await alarm() == 1.0
        later = time.time() + 61
        monkeypatch.setattr(time, "time", lambda: later)
        assert await alarm() == 0.0


class Told:
    """What the metrics would have been told."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def wrong_code(self, refusal: str) -> None:
        self.wrong.append(refusal)


async def attempt(budget: WrongCodes, address: str, refusal: str, *, typed: bool = True) -> str:
    """One claim that ends in `refusal`; what it is refused with."""
    async def guess() -> None:
        async with budget.trial(address) as before_typed:
            if typed:
                await before_typed()
            raise PairingError(refusal)

    with pytest.raises(PairingError) as refused:
        await guess()
    return refused.value.code


async def test_only_typed_guesses_count() -> None:
    told = Told()
    budget = WrongCodes(told)
    others = ("offer_used", "wrong_stage", "signature_invalid")
    for refusal in others:
        for _ in range(WRONG_A_MINUTE + 1):
            assert await attempt(budget, "192.0.2.1", refusal) == refusal
    for refusal in ("ticket_invalid", *GUESSES):
        await attempt(budget, "192.0.2.1", refusal, typed=False)
    assert told.wrong == []
    refusals = [await attempt(budget, "192.0.2.1", "code_unknown") for _ in range(WRONG_A_MINUTE + 1)]
    assert refusals[-2:] == ["code_unknown", "throttled"]
    assert await attempt(budget, "192.0.2.2", "code_mistyped") == "code_mistyped"
    assert told.wrong == ["code_unknown"] * WRONG_A_MINUTE + ["code_mistyped"]
    assert not budget.guessed()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("made up", "made up", True),
        ("", "", True),
    ],
)
def test_whose_address_it_is(one: str, other: str, same: bool) -> None:
    assert (subscriber(one) == subscriber(other)) == same
