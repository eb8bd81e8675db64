"""Connections that die, stall or are taken over in the middle of a PATCH."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from tests.upload.conftest import Serve
from tests.upload.raw_http import BODY, SAFETY_S, Address

MIB = 2**20
CONTENT = random.Random(1).randbytes(4 * MIB)
# What may be in the server's hands, read from the socket but not yet written, when a connection breaks.
IN_FLIGHT = MIB


async def resumed(bare: Address, path: str, offset: int) -> bytes:
    answer = await bare.patch(path, offset, CONTENT[offset:])
    assert (answer.status, answer.offset) == (204, len(CONTENT))
    return (await bare.ask("GET", path)).body


async def test_fin_keeps_what_arrived(bare: Address) -> None:
    path = await bare.create(len(CONTENT))
    async with bare.begun_patch(path, 0, len(CONTENT)) as dying:
        await dying.send(CONTENT[: 3 * MIB])
        await dying.finish_sending()
    offset = (await bare.head(path)).offset
    assert 3 * MIB - IN_FLIGHT <= offset <= 3 * MIB
    assert await resumed(bare, path, offset) == CONTENT


@pytest.mark.parametrize("sent", [0, 1, 65_536, 300_000, 3 * MIB])
async def test_reset_leaves_a_true_offset(bare: Address, sent: int) -> None:
    path = await bare.create(len(CONTENT))
    async with bare.begun_patch(path, 0, len(CONTENT)) as dying:
        await dying.send(CONTENT[:sent])
        await dying.reset()
    offset = (await bare.head(path)).offset
    assert offset <= sent
    assert await resumed(bare, path, offset) == CONTENT


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
async def test_a_newcomer_takes_over_from_a_silent_connection(bare: Address, method: str) -> None:
    path = await bare.create(len(CONTENT))
    async with bare.begun_patch(path, 0, len(CONTENT)) as silent:
        await silent.send(CONTENT[:MIB])
        asked = await bare.ask(method, path, {**BODY, "Upload-Offset": str(len(CONTENT))}, b"")
        if method == "DELETE":
            assert asked.status == 204
            assert (await bare.head(path)).status == 404
            return
        assert asked.status == (409 if method == "PATCH" else 200)
        assert asked.offset <= MIB
        told = await silent.answer()
        assert (told.status, json.loads(told.body)["error"]) == (409, "upload_taken_over")
        assert told.offset == asked.offset
        assert await resumed(bare, path, asked.offset) == CONTENT


async def test_taking_over_disturbs_no_other_upload(bare: Address) -> None:
    path, other = await bare.create(len(CONTENT)), await bare.create(len(CONTENT))
    async with bare.begun_patch(path, 0, len(CONTENT)), bare.begun_patch(other, 0, len(CONTENT)) as busy:
        await busy.send(CONTENT[:MIB])
        assert (await bare.head(path)).status == 200
        await busy.send(CONTENT[MIB:])
        assert (await busy.answer()).status == 204
    assert (await bare.ask("GET", other)).body == CONTENT


async def test_many_newcomers_all_get_an_answer(bare: Address) -> None:
    path = await bare.create(len(CONTENT))
    async with bare.begun_patch(path, 0, len(CONTENT)):
        async with asyncio.timeout(SAFETY_S):
            answers = await asyncio.gather(*(bare.head(path) for _ in range(20)))
    assert {(a.status, a.offset) for a in answers} == {(200, 0)}


async def test_of_two_waiting_writers_one_offset_results(bare: Address) -> None:
    path = await bare.create(len(CONTENT))
    async with bare.begun_patch(path, 0, len(CONTENT)):
        answers = await asyncio.gather(*(bare.patch(path, 0, CONTENT) for _ in range(4)))
    assert {a.status for a in answers} <= {204, 409}
    offset = (await bare.head(path)).offset
    assert await resumed(bare, path, offset) == CONTENT


async def test_an_idle_body_ends_its_request_and_keeps_its_bytes(tmp_path: Path, serve: Serve) -> None:
    async with serve(tmp_path, idle_s=1) as bare:
        path = await bare.create(len(CONTENT))
        async with bare.begun_patch(path, 0, len(CONTENT)) as stalled:
            await stalled.send(CONTENT[:1000])
            answer = await stalled.answer()
        assert (answer.status, answer.offset, answer.headers["connection"]) == (408, 1000, "close")
        assert (await bare.head(path)).offset == 1000


async def test_stopping_keeps_what_arrived_and_the_next_process_goes_on(tmp_path: Path, serve: Serve) -> None:
    async with serve(tmp_path) as bare:
        path = await bare.create(len(CONTENT))
        assert (await bare.patch(path, 0, CONTENT[:MIB])).status == 204
        begun = bare.begun_patch(path, MIB, len(CONTENT) - MIB)
        running = await begun.__aenter__()
        await running.send(CONTENT[MIB : 2 * MIB])
    answer = await running.answer()
    await begun.__aexit__(None, None, None)
    assert (answer.status, json.loads(answer.body)["error"]) == (503, "busy")
    async with serve(tmp_path) as bare:
        offset = (await bare.head(path)).offset
        assert offset == answer.offset >= MIB
        assert await resumed(bare, path, offset) == CONTENT


@pytest.mark.parametrize("ending", ["reset", "finish_sending"])
async def test_a_body_cut_before_its_checksum_was_checked_is_not_kept(bare: Address, ending: str) -> None:
    path = await bare.create(len(CONTENT))
    headers = {"Upload-Checksum": "sha1 " + "A" * 27 + "="}
    async with bare.begun_patch(path, 0, len(CONTENT), **headers) as dying:
        await dying.send(CONTENT[:MIB])
        await getattr(dying, ending)()
    assert (await bare.head(path)).offset == 0


async def test_chunked_patch_without_content_length(bare: Address) -> None:
    path = await bare.create(len(CONTENT))
    async with bare.connect() as connection:
        await connection.begin("PATCH", path, {**BODY, "Upload-Offset": "0", "Transfer-Encoding": "chunked"})
        for at in range(0, len(CONTENT), 100_000):
            piece = CONTENT[at : at + 100_000]
            await connection.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await connection.send(b"0\r\n\r\n")
        assert (await connection.answer()).offset == len(CONTENT)
    assert (await bare.ask("GET", path)).body == CONTENT


async def test_chunked_patch_beyond_the_length_is_refused_whole(bare: Address) -> None:
    path = await bare.create(10)
    async with bare.connect() as connection:
        await connection.begin("PATCH", path, {**BODY, "Upload-Offset": "0", "Transfer-Encoding": "chunked"})
        await connection.send(b"b\r\nhello world\r\n0\r\n\r\n")
        answer = await connection.answer()
    assert (answer.status, json.loads(answer.body)["error"]) == (413, "upload_length")
    assert (await bare.head(path)).offset == 0


async def test_chunked_patch_cut_in_mid_chunk_is_no_clean_end(bare: Address) -> None:
    path = await bare.create(10)
    async with bare.connect() as connection:
        await connection.begin("PATCH", path, {**BODY, "Upload-Offset": "0", "Transfer-Encoding": "chunked"})
        await connection.send(b"a\r\nhello")
        await connection.finish_sending()
    answer = await bare.head(path)
    assert answer.offset <= 5
    assert (await bare.ask("GET", path)).status == 409


async def test_a_small_refused_body_is_drained_and_the_connection_goes_on(bare: Address) -> None:
    path = await bare.create(1000)
    async with bare.connect() as connection:
        for _ in range(2):
            await connection.begin("PATCH", path, {**BODY, "Upload-Offset": "7", "Content-Length": "500"})
            await connection.send(bytes(500))
            answer = await connection.answer()
            assert (answer.status, answer.offset) == (409, 0)
            assert json.loads(answer.body)["offset"] == 0


async def test_a_refused_request_that_expects_to_continue_is_refused_before_its_body(bare: Address) -> None:
    path = await bare.create(1000)
    async with bare.connect() as connection:
        headers = {**BODY, "Upload-Offset": "7", "Content-Length": "500", "Expect": "100-continue"}
        await connection.begin("PATCH", path, headers)
        assert (await connection.answer()).status == 409
