"""The answer to a request is lost, at every step: the same request again gets the same answer."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from rich.console import Console

from demo.commands import Server
from demo.network import Network
from pairing.jws import read_unverified
from pairing.messages import Acknowledgement
from tests.bad_input.hosted import Candidate, Hosted
from tests.bad_input.test_hostile_media import WallClock
from tests.upload.raw_http import BODY, Address

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = b"not media, and nobody looks" * 1_000


@dataclass(frozen=True)
class Lossy:
    """A server process, reached directly, and through a network that loses answers on order."""

    server: Hosted
    network: Network

    async def send(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Through the network."""
        headers = {"Authorization": f"Bearer {request.token or self.server.api_key}"}
        url = f"http://127.0.0.1:{self.network.port}{request.path}"
        async with aiohttp.ClientSession() as http, http.request(
            request.method, url, json=request.body, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def journal(self, sitting: str) -> list[str]:
        """The kinds of all that has happened."""
        headers = {"Authorization": f"Bearer {self.server.api_key}"}
        url = f"{self.server.address.url}/v1/sittings/{sitting}/bundle"
        async with self.server.http.get(url, headers=headers) as answer:
            with zipfile.ZipFile(io.BytesIO(await answer.read())) as bundle:
                lines = bundle.read("journal.jsonl").decode().splitlines()
        return [json.loads(line)["kind"] for line in lines]


@dataclass(frozen=True)
class Request:
    """What is sent twice, and what of its answer must be the same both times."""

    method: str
    path: str
    body: Any
    same: Callable[[Mapping[str, Any]], object]
    token: str = ""
    event: str = ""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lossy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lossy]:
    process = Server(Console(quiet=True), tmp_path_factory.mktemp("lost") / "data")
    await process.start()
    network = Network(process.port)
    await network.start()
    async with aiohttp.ClientSession() as http:
        address = Address("127.0.0.1", process.port)
        yield Lossy(Hosted(http, address, process.api_key, WallClock()), network)
    await network.stop()
    await process.stop()


Prepare = Callable[[Lossy, str], Awaitable[Request]]


async def a_sitting(lossy: Lossy, sitting: str) -> Request:
    body = {"sitting_id": sitting, "exam": "oral", "window": {"start_ms": lossy.server.clock() - 60_000}}
    return Request("POST", "/v1/sittings", body, lambda told: (told["sitting_id"], told["page_token"]),
                   event="created")


async def a_claim(lossy: Lossy, sitting: str) -> Request:
    await lossy.server.create(sitting_id=sitting)
    ticket = (await lossy.server.offer(sitting))["link"].partition("#t=")[2]
    record = Candidate(lossy.server, sitting).claim(ticket)
    return Request("POST", "/v1/claims", {"claim": record}, _claimed, event="claimed")


async def a_typed_claim(lossy: Lossy, sitting: str) -> Request:
    await lossy.server.create(sitting_id=sitting)
    record = Candidate(lossy.server, sitting).claim((await lossy.server.offer(sitting))["code"])
    return Request("POST", "/v1/claims", {"claim": record}, _claimed, event="claimed")


def _claimed(told: Mapping[str, Any]) -> object:
    names = ("sitting_id", "nonce", "bearer", "digits", "key", "server_jwk", "lapses_at_ms")
    return [told[name] for name in names]


async def a_confirm(lossy: Lossy, sitting: str) -> Request:
    claim = await a_claim(lossy, sitting)
    status, claimed = await lossy.send(claim)
    assert status == 200
    body = {"key": claimed["key"]}
    return Request("POST", f"/v1/sittings/{sitting}/confirm", body, lambda told: told["binding"],
                   event="confirmed")


async def _bound(lossy: Lossy, sitting: str) -> Candidate:
    await lossy.server.create(sitting_id=sitting, window={"start_ms": lossy.server.clock() - 60_000})
    return await Candidate(lossy.server, sitting).bind()


async def a_head(lossy: Lossy, sitting: str) -> Request:
    phone = await _bound(lossy, sitting)
    now = lossy.server.clock()
    body = {"entries": [phone.head(CONTENT, now - 4_000, now)]}
    return Request("POST", "/v1/entries", body, _acknowledged, phone.bearer, "committed")


def _acknowledged(told: Mapping[str, Any]) -> object:
    claims, _ = read_unverified(told["acknowledgement"], Acknowledgement.TYP)
    return claims["entries"], claims["sitting"], claims["generation"], told["uploads"]


async def a_note(lossy: Lossy, sitting: str) -> Request:
    phone = await _bound(lossy, sitting)
    body = {"entries": [phone.note("stop", lossy.server.clock())]}
    return Request("POST", "/v1/entries", body, _acknowledged, phone.bearer, "committed")


async def a_manifest(lossy: Lossy, sitting: str) -> Request:
    phone = await _bound(lossy, sitting)
    now = lossy.server.clock()
    await phone.commit(phone.head(CONTENT, now - 4_000, now), len(CONTENT))
    body = {"manifest": phone.manifest_record(phone.listed)}
    return Request("POST", "/v1/manifests", body, lambda told: told, phone.bearer, "manifest")


