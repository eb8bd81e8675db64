"""Uploads, events and addresses through the proxies that docs/operation/ shows how to set up."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from demo.commands import Server
from evidence_server.routes.throttle import WRONG_A_MINUTE
from pairing.jws import new_phone_key, public_jwk, sign
from pairing.messages import Claim
from tests.operation.http_phone import Backend, BoundPhone
from tests.operation.proxies import caddy, nginx
from tests.upload.raw_http import BODY, TUS, Address

Proxy = Callable[..., AbstractAsyncContextManager[int]]

WHOLE = 32 << 20
SENT = 24 << 20
KEPT = 6 << 20
"""What of SENT must have come through: the sockets on the way can hold back the rest, at most some 16 MiB."""

both = pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setenv("EVIDENCE_PROXIES", "1")
    running = Server(Console(quiet=True), tmp_path / "data")
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def cut_in_the_middle(proxy: Address, path: str, content: bytes) -> int:
    """Sends SENT bytes of a whole PATCH, resets the connection, and asks what has arrived."""
    async with proxy.connect() as connection:
        length = {"Upload-Offset": "0", "Content-Length": str(len(content))}
        await connection.begin("PATCH", path, BODY | length)
        await connection.send(content[:SENT])
        await connection.reset()
    shown = await proxy.head(path)
    assert shown.status == 200
    return shown.offset


@both
async def test_what_arrived_before_a_cut_is_kept(
    proxy: Proxy, server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with proxy(tmp_path, server.port) as port:
        backend = Backend(http, f"http://127.0.0.1:{port}", server.api_key)
        phone, content = await BoundPhone.bind(backend), os.urandom(WHOLE)
        path = await phone.commit(content)
        address = Address("127.0.0.1", port)
        offset = await cut_in_the_middle(address, path, content)
        assert KEPT <= offset <= SENT
        stale = await address.patch(path, 0, b"stale")
        assert (stale.status, stale.offset) == (409, offset)
        done = await address.patch(path, offset, content[offset:])
        assert (done.status, done.offset) == (204, WHOLE)
        assert done.headers["evidence-receipt"]


async def test_a_proxy_that_buffers_keeps_nothing(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """So the probe above tells one from the other."""
    buffering = (r"proxy_request_buffering off;", "proxy_request_buffering on;")
    async with nginx(tmp_path, server.port, buffering) as port:
        backend = Backend(http, f"http://127.0.0.1:{port}", server.api_key)
        phone, content = await BoundPhone.bind(backend), os.urandom(WHOLE)
        path = await phone.commit(content)
        address = Address("127.0.0.1", port)
        assert await cut_in_the_middle(address, path, content) == 0
        done = await address.patch(path, 0, content)  # uncut it arrives all the same
        assert (done.status, done.offset, bool(done.headers["evidence-receipt"])) == (204, WHOLE, True)


@both
async def test_the_laptop_hears_of_changes_at_once(
    proxy: Proxy, server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with proxy(tmp_path, server.port) as port:
        backend = Backend(http, f"http://127.0.0.1:{port}", server.api_key)
        phone = await BoundPhone.bind(backend)
        headers = {"Authorization": f"Bearer {server.api_key}"}
        stages = []
        async with http.get(f"{backend.url}/v1/sittings/{phone.sitting}/events", headers=headers) as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    stages.append(json.loads(line.removeprefix(b"data: "))["stage"])
                    if stages[-1] != "bound":
                        break
                    await backend.ask("POST", f"/v1/sittings/{phone.sitting}/end", {})
        assert stages[-1] == "ended"


@both
async def test_wrong_codes_count_for_the_address_in_front_of_the_proxy(
    proxy: Proxy, server: Server, tmp_path: Path
) -> None:
    """Whoever names another address each time is still one address; another one is another."""
    async with proxy(tmp_path, server.port) as port:
        told = [await guess(port, "127.0.0.1", f"192.0.2.{n}") for n in range(WRONG_A_MINUTE + 1)]
        assert told == ["code_mistyped"] * WRONG_A_MINUTE + ["throttled"]
        assert await guess(port, "127.0.0.2", "127.0.0.1") == "code_mistyped"


async def guess(port: int, address: str, pretended: str) -> str:
    """A claim with a wrong code; what it is refused with."""
    key = new_phone_key()
    claim = Claim("0000-0000-1", public_jwk(key), "test", time.time_ns() // 1_000_000)
    body = {"claim": sign(key, Claim.TYP, claim.to_claims())}
    from_there = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=from_there) as http, http.post(
        f"http://127.0.0.1:{port}/v1/claims", json=body, headers={"X-Forwarded-For": pretended}
    ) as answer:
        refusal: str = (await answer.json())["error"]
        return refusal


@both
async def test_the_world_does_not_see_the_metrics(proxy: Proxy, server: Server, tmp_path: Path) -> None:
    async with proxy(tmp_path, server.port) as port:
        assert (await Address("127.0.0.1", port).ask("GET", "/metrics", TUS)).status == 404
