"""More of anything than allowed, and what is no HTTP at all: refused like everything else, and forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from evidence_server.routes.api import MAX_BODY
from pairing.jws import MAX_RECORD
from pairing.messages import MAX_BATCH
from tests.bad_input.hosted import Candidate, Hosted, as_refusal, hosting
from tests.sittings import FakeClock
from tests.upload.raw_http import TUS, Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = 9_000
"""Longer than a line of HTTP may be."""
HOST = b"Host: x\r\n"
POST = b"POST /v1/claims HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

UNREADABLE: Mapping[str, bytes] = {
    "an address too long": b"GET /v1/" + b"a" * LINE + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a query too long": b"GET /v1/time?a=" + b"a" * LINE + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header too long": b"GET /v1/time HTTP/1.1\r\n" + HOST + b"X: " + b"a" * LINE + b"\r\n\r\n",
    "a header's name too long": b"GET /v1/time HTTP/1.1\r\n" + HOST + b"X" * LINE + b": a\r\n\r\n",
    "too many headers": b"GET /v1/time HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 40_000 + b"\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a version there is none of": b"GET /v1/time HTTP/9.9\r\n" + HOST + b"\r\n",
    "no host": b"GET /v1/time HTTP/1.1\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "a length beyond all": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks without a size": CHUNKED + b"zz\r\nabc\r\n",
    "a line end in a header": b"GET /v1/time HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n",
    "a body of no declared size": POST + b"\r\n",
    "no JSON": POST + b"Content-Length: 2\r\n\r\n{{",
    "not UTF-8": POST + b"Content-Length: 4\r\n\r\n\"\xff\xfe\"",
    "nesting without end": POST + b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000,
    "a number without end": POST + b"Content-Length: 100008\r\n\r\n{\"a\":" + b"1" * 100_002 + b"}",
}


async def answered(server: Hosted, raw: bytes) -> Answer:
    """The answer to these bytes."""
    async with server.address.connect() as connection:
        await connection.send(raw)
        return await connection.answer()


def refusal(answer: Answer) -> tuple[int, str]:
    told = as_refusal(answer.status, json.loads(answer.body))
    return told.status, told.code


@pytest_asyncio.fixture(loop_scope="module")
async def phone(server: Hosted) -> Candidate:
    return await Candidate(server, (await server.create())["sitting_id"]).bind()


async def test_what_cannot_be_read_is_refused_as_json(
    server: Hosted, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logged:
        for name, raw in UNREADABLE.items():
            assert refusal(await answered(server, raw)) == (400, "malformed"), name
    assert logged == []
    assert caplog.records == []  # nor does a library write the peer's fault into our log
    assert (await server.ask("GET", "/healthz"))["alive"]


async def test_a_body_too_large_is_refused_whether_it_says_so_or_not(server: Hosted) -> None:
    declared = POST + f"Content-Length: {MAX_BODY + 1}\r\n\r\n".encode()
    undeclared = CHUNKED + f"{MAX_BODY + 1:x}\r\n".encode() + b" " * (MAX_BODY + 1)
    for raw in (declared, undeclared):
        assert refusal(await answered(server, raw)) == (413, "too_large")


async def test_more_than_a_request_may_hold(server: Hosted, phone: Candidate) -> None:
    record = phone.head(b"x", server.clock(), server.clock() + 4_000)
    long = "x" * (MAX_RECORD + 1)
    for path, body in (
        ("/v1/entries", {"entries": [record] * (MAX_BATCH + 1)}),
        ("/v1/entries", {"entries": []}),
        ("/v1/entries", {"entries": [record], "more": 1}),
        ("/v1/entries", {"entries": [long]}),
        ("/v1/manifests", {"manifest": long}),
        ("/v1/claims", {"claim": long}),
    ):
        told = await server.refused("POST", path, body, phone.bearer)
        assert (told.status, told.code) == (400, "malformed"), path
    longest = "x" * (MAX_RECORD - 2)
    for path, body in (
        ("/v1/entries", {"entries": [longest]}), ("/v1/manifests", {"manifest": longest}),
        ("/v1/claims", {"claim": longest}),
    ):
        told = await server.refused("POST", path, body, phone.bearer)
        assert (told.status, told.code) == (422, "signature_invalid"), path
    assert (await server.state(phone.sitting))["phone"]["segments"]["committed"] == 0


async def test_texts_and_numbers_too_long(server: Hosted, phone: Candidate) -> None:
    where = f"/v1/sittings/{phone.sitting}"
    for method, path, body in (
        ("POST", "/v1/sittings", {"sitting_id": "x" * 65}),
        ("POST", "/v1/sittings", {"exam": "x" * 81}),
        ("POST", f"{where}/rebind", {"reason": "x" * 501}),
        ("POST", f"{where}/waive", {"code": "x" * 41, "reason": "x"}),
        ("POST", f"{where}/end", {"reason": "x" * 501}),
        ("GET", "/v1/binding?wait=" + "9" * 1_000, None),
        ("GET", "/v1/binding?wait=1&after=-1", None),
    ):
        token = phone.bearer if method == "GET" else ""
        told = await server.refused(method, path, body, token)
        assert (told.status, told.code) == (400, "malformed"), path
    told = await server.refused("POST", "/v1/sittings", {"policy": {"x" * 1_000: 1}})
    assert (told.status, told.code) == (422, "policy_invalid")
    told = await server.refused("POST", f"/v1/sittings/{'x' * 4_000}/end", {})
    assert (told.status, told.code) == (404, "sitting_unknown")
    told = await server.refused("GET", "/v1/binding", token="x" * 4_000)
    assert (told.status, told.code) == (401, "unauthorised")
    for offset in ("9" * 400, "-1"):
        path = await phone.commit(phone.head(b"x", server.clock(), server.clock() + 4_000), 1)
        answer = await server.address.patch(path, 0, b"x", **{"Upload-Offset": offset})
        assert refusal(answer) == (400, "malformed")
        phone.next_run()
    assert refusal(await server.address.ask("GET", "/uploads/" + "x" * 65, TUS)) == (404, "not_found")


@pytest.mark.parametrize("head", [b"Content-Length: 20\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_a_body_that_stops_coming_is_not_waited_for(head: bytes, tmp_path: Path) -> None:
    async with hosting(tmp_path / "data", FakeClock(), idle_body_s=1) as server:
        assert refusal(await answered(server, POST + head)) == (408, "request_idle")


async def test_a_body_that_trickles_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence_server.routes.api.BODY_S", 0.5)
    async with hosting(tmp_path / "data", FakeClock(), idle_body_s=60) as server:
        assert refusal(await answered(server, POST + b"Content-Length: 20\r\n\r\n{")) == (408, "request_idle")


async def test_a_body_that_comes_slowly_is_taken(tmp_path: Path) -> None:
    """Longer in all than a body may stay silent, and never as long as that."""
    async with hosting(tmp_path / "data", FakeClock(), idle_body_s=4) as server:
        body = json.dumps({"claim": "x" * 16}).encode()
        async with server.address.connect() as connection:
            await connection.send(POST + f"Content-Length: {len(body)}\r\n\r\n".encode())
            for place in range(len(body)):
                await connection.send(body[place : place + 1])
                await asyncio.sleep(5 / len(body))
            assert refusal(await connection.answer()) == (422, "signature_invalid")


BROKEN_OFF = (b"", b"POST /v1/cl", POST, POST + b"Content-Length: 20\r\n\r\n", CHUNKED + b"2\r\n{")


@pytest.mark.parametrize("sent", BROKEN_OFF)
async def test_a_request_that_breaks_off_is_nobodys_fault(
    server: Hosted, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logged:
        async with server.address.connect() as connection:
            await connection.send(sent)
            await connection.finish_sending()
        async with server.address.connect() as connection:
            await connection.send(sent)
            await connection.reset()
        assert (await server.ask("GET", "/healthz"))["alive"]
    assert logged == []
    assert caplog.records == []
