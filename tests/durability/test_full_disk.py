"""A full disk: refused with 507 and nothing advanced; it goes on by itself as soon as there is room.

The real servers run on a disk that is full on order (`witness.c`): for everything, or for the journal alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.durability.watched import Watched, watched
from tests.operation.http_phone import Backend, BoundPhone

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTENT = Random(2).randbytes(300_000)
HALF = 150_000
TUS = {"Tus-Resumable": "1.0.0"}
PATCH = TUS | {"Content-Type": "application/offset+octet-stream"}
FULL = {"507 storage_full"}


@dataclass(frozen=True)
class Answer:
    """What of an answer counts here."""

    status: int
    headers: Any
    told: dict[str, Any]

    @property
    def word(self) -> str:
        return f"{self.status} {self.told.get('error', '')}".strip()


@dataclass(frozen=True)
class Client:
    """Asks one server."""

    server: Watched

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        async with self.server.http.request(method, self.server.url + path, **more) as answer:
            told = await answer.json() if answer.content_type == "application/json" else {}
            return Answer(answer.status, answer.headers, told)

    async def patch(self, path: str, offset: int, content: bytes) -> Answer:
        return await self.ask("PATCH", path, data=content, headers=PATCH | {"Upload-Offset": str(offset)})

    async def offset(self, path: str) -> str:
        return str((await self.ask("HEAD", path, headers=TUS)).headers["Upload-Offset"])

    async def bind(self) -> BoundPhone:
        return await BoundPhone.bind(Backend(self.server.http, self.server.url, self.server.api_key))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with watched(tmp_path_factory.mktemp("full"), "serve") as server:
        yield Client(server)


def kinds(client: Client, *wanted: str) -> dict[str, int]:
    """How many events of these kinds the journal has."""
    return {kind: len(client.server.events(kind)) for kind in wanted}


async def refused(phone: BoundPhone) -> None:
    """The phone's head is not taken, and not acknowledged."""
    with pytest.raises(AssertionError, match="storage_full"):
        await phone.commit(CONTENT)


async def test_full_while_uploading(client: Client) -> None:
    phone = await client.bind()
    upload = await phone.commit(CONTENT)
    assert (await client.patch(upload, 0, CONTENT[:HALF])).status == 204
    before = kinds(client, "committed", "stored")
    with client.server.preload.full_disk():
        refused = await client.patch(upload, HALF, CONTENT[HALF:])
        assert (refused.word, refused.headers["Retry-After"]) == ("507 storage_full", "30")
        assert refused.told["do"]
        assert await client.offset(upload) == str(HALF)
        assert kinds(client, "committed", "stored") == before
        ready = await client.ask("GET", "/readyz")
        assert ready.status == 503
    done = await client.patch(upload, HALF, CONTENT[HALF:])
    assert (done.status, "Evidence-Receipt" in done.headers) == (204, True)
    assert (await client.ask("GET", "/readyz")).status == 200


async def test_full_before_the_first_byte(client: Client) -> None:
    upload = await (await client.bind()).commit(CONTENT)
    with client.server.preload.full_disk():
        assert {(await client.patch(upload, 0, CONTENT)).word} == FULL
        assert await client.offset(upload) == "0"
    assert (await client.patch(upload, 0, CONTENT)).status == 204


async def test_full_while_journalling(client: Client) -> None:
    phone = await client.bind()
    before = kinds(client, "committed")
    with client.server.preload.full_disk("journal.sqlite"):
        await refused(phone)
        reads = await client.ask("GET", "/v1/binding", headers={"Authorization": f"Bearer {phone.bearer}"})
        assert (reads.told["chain"], reads.told["unstored"]) == ([], [])
        assert kinds(client, "committed") == before
    upload = await phone.commit(CONTENT)
    assert (await client.patch(upload, 0, CONTENT)).status == 204


