"""A connection that ends by FIN or by RST at any point of a request: nothing is lost, nobody else notices."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from demo.network import Network
from tests.upload.conftest import serve_bare
from tests.upload.raw_http import BODY, SAFETY_S, TUS, Address, Connection

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = random.Random(5).randbytes(700_000)
HALF = len(CONTENT) // 2


@dataclass(frozen=True)
class Phase:
    """How much of a request is sent before the connection ends."""

    head: float
    body: float


PHASES: Mapping[str, Phase] = {
    "before headers": Phase(0, 0),
    "inside headers": Phase(0.5, 0),
    "after headers": Phase(1, 0),
    "inside the body": Phase(1, 0.5),
    "after the body": Phase(1, 1),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bare(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Address, Path]]:
    folder = tmp_path_factory.mktemp("phases") / "data"
    async with serve_bare(folder) as address:
        yield address, folder


async def broken_off(
    address: Address, ending: str, phase: Phase, method: str, path: str, headers: Mapping[str, str],
    body: bytes = b"",
) -> None:
    """Sends so much of a request, and ends its connection."""
    fields = (f"{name}: {value}" for name, value in headers.items())
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *fields]
    head = "\r\n".join([*lines, "", ""]).encode()
    async with address.connect() as connection:
        await connection.send(head[: round(len(head) * phase.head)] + body[: round(len(body) * phase.body)])
        await _end(connection, ending)


async def _end(connection: Connection, ending: str) -> None:
    if ending == "FIN":
        await connection.finish_sending()
    else:
        await connection.reset()


both_endings = pytest.mark.parametrize("ending", ["FIN", "RST"])


@both_endings
@pytest.mark.parametrize("phase", PHASES)
async def test_a_patch_that_breaks_off(bare: tuple[Address, Path], phase: str, ending: str) -> None:
    address, _ = bare
    path = await address.create(len(CONTENT))
    assert (await address.patch(path, 0, CONTENT[:HALF])).offset == HALF
    headers = {**BODY, "Upload-Offset": str(HALF), "Content-Length": str(len(CONTENT) - HALF)}
    with structlog.testing.capture_logs() as logged:
        await broken_off(address, ending, PHASES[phase], "PATCH", path, headers, CONTENT[HALF:])
        shown = await address.head(path)
    assert shown.status == 200
    sent = HALF + round((len(CONTENT) - HALF) * PHASES[phase].body)
    assert HALF <= shown.offset <= sent
    done = await address.patch(path, shown.offset, CONTENT[shown.offset :])
    assert (done.status, done.offset) == (204, len(CONTENT))
    assert (await address.ask("GET", path)).body == CONTENT
    assert logged == []


@both_endings
@pytest.mark.parametrize("phase", ["before headers", "inside headers", "after headers"])
async def test_a_head_that_breaks_off(bare: tuple[Address, Path], phase: str, ending: str) -> None:
    address, _ = bare
    path = await address.create(len(CONTENT))
    async with address.begun_patch(path, 0, len(CONTENT)) as other:
        await other.send(CONTENT[:HALF])
        with structlog.testing.capture_logs() as logged:
            await broken_off(address, ending, PHASES[phase], "HEAD", path, TUS)
        if phase != "after headers":  # nobody has asked yet: the PATCH goes on
            await other.send(CONTENT[HALF:])
            assert (await other.answer()).offset == len(CONTENT)
    shown = await address.head(path)
    done = await address.patch(path, shown.offset, CONTENT[shown.offset :])
    assert (done.status, done.offset) == (204, len(CONTENT))
    assert (await address.ask("GET", path)).body == CONTENT
    assert logged == []


@both_endings
@pytest.mark.parametrize("phase", PHASES)
async def test_a_post_that_breaks_off(bare: tuple[Address, Path], phase: str, ending: str) -> None:
    """Whoever did not learn the address begins anew; what was half made is not left behind."""
    address, folder = bare
    body = CONTENT[:HALF]
    headers = {**BODY, "Upload-Length": str(len(CONTENT)), "Content-Length": str(len(body))}
    with structlog.testing.capture_logs() as logged:
        await broken_off(address, ending, PHASES[phase], "POST", "/files/", headers, body)
        answer = await address.ask("POST", "/files/", {**BODY, "Upload-Length": str(len(CONTENT))}, body)
    assert (answer.status, answer.offset) == (201, HALF)
    path = answer.headers["location"]
    assert (await address.patch(path, HALF, CONTENT[HALF:])).offset == len(CONTENT)
    assert (await address.ask("GET", path)).body == CONTENT
    assert logged == []
    halves = {part.stat().st_size for part in (folder / "files" / "parts").iterdir()}
    assert halves <= {HALF}, "only a creation that was whole, and whose answer was lost, waits to expire"


async def test_an_answer_that_nobody_takes_changes_nothing(bare: tuple[Address, Path]) -> None:
    """The last byte has been sent, and the connection is gone before the 204: it is stored all the same."""
    address, _ = bare
    path = await address.create(len(CONTENT))
    network = Network(address.port)
    await network.start()
    lost = network.lose_answer(f"PATCH {path}")
    headers = {**BODY, "Upload-Offset": "0", "Content-Length": str(len(CONTENT))}
    async with Address("127.0.0.1", network.port).connect() as sending, asyncio.timeout(SAFETY_S):
        await sending.begin("PATCH", path, headers)
        await sending.send(CONTENT)
        await lost
    await network.stop()
    shown = await address.head(path)
    assert shown.offset == len(CONTENT)
    again = await address.patch(path, len(CONTENT), b"")
    assert (again.status, again.offset) == (204, len(CONTENT))
    assert (await address.ask("GET", path)).body == CONTENT
