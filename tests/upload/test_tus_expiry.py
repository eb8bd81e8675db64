"""Unfinished uploads expire, counted from the last write; finished ones and those being written do not."""

from __future__ import annotations

from pathlib import Path

from tests.upload.conftest import RULES, Serve, now_ms
from tests.upload.raw_http import Address

EXPIRY_MS = RULES.expire_after_ms or 0


class Clock:
    """The real clock, set forward."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms


def parts(folder: Path) -> list[str]:
    return [path.name for path in (folder / "files" / "parts").iterdir()]


async def statuses(bare: Address, path: str) -> list[int]:
    return [(await bare.head(path)).status, (await bare.patch(path, 3, b"lo")).status]


async def test_the_time_begins_again_with_every_write(tmp_path: Path, serve: Serve) -> None:
    clock = Clock()
    clock.ahead_ms = 60_000 - EXPIRY_MS  # both are made so long ago that they have a minute left
    async with serve(tmp_path, now_ms=clock) as bare:
        written, forgotten = await bare.create(5), await bare.create(5)
        clock.ahead_ms = 0
        assert (await bare.patch(written, 0, b"hel")).status == 204
        assert (await bare.head(forgotten)).status == 200
        clock.ahead_ms = 120_000
        assert (await bare.head(written)).offset == 3
        assert await statuses(bare, forgotten) == [410, 410]
        clock.ahead_ms = EXPIRY_MS + 60_000
        assert await statuses(bare, written) == [410, 410]


async def test_what_expired_is_removed_and_what_is_finished_stays(tmp_path: Path, serve: Serve) -> None:
    clock = Clock()
    async with serve(tmp_path, now_ms=clock) as bare:
        finished, unfinished = await bare.create(5), await bare.create(5)
        assert (await bare.patch(finished, 0, b"hello")).status == 204
        assert (await bare.patch(unfinished, 0, b"hel")).status == 204
    clock.ahead_ms = EXPIRY_MS - 60_000
    async with serve(tmp_path, now_ms=clock) as bare:
        assert (await bare.head(unfinished)).offset == 3
        assert parts(tmp_path) == [unfinished.rpartition("/")[2]]
    clock.ahead_ms = EXPIRY_MS + 1
    async with serve(tmp_path, now_ms=clock) as bare:
        assert parts(tmp_path) == []
        assert await statuses(bare, unfinished) == [404, 404]
        assert (await bare.ask("GET", finished)).body == b"hello"


async def test_nothing_expires_while_it_is_written(tmp_path: Path, serve: Serve) -> None:
    clock = Clock()
    async with serve(tmp_path, now_ms=clock) as bare:
        path = await bare.create(5)
        async with bare.begun_patch(path, 0, 5) as slow:
            await slow.send(b"hel")
            clock.ahead_ms = 10 * EXPIRY_MS
            await slow.send(b"lo")
            assert (await slow.answer()).status == 204
        assert (await bare.ask("GET", path)).body == b"hello"
