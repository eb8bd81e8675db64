"""Media made to hurt, at a real server: it says what it is worth, and answers meanwhile as ever."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from demo.commands import Server
from tests.bad_input.hosted import MP4, Candidate, Hosted
from tests.media.recordings import at_fragments, camera_file, encoded, fragmented_mp4, webm
from tests.sittings import FakeClock
from tests.upload.raw_http import Address

ANSWER_S = 1.0
"""How long `/healthz` may take, whatever is measured at the time."""
LOOK_EVERY_S = 0.05
EXAM_MS = 60_000


class WallClock(FakeClock):
    """This machine's clock."""

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Hosted]:
    """A server process of its own."""
    server = Server(Console(quiet=True), tmp_path / "data")
    await server.start()
    async with aiohttp.ClientSession() as http:
        yield Hosted(http, Address("127.0.0.1", server.port), server.api_key, WallClock())
    await server.stop()


@dataclass(frozen=True)
class Media:
    """One run of one segment; `listed`: the verdict names it as unreadable, or else as a gap only."""

    content: bytes
    container: str = MP4
    listed: bool = True


def hostile(film: bytes, browsers: bytes) -> Mapping[str, Media]:
    """One of each kind."""
    header, fragment, *_ = at_fragments(MP4, film)
    table = film.index(b"trun") + 8
    return {
        "not media": Media(random.Random(1).randbytes(200_000)),
        "a page": Media(b"<!doctype html><title>no film</title>" * 1_000),
        "truncated in its header": Media(header[: len(header) // 2], listed=False),
        "without its header": Media(fragment),
        "cut in a fragment": Media(header + fragment[: len(fragment) // 3], listed=False),
        "another container": Media(browsers),
        "another codec": Media(encoded("mp4", "mpeg2video", 320, 240)),
        "pixels": Media(encoded("mp4", "libx264", 8190, 2046, preset="ultrafast")),
        "memory": Media(film[:table] + (0x3FF0000).to_bytes(4, "big") + film[table + 4 :]),
        "time": Media(header + b"\0\0\0\x08free" * (3 << 20), listed=False),
    }


@dataclass
class Watch:
    """How long `/healthz` took at worst, less what this process itself was held up."""

    answers: int = 0
    worst_s: float = 0.0

    async def look(self, server: Hosted) -> None:
        """Asks again and again, until cancelled."""
        while True:
            began = time.perf_counter()
            held_up = asyncio.create_task(_held_up())
            async with server.http.get(f"{server.address.url}/healthz") as answer:
                assert answer.status == 200
                await answer.read()
            took = time.perf_counter() - began
            self.worst_s = max(self.worst_s, took - await held_up)
            self.answers += 1


async def _held_up() -> float:
    """By how much a short sleep of this process is too long: the machine is busy, the server not to blame."""
    began = time.perf_counter()
    await asyncio.sleep(LOOK_EVERY_S)
    return time.perf_counter() - began - LOOK_EVERY_S


async def test_media_bombs_hold_up_nothing_and_are_named(real: Hosted, tmp_path: Path) -> None:
    camera = await asyncio.to_thread(camera_file, tmp_path)
    film, browsers = fragmented_mp4(camera), await asyncio.to_thread(webm, camera)
    kinds = await asyncio.to_thread(hostile, film, browsers)
    start = real.clock() - EXAM_MS
    made = await real.create(window={"start_ms": start})
    phone = await Candidate(real, made["sitting_id"]).bind()

    watch = Watch()
    looking = asyncio.create_task(watch.look(real))
    runs = []
    for media in kinds.values():
        await phone.deliver(media.content, start, start + EXAM_MS // 2, container=media.container)
        runs.append(phone.listed)
        phone.next_run()
    await phone.deliver(film, start, start + 6_000)
    runs.append(phone.listed)
    await real.ask("POST", f"/v1/sittings/{phone.sitting}/end", {})
    await phone.manifest(*runs)
    state = await real.until(phone.sitting, lambda told: told["verdict"] is not None)
    looking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await looking

    assert watch.answers > len(kinds)
    assert watch.worst_s <= ANSWER_S
    verdict = state["verdict"]
    assert verdict["word"] == "incomplete"
    (found,) = (item for item in verdict["reasons"] if item["code"] == "undecodable_media")
    assert found["segments"] == sum(media.listed for media in kinds.values())
    # the honest run behind them all was measured, and is shown
    assert state["phone"]["segments"]["verified"] == len(kinds) + 1
    gap_s = sum(gap["length_ms"] for gap in verdict["gaps"]) / 1000
    assert gap_s >= EXAM_MS / 1000 - 8