async def test_full_between_an_object_and_its_receipt(client: Client) -> None:
    upload = await (await client.bind()).commit(CONTENT)
    before = kinds(client, "stored")
    with client.server.preload.full_disk("journal.sqlite"):
        assert {(await client.patch(upload, 0, CONTENT)).word} == FULL
        assert (await client.ask("HEAD", upload, headers=TUS)).status == 507
        assert kinds(client, "stored") == before
    again = await client.ask("HEAD", upload, headers=TUS)
    assert (again.status, "Evidence-Receipt" in again.headers) == (200, True)
    assert kinds(client, "stored")["stored"] == before["stored"] + 1


async def test_nobody_is_bound_on_a_full_disk(client: Client) -> None:
    backend = {"Authorization": f"Bearer {client.server.api_key}"}
    before = kinds(client, "created", "claimed", "confirmed")
    with client.server.preload.full_disk():
        refused = await client.ask("POST", "/v1/sittings", json={"sitting_id": "s_1"}, headers=backend)
        assert {refused.word} == FULL
        unknown = await client.ask("GET", "/v1/sittings/s_1", headers=backend)
        assert unknown.word == "404 sitting_unknown"
    assert kinds(client, "created", "claimed", "confirmed") == before
    taken = await client.ask("POST", "/v1/sittings", json={"sitting_id": "s_1"}, headers=backend)
    assert taken.status == 200


async def outage(client: Client, phone: BoundPhone) -> dict[str, Any]:
    """The first failure of ours that moves this phone's deadline, once it is journalled."""
    backend = {"Authorization": f"Bearer {client.server.api_key}"}
    async with client.server.http.get(
        f"{client.server.url}/v1/sittings/{phone.sitting}/events", headers=backend,
        timeout=aiohttp.ClientTimeout(total=30),
    ) as stream:
        async for _ in stream.content:
            if moved := client.server.bodies(phone.sitting, "deadline_moved"):
                return moved[0]
    raise AssertionError("the stream ended before the deadline had moved")


async def test_time_without_room_counts_as_an_outage(client: Client) -> None:
    phone = await client.bind()
    with client.server.preload.full_disk("journal.sqlite"):
        await refused(phone)
    await phone.commit(CONTENT)
    assert await outage(client, phone)


async def test_a_full_store_counts_until_it_takes_something_again(client: Client) -> None:
    """Reading goes on meanwhile, and ends nothing."""
    phone = await client.bind()
    upload = await phone.commit(CONTENT)
    bearer = {"Authorization": f"Bearer {phone.bearer}"}
    with client.server.preload.full_disk("/objects/"):
        assert {(await client.patch(upload, 0, CONTENT)).word} == FULL
        assert (await client.ask("GET", "/v1/binding", headers=bearer)).status == 200
        assert (await client.ask("GET", "/v1/binding?wait=2", headers=bearer)).status == 200
    assert (await client.patch(upload, 0, CONTENT)).status == 204
    moved = await outage(client, phone)
    assert 2_000 <= moved["to_ms"] - moved["from_ms"] < 30_000


async def test_full_for_bare_uploads(tmp_path: Path) -> None:
    async with watched(tmp_path, "tus") as server:
        client, length = Client(server), {"Upload-Length": str(len(CONTENT))}
        created = await client.ask("POST", "/files", headers=TUS | length)
        upload = "/files/" + created.headers["Location"].rpartition("/")[2]
        assert (await client.patch(upload, 0, CONTENT[:HALF])).status == 204
        with server.preload.full_disk():
            assert {(await client.ask("POST", "/files", headers=TUS | length)).word} == FULL
            assert {(await client.patch(upload, HALF, CONTENT[HALF:])).word} == FULL
            assert await client.offset(upload) == str(HALF)
            assert len((server.data / "uploads.jsonl").read_bytes().splitlines()) == 1
        assert (await client.patch(upload, HALF, CONTENT[HALF:])).status == 204
        assert (await client.ask("POST", "/files", headers=TUS | length)).status == 201
