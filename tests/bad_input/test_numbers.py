"""Heads out of their order, and with numbers no camera has: each is refused by its own code, or taken, and
then the verdict says what it is worth."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pairing.jws import MAX_INTEGER, read_unverified, record_hash, sign, verify
from pairing.messages import MAX_RUN, MAX_SEGMENT, MAX_SEQ, VERDICT_TYP, Head
from tests.bad_input.hosted import Candidate, Hosted
from tests.sittings import BOOT_MS, T0, Exam, Phone, Piece, Service, at, of_recording

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = b"not media, and nobody looks"
BEYOND = MAX_INTEGER + 1


@pytest_asyncio.fixture(loop_scope="module")
async def phone(server: Hosted) -> Candidate:
    return await Candidate(server, (await server.create())["sitting_id"]).bind()


async def refused(phone: Candidate, *records: str) -> tuple[int, str, Mapping[str, Any]]:
    told = await phone.server.refused("POST", "/v1/entries", {"entries": records}, phone.bearer)
    return told.status, told.code, told.told


# --- refused -------------------------------------------------------------------------------------


async def test_heads_out_of_order_with_a_hole_repeated_and_forked(phone: Candidate) -> None:
    start = phone.server.clock()
    records = []
    for number in range(3):
        records.append(phone.head(CONTENT, start + number * 4_000, start + number * 4_000 + 4_000))
        phone.newest, phone.seq, phone.bytes = (
            record_hash(records[-1]), phone.seq + 1, phone.bytes + len(CONTENT)
        )
    first, second, third = records
    for wrong in ((second,), (second, first), (third,), (first, third)):
        status, code, told = await refused(phone, *wrong)
        assert (status, code, told["run"]) == (409, "chain_broken", 1)
        assert told["seq"] == (1 if wrong[0] == first else 0)
    body = {"entries": [first]}
    once = await phone.server.ask("POST", "/v1/entries", body, phone.bearer)
    again = await phone.server.ask("POST", "/v1/entries", body, phone.bearer)
    assert again["uploads"] == once["uploads"]
    other = sign(phone.key, Head.TYP, read_unverified(first, Head.TYP)[0] | {"wall_ms": 0})
    assert (await refused(phone, other))[:2] == (409, "chain_forked")
    # the same request twice over in one is the same record at the same place
    await phone.server.ask("POST", "/v1/entries", {"entries": [first, second, second, third]}, phone.bearer)
    state = await phone.server.state(phone.sitting)
    assert state["phone"]["segments"]["committed"] == 3


SAMPLE = {"server_ms": T0, "mono_ms": 0, "wall_ms": T0, "rtt_ms": 0}
ABSURD: Mapping[str, dict[str, Any]] = {
    "run 0": {"run": 0}, "run -1": {"run": -1}, "run 2001": {"run": MAX_RUN + 1},
    "entry -1": {"seq": -1}, "entry 1000000": {"seq": MAX_SEQ + 1},
    "generation 0": {"generation": 0}, "generation 2": {"generation": 2},
    "generation beyond all": {"generation": BEYOND},
    "no bytes": {"length": 0}, "less than no bytes": {"length": -1},
    "a byte more than allowed": {"length": MAX_SEGMENT + 1}, "10 GB": {"length": 10 * 10**9},
    "a length beyond all": {"length": 10**30}, "offset -1": {"offset": -1}, "offset 1": {"offset": 1},
    "offset beyond all": {"offset": BEYOND}, "a hash too short": {"sha256": "x" * 42},
    "media times negative": {"media_us": [-1, 0]}, "media times reversed": {"media_us": [2, 1]},
    "media times beyond all": {"media_us": [0, BEYOND]}, "media times as fractions": {"media_us": [0, 0.5]},
    "monotonic times negative": {"mono_ms": [-5, 5]}, "monotonic times reversed": {"mono_ms": [5, 4]},
    "monotonic times beyond all": {"mono_ms": [0, BEYOND]}, "one monotonic time": {"mono_ms": [0]},
    "wall time negative": {"wall_ms": -1}, "wall time beyond all": {"wall_ms": BEYOND},
    "wall time as text": {"wall_ms": str(T0)}, "wall time true": {"wall_ms": True},
    "sample in the past of all": {"clock": SAMPLE | {"server_ms": -1}},
    "sample beyond all": {"clock": SAMPLE | {"server_ms": BEYOND}},
    "round trip negative": {"clock": SAMPLE | {"rtt_ms": -1}},
    "round trip of more than ten minutes": {"clock": SAMPLE | {"rtt_ms": 600_001}},
    "sample null": {"clock": None},
}


async def test_numbers_that_cannot_be_are_refused(phone: Candidate) -> None:
    start = phone.server.clock()
    for name, claims in ABSURD.items():
        record = phone.head(CONTENT, start, start + 4_000, **claims)
        assert (await refused(phone, record))[:2] == (422, "claims_invalid"), name
    await phone.commit(phone.head(CONTENT, start, start + 4_000), len(CONTENT))


async def test_times_of_the_backend_that_cannot_be_are_refused(server: Hosted) -> None:
    sitting = (await server.create())["sitting_id"]
    for wrong in (-1, BEYOND, 10**30, 0.5, "now", True):
        told = await server.refused("POST", f"/v1/sittings/{sitting}/end", {"at_ms": wrong})
        assert (told.status, told.code) == (400, "malformed"), wrong
        told = await server.refused("POST", "/v1/sittings", {"window": {"start_ms": wrong}})
        assert (told.status, told.code) == (400, "malformed"), wrong
    told = await server.refused("POST", f"/v1/sittings/{sitting}/end", {"at_ms": MAX_INTEGER})
    assert (told.status, told.code) == (422, "end_invalid")
    for window in ({"start_ms": 2, "end_ms": 1}, {"start_ms": 1, "end_ms": 1}):
        told = await server.refused("POST", "/v1/sittings", {"window": window})
        assert (told.status, told.code) == (422, "claims_invalid")
    for wrong in (0, -1, 2**31, 10**30, 0.5):
        body = {"extension_s": wrong, "reason": "x"}
        told = await server.refused("POST", f"/v1/sittings/{sitting}/extend", body)
        assert (told.status, told.code) == (400, "malformed"), wrong


# --- taken, and listed ---------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def exam(tmp_path: Path) -> AsyncIterator[Exam]:
    service = await Service.open(tmp_path)
    yield await Exam.begin(service)
    await service.close()


def restated(phone: Phone, piece: Piece, **claims: object) -> Piece:
    """The newest segment of run 1, whose head says otherwise."""
    said = read_unverified(piece.record, Head.TYP)[0] | claims
    piece.record = sign(phone.key, Head.TYP, said)
    phone.runs[1].tip = phone.newest = piece.name
    return piece


@dataclass(frozen=True)
class Oddity:
    """What the head of one of twelve segments says (of the last too), and what the verdict makes of it."""

    claims: dict[str, object]
    word: str
    listed: frozenset[str]
    at: int = 4
    last: dict[str, object] = field(default_factory=dict)


NOW = T0 - BOOT_MS
HEAD_4 = [NOW + 20_000, NOW + 25_000]
"""When the fifth segment was captured, by the phone's monotonic clock."""
LAST = MAX_INTEGER
ODD: Mapping[str, Oddity] = {
    "wall clock at 1970": Oddity({"wall_ms": 0}, "complete", frozenset()),
    "wall clock at the end of time": Oddity({"wall_ms": LAST}, "complete", frozenset()),
    "media times made up": Oddity({"media_us": [LAST - 1, LAST]}, "complete", frozenset()),
    "captured in no time": Oddity(
        {"mono_ms": [HEAD_4[0], HEAD_4[0]]}, "complete", frozenset({"clock_drift"})
    ),
    "captured until the end of time": Oddity({"mono_ms": [HEAD_4[0], LAST]}, "complete", frozenset()),
    "captured over the next two": Oddity(
        {"mono_ms": [HEAD_4[0], HEAD_4[1] + 10_000]}, "complete", frozenset()
    ),
    "captured again what was captured before": Oddity(
        {"mono_ms": [HEAD_4[0] - 5_000, HEAD_4[0]]}, "complete", frozenset({"clock_drift"}),
    ),
    "a sample of 1970": Oddity(
        {"clock": SAMPLE | {"server_ms": 0, "mono_ms": NOW}}, "incomplete", frozenset({"gap_too_long"}), at=0,
    ),
    "a sample of the end of time": Oddity(
        {"clock": SAMPLE | {"server_ms": LAST, "mono_ms": 0}}, "incomplete",
        frozenset({"gap_too_long", "clock_drift"}), at=0,
    ),
    "clocks that add up to more than a number can be": Oddity(
        {"clock": SAMPLE | {"server_ms": LAST, "mono_ms": 0}}, "incomplete",
        frozenset({"gap_too_long", "clock_drift"}), at=0, last={"mono_ms": [LAST - 1, LAST]},
    ),
    "a second sample that contradicts the first": Oddity(
        {"clock": SAMPLE | {"server_ms": LAST, "mono_ms": HEAD_4[0]}}, "incomplete",
        frozenset({"gap_too_long", "clock_drift"}),
    ),
    "a sample of a time to come": Oddity(
        {"clock": SAMPLE | {"server_ms": LAST, "mono_ms": LAST}}, "complete", frozenset(),
    ),
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_numbers_are_taken_and_judged(exam: Exam, name: str) -> None:
    odd, phone = ODD[name], exam.phone
    for number in range(12):
        piece = phone.head(number * 5, number * 5 + 5)
        if number == odd.at:
            restated(phone, piece, **odd.claims)
        if number == 11:
            restated(phone, piece, **odd.last)
        exam.clock.to(number * 5 + 5)
        await phone.commit(piece.record)
        await phone.upload(piece)
    await exam.end(60)
    await phone.manifest()
    verdict = await exam.verdict()
    assert verdict is not None
    assert verdict["word"] == odd.word
    assert of_recording([*verdict["reasons"], *verdict["review"]]) == odd.listed
    # Whoever reads it strictly reads it: no number in it is beyond JavaScript.
    state = await exam.service.register.look(exam.sitting)
    assert verify(state.verdicts[-1].record, VERDICT_TYP, exam.service.identity.signing) == verdict
    assert json.loads(json.dumps(verdict)) == verdict
    assert verdict["deadline_ms"] == at(60) + 3_600_000
