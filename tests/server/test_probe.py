"""The probe of a phone's network: bytes come, are counted, and are gone."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from evidence_server.routes.errors import refusals
from evidence_server.routes.origin import Origin
from evidence_server.routes.probe import MAX_PROBE, PROBE, PROBES_A_MINUTE, ProbeRoute

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> Client:
    app = web.Application(middlewares=[refusals])
    ProbeRoute(Origin(0), idle_s=0.2).mount(app)
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


async def test_it_says_how_much_came(client: Client) -> None:
    async with client, client.post(PROBE, data=bytes(MAX_PROBE)) as answer:
        assert (answer.status, await answer.json()) == (200, {"bytes": MAX_PROBE})


async def test_more_than_allowed_is_refused(client: Client) -> None:
    async def endless() -> object:
        for _ in range(3):
            yield bytes(MAX_PROBE // 2)

    async with client:
        for body in (bytes(MAX_PROBE + 1), endless()):
            async with client.post(PROBE, data=body) as answer:
                assert (answer.status, (await answer.json())["error"]) == (413, "too_large")


async def test_a_body_that_stops_coming_is_not_waited_for(client: Client) -> None:
    stopped = asyncio.Event()

    async def silent() -> object:
        yield b"some"
        await stopped.wait()

    async with client, client.post(PROBE, data=silent()) as answer:
        assert (answer.status, (await answer.json())["error"]) == (408, "request_idle")
        stopped.set()


async def test_a_packed_body_is_refused(client: Client) -> None:
    async with client, client.post(PROBE, data=b"x", headers={"Content-Encoding": "gzip"}) as answer:
        assert (await answer.json())["error"] == "content_encoded"


async def test_an_address_has_a_budget(client: Client) -> None:
    async with client:
        for _ in range(PROBES_A_MINUTE):
            async with client.post(PROBE, data=b"x") as answer:
                assert answer.status == 200
        async with client.post(PROBE, data=b"x") as answer:
            assert (answer.status, (await answer.json())["error"]) == (429, "throttled")
            assert int(answer.headers["Retry-After"]) > 0
