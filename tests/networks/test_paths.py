"""Uploads over networks that are slow, swallow, repeat and reorder; `bench/half_open.py` has the figures."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from demo.network import Network
from tests.upload.conftest import Serve
from tests.upload.raw_http import SAFETY_S, Address, Answer, Connection

CONTENT = random.Random(6).randbytes(600_000)
OTHERS = 8
SLOW_BITS_PER_S = 64_000
SILENCE_S = 4
"""Many times what a busy machine may hold up the slow network's pieces, of which there are ten a second."""


@pytest.fixture
async def path_through(bare: Address) -> AsyncIterator[Network]:
    """A network in front of the server."""
    network = Network(bare.port)
    await network.start()
    yield network
    await network.stop()


def through(network: Network) -> Address:
    return Address("127.0.0.1", network.port)


async def test_a_phone_that_changes_networks_goes_on_and_nobody_waits(
    bare: Address, path_through: Network
) -> None:
    """Its old connection stays half open; the newcomer takes over, while others upload undisturbed."""
    mine = await bare.create(len(CONTENT))
    others = [await bare.create(len(CONTENT)) for _ in range(OTHERS)]
    half = len(CONTENT) // 2
    async with AsyncExitStack() as stack:
        uploads: list[Connection] = [
            await stack.enter_async_context(bare.begun_patch(path, 0, len(CONTENT))) for path in others
        ]
        for upload in uploads:
            await upload.send(CONTENT[:half])
        old = await stack.enter_async_context(through(path_through).begun_patch(mine, 0, len(CONTENT)))
        await old.send(CONTENT[:half])
        path_through.abandon()
        async with asyncio.timeout(SAFETY_S):  # of the hour that the server would wait for the old one
            shown = await bare.head(mine)
            done = await bare.patch(mine, shown.offset, CONTENT[shown.offset :])
        assert (done.status, done.offset) == (204, len(CONTENT))
        for upload in uploads:
            await upload.send(CONTENT[half:])
            assert (await upload.answer()).offset == len(CONTENT)
    for path in (mine, *others):
        assert (await bare.ask("GET", path)).body == CONTENT


async def test_what_a_black_hole_swallowed_is_sent_again(bare: Address, path_through: Network) -> None:
    path = await bare.create(len(CONTENT))
    async with through(path_through).begun_patch(path, 0, len(CONTENT)) as swallowed:
        await swallowed.send(CONTENT[:100_000])
        path_through.swallow()
        await swallowed.send(CONTENT[100_000:])
        shown = await bare.head(path)
        assert shown.offset <= 100_000
        done = await bare.patch(path, shown.offset, CONTENT[shown.offset :])
        assert (done.status, done.offset) == (204, len(CONTENT))
        path_through.restore()  # what was on its way arrives after all: too late to change anything
        late = await swallowed.answer()
        assert (late.status, json.loads(late.body)["error"]) == (409, "upload_taken_over")
    assert (await bare.ask("GET", path)).body == CONTENT


async def test_the_slowest_network_is_not_taken_for_silence(tmp_path: Path, serve: Serve) -> None:
    """64 kbit/s, for longer than a body may stay silent; meanwhile others are as fast as ever."""
    content = CONTENT[: SLOW_BITS_PER_S // 8 * (SILENCE_S + 1)]
    async with serve(tmp_path, idle_s=SILENCE_S) as bare, AsyncExitStack() as stack:
        network = Network(bare.port)
        await network.start()
        stack.push_async_callback(network.stop)
        network.bits_per_s = SLOW_BITS_PER_S
        path, other = await bare.create(len(content)), await bare.create(len(CONTENT))
        slow = asyncio.create_task(through(network).patch(path, 0, content))
        fast = await bare.patch(other, 0, CONTENT)
        assert fast.offset == len(CONTENT)
        assert not slow.done()
        done = await slow
        assert (done.status, done.offset) == (204, len(content))
        assert (await bare.ask("GET", path)).body == content


async def test_a_patch_that_arrives_twice_counts_once(bare: Address) -> None:
    path = await bare.create(len(CONTENT))
    half = len(CONTENT) // 2
    for offset, piece in ((0, CONTENT[:half]), (half, CONTENT[half:])):
        twins = await asyncio.gather(*(bare.patch(path, offset, piece) for _ in range(3)))
        assert {answer.status for answer in twins} <= {204, 409}
        assert all(answer.offset <= offset + len(piece) for answer in twins)
        shown = await bare.head(path)
        if shown.offset < offset + len(piece):  # one took over from the other in the middle
            await bare.patch(path, shown.offset, CONTENT[shown.offset : offset + len(piece)])
    assert (await bare.ask("GET", path)).body == CONTENT
    for again in (await bare.patch(path, 0, CONTENT[:half]), await bare.patch(path, half, CONTENT[half:])):
        assert (again.status, again.offset) == (409, len(CONTENT))


async def test_patches_out_of_order_wait_for_their_turn(bare: Address) -> None:
    path = await bare.create(len(CONTENT))
    third = len(CONTENT) // 3
    pieces = [(at, CONTENT[at : at + third]) for at in range(0, len(CONTENT), third)]
    for at, piece in reversed(pieces):
        answer = await bare.patch(path, at, piece)
        assert (answer.status, answer.offset) == ((204, third) if at == 0 else (409, 0))
    for at, piece in pieces[1:]:
        assert (await bare.patch(path, at, piece)).offset == at + len(piece)
    assert (await bare.ask("GET", path)).body == CONTENT


@pytest.mark.parametrize("seed", range(4))
async def test_any_storm_of_patches_ends_in_the_right_bytes(bare: Address, seed: int) -> None:
    """Every piece several times, in any order, several at once: whoever follows Upload-Offset gets there."""
    path = await bare.create(len(CONTENT))
    chance = random.Random(seed)
    size = 50_000
    pieces = [(at, CONTENT[at : at + size]) for at in range(0, len(CONTENT), size)] * 3
    chance.shuffle(pieces)

    async def send(some: Sequence[tuple[int, bytes]]) -> list[Answer]:
        return [await bare.patch(path, at, piece) for at, piece in some]

    async with asyncio.timeout(SAFETY_S):
        answers = await asyncio.gather(*(send(pieces[start::4]) for start in range(4)))
    seen = [answer for some in answers for answer in some]
    assert {answer.status for answer in seen} <= {204, 409}
    shown = await bare.head(path)
    if shown.offset < len(CONTENT):
        done = await bare.patch(path, shown.offset, CONTENT[shown.offset :])
        assert (done.status, done.offset) == (204, len(CONTENT))
    assert (await bare.ask("GET", path)).body == CONTENT


async def test_an_offset_beyond_the_end_and_bytes_of_none(bare: Address) -> None:
    path, empty = await bare.create(len(CONTENT)), await bare.create(0)
    beyond = await bare.patch(path, len(CONTENT) + 1, b"")
    assert (beyond.status, beyond.offset, json.loads(beyond.body)["offset"]) == (409, 0, 0)
    none = await bare.patch(path, 0, b"")
    assert (none.status, none.offset) == (204, 0)
    for answer, status in ((await bare.head(empty), 200), (await bare.patch(empty, 0, b""), 204)):
        assert (answer.status, answer.offset) == (status, 0)
    assert (await bare.ask("GET", empty)).body == b""