async def an_end(lossy: Lossy, sitting: str) -> Request:
    await _bound(lossy, sitting)
    body = {"at_ms": lossy.server.clock()}
    return Request("POST", f"/v1/sittings/{sitting}/end", body, lambda told: told["end_ms"], event="ended")


async def a_rebind(lossy: Lossy, sitting: str) -> Request:
    """The same offer is open afterwards; its link and code are those of whatever moment."""
    await _bound(lossy, sitting)
    return Request("POST", f"/v1/sittings/{sitting}/rebind", {"reason": "the battery is empty"},
                   lambda told: (told["stage"], told["binding"]), event="rebind_opened")


async def an_extension(lossy: Lossy, sitting: str) -> Request:
    await _bound(lossy, sitting)
    body = {"extension_s": 600, "reason": "asked by telephone", "command": "c-1"}
    return Request("POST", f"/v1/sittings/{sitting}/extend", body, lambda told: told["deadline_ms"],
                   event="deadline_moved")


async def a_waiver(lossy: Lossy, sitting: str) -> Request:
    await _bound(lossy, sitting)
    body = {"code": "fork", "reason": "seen by the invigilator"}
    return Request("POST", f"/v1/sittings/{sitting}/waive", body, lambda told: told["sitting_id"],
                   event="waived")


async def a_publication(lossy: Lossy, sitting: str) -> Request:
    """Of a sitting that is decided at once: nobody came, and no time is left for evidence."""
    no_time = {"upload_window_s": 0, "min_notice_s": 0}
    await lossy.server.create(sitting_id=sitting, policy=no_time)
    await lossy.server.ask("POST", f"/v1/sittings/{sitting}/end", {"at_ms": lossy.server.clock()})
    await lossy.server.until(sitting, lambda told: told["verdict"] is not None)
    return Request("POST", f"/v1/sittings/{sitting}/publish", {"reason": "the board has met"},
                   lambda told: told["published_at_ms"], event="published")


async def a_refusal_of_the_phone(lossy: Lossy, sitting: str) -> Request:
    """Not idempotent by its answer: the second is told that nothing waits any more, and nothing happens."""
    claim = await a_claim(lossy, sitting)
    _, claimed = await lossy.send(claim)
    return Request("POST", f"/v1/sittings/{sitting}/refuse", {"key": claimed["key"]},
                   lambda told: told.get("error"), event="claim_refused")


STEPS: Mapping[str, Prepare] = {
    "create": a_sitting, "claim by link": a_claim, "claim by typed code": a_typed_claim, "confirm": a_confirm,
    "heads": a_head, "notes": a_note, "manifest": a_manifest, "end": an_end,
    "rebind": a_rebind, "extend": an_extension, "waive": a_waiver, "publish": a_publication,
}


@pytest.mark.parametrize("step", STEPS)
async def test_the_same_request_again_gets_the_same_answer(lossy: Lossy, step: str) -> None:
    sitting = "lost-" + step.replace(" ", "-")
    request = await STEPS[step](lossy, sitting)
    lost = lossy.network.lose_answer(f"{request.method} {request.path}$")
    with pytest.raises(aiohttp.ClientConnectionError):
        await lossy.send(request)
    assert lost.result() == f"{request.method} {request.path}"
    journal = await lossy.journal(sitting)
    assert journal.count(request.event) == 1
    answers = [await lossy.send(request) for _ in range(2)]
    assert [status for status, _ in answers] == [200, 200]
    first, second = (request.same(told) for _, told in answers)
    assert first == second
    assert await lossy.journal(sitting) == journal


async def test_a_phone_is_turned_away_once(lossy: Lossy) -> None:
    request = await a_refusal_of_the_phone(lossy, "lost-refusal")
    lossy.network.lose_answer(f"POST {request.path}$")
    with pytest.raises(aiohttp.ClientConnectionError):
        await lossy.send(request)
    journal = await lossy.journal("lost-refusal")
    assert journal.count("claim_refused") == 1
    status, told = await lossy.send(request)
    assert (status, told["error"]) == (409, "wrong_stage")
    assert await lossy.journal("lost-refusal") == journal


async def test_the_last_byte_arrived_and_its_receipt_did_not(lossy: Lossy) -> None:
    phone = await _bound(lossy, "lost-receipt")
    now = lossy.server.clock()
    path = await phone.commit(phone.head(CONTENT, now - 4_000, now), len(CONTENT))
    half = len(CONTENT) // 2
    address = Address("127.0.0.1", lossy.network.port)
    for offset, piece in ((0, CONTENT[:half]), (half, CONTENT[half:])):
        lost = lossy.network.lose_answer("PATCH /uploads/")
        with pytest.raises((EOFError, ConnectionError)):
            await address.patch(path, offset, piece)
        assert lost.done()
        again = await address.ask("PATCH", path, {**BODY, "Upload-Offset": str(offset)}, piece)
        assert (again.status, again.offset) == (409, offset + len(piece))
    shown = await address.head(path)
    assert shown.offset == len(CONTENT)
    receipt = shown.headers["evidence-receipt"]
    told = await lossy.server.ask("GET", f"/v1/receipts/{phone.newest}", token=phone.bearer)
    assert told["receipt"] == receipt
    assert (await lossy.journal("lost-receipt")).count("stored") == 1
