"""Media that is not what its head said, or comes without one; and a deadline that passes unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bad_input.hosted import Candidate, Hosted, as_refusal, hosting
from tests.media.recordings import at_fragments, camera_file, fragmented_mp4
from tests.sittings import FakeClock, at
from tests.upload.raw_http import BODY, TUS, Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = bytes(range(256)) * 200
TEN_GB = 10 * 10**9


@pytest_asyncio.fixture(loop_scope="module")
async def phone(server: Hosted) -> Candidate:
    return await Candidate(server, (await server.create())["sitting_id"]).bind()


@pytest_asyncio.fixture(loop_scope="module")
async def path(phone: Candidate) -> str:
    """Where the first segment is to be uploaded."""
    now = phone.server.clock()
    return await phone.commit(phone.head(CONTENT, now, now + 4_000), len(CONTENT))


def refusal(answer: Answer) -> tuple[int, str]:
    told = as_refusal(answer.status, json.loads(answer.body))
    return told.status, told.code


async def stored(server: Hosted, path: str) -> bool:
    """Whether the segment is durable: it has a receipt; if not, the right bytes are then taken."""
    shown = await server.address.head(path)
    assert shown.status == 200
    if "evidence-receipt" in shown.headers:
        return True
    done = await server.address.patch(path, shown.offset, CONTENT[shown.offset :])
    assert (done.status, done.offset) == (204, len(CONTENT))
    assert done.headers["evidence-receipt"]
    return False


@pytest.mark.parametrize("address", ["/uploads/" + "x" * 43, "/uploads/x", "/uploads/" + "_" * 64])
async def test_media_without_a_head_has_no_address(server: Hosted, address: str) -> None:
    assert refusal(await server.address.patch(address, 0, CONTENT)) == (404, "upload_unknown")
    assert (await server.address.head(address)).status == 404
    made = await server.address.ask("POST", "/uploads", {**TUS, "Upload-Length": "5"}, b"")
    assert refusal(made) == (404, "not_found")


async def test_a_byte_too_many_is_refused_whole(server: Hosted, path: str) -> None:
    assert refusal(await server.address.patch(path, 0, CONTENT + b"x")) == (413, "upload_length")
    assert (await server.address.head(path)).offset == 0
    assert not await stored(server, path)


async def test_too_few_bytes_stay_unfinished(server: Hosted, phone: Candidate, path: str) -> None:
    assert (await server.address.patch(path, 0, CONTENT[:-1])).offset == len(CONTENT) - 1
    told = await server.refused("GET", f"/v1/receipts/{phone.newest}", token=phone.bearer)
    assert (told.status, told.code) == (409, "upload_unfinished")
    assert not await stored(server, path)


async def test_other_bytes_of_the_same_length_are_dropped(server: Hosted, path: str) -> None:
    answer = await server.address.patch(path, 0, CONTENT[::-1])
    assert refusal(answer) == (460, "upload_hash")
    assert answer.offset == 0
    assert not await stored(server, path)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, identity"])
async def test_compressed_media_is_refused(server: Hosted, path: str, coding: str) -> None:
    answer = await server.address.patch(path, 0, CONTENT, **{"Content-Encoding": coding})
    assert refusal(answer) == (415, "content_encoded")
    assert not await stored(server, path)


async def test_ten_gigabytes_are_refused_before_the_first_byte(server: Hosted, path: str) -> None:
    async with server.address.connect() as connection:
        headers = {**BODY, "Upload-Offset": "0", "Content-Length": str(TEN_GB)}
        await connection.begin("PATCH", path, headers)
        answer = await connection.answer()
    assert refusal(answer) == (413, "upload_length")
    assert answer.headers["connection"] == "close"
    assert not await stored(server, path)


async def test_ten_gigabytes_in_chunks_end_at_the_length(server: Hosted, path: str) -> None:
    """Declared nowhere: what exceeds the head's length ends it, long before."""
    async with server.address.connect() as connection:
        await connection.begin("PATCH", path, {**BODY, "Upload-Offset": "0", "Transfer-Encoding": "chunked"})
        await connection.send(f"{TEN_GB:x}\r\n".encode() + CONTENT + b"x")
        assert refusal(await connection.answer()) == (413, "upload_length")
    assert not await stored(server, path)


async def test_all_is_stored_before_and_nothing_changes_it(server: Hosted, path: str) -> None:
    assert not await stored(server, path)
    receipt = (await server.address.head(path)).headers["evidence-receipt"]
    for offset, content in ((0, CONTENT), (len(CONTENT), b"more")):
        answer = await server.address.patch(path, offset, content)
        assert refusal(answer)[0] in {409, 413}
    assert (await server.address.patch(path, len(CONTENT), b"")).headers["evidence-receipt"] == receipt


async def test_a_deadline_that_passes_while_the_server_is_down_is_not_the_candidates(tmp_path: Path) -> None:
    """An exam of six seconds whose media waits on the phone through an outage of three hours."""
    clock = FakeClock()
    segments = at_fragments("video/mp4", fragmented_mp4(camera_file(tmp_path)))
    segments = [segments[0] + segments[1], segments[2], b"".join(segments[3:])]
    async with hosting(tmp_path / "data", clock) as server:
        made = await server.create(window={"start_ms": at(0), "end_ms": at(6)})
        phone = await Candidate(server, made["sitting_id"]).bind()
        paths = []
        for number, content in enumerate(segments):
            head = phone.head(content, at(2 * number), at(2 * number + 2))
            clock.to(2 * number + 2)
            paths.append(await phone.commit(head, len(content)))
        clock.to(6)
        await server.ask("POST", f"/v1/sittings/{phone.sitting}/end", {"at_ms": at(6)})
        await phone.manifest(phone.listed)
        promised = (await server.state(phone.sitting))["deadline_ms"]
        assert promised == at(6) + 3_600_000

    clock.to(3 * 3_600)
    async with hosting(tmp_path / "data", clock) as server:
        state = await server.state(phone.sitting)
        assert state["verdict"] is None
        assert state["deadline_ms"] > clock() + 1_800_000
        for path, content in zip(paths, segments, strict=True):
            done = await server.address.patch(path, 0, content)
            assert done.headers["evidence-receipt"]
        state = await server.until(phone.sitting, lambda told: told["verdict"] is not None)
    assert (state["verdict"]["word"], state["verdict"]["reasons"]) == ("complete", [])
    assert state["verdict"]["deadline_ms"] > promised
