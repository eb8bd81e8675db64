"""The worker dies, is killed, is full, is cancelled: whose fault it is, and what is measured next."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Sequence

import pytest

from evidence_server.media import Limits, MediaWorker, MediaWorkerError
from evidence_server.media.restart import MP4
from tests.media.recordings import at_fragments, codes, every, measured, reader, totals


def noting(segments: Sequence[bytes], asked: list[int]) -> Callable[[int], Awaitable[bytes]]:
    """A reader that notes what was asked for."""

    async def read(number: int) -> bytes:
        asked.append(number)
        return segments[number]

    return read


async def test_a_run_in_order_is_read_once(worker: MediaWorker, mp4: bytes) -> None:
    segments, asked = every(40_000, mp4), list[int]()
    for number in range(len(segments)):
        await worker.measure("run", number, range(number), MP4, noting(segments, asked))
    assert asked == list(range(len(segments)))


async def test_runs_side_by_side(worker: MediaWorker, mp4: bytes) -> None:
    segments = every(40_000, mp4)
    whole = await measured(worker, "whole", segments)
    pair = await asyncio.gather(*(measured(worker, name, segments) for name in ("left", "right")))
    assert pair == [whole, whole]


async def test_killed_from_outside_between_segments(worker: MediaWorker, mp4: bytes) -> None:
    segments, asked = every(40_000, mp4), list[int]()
    whole = await measured(worker, "whole", segments)
    await worker.measure("run", 0, (), MP4, reader(segments))
    await worker.measure("run", 1, (0,), MP4, reader(segments))
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    found = await worker.measure("run", 2, (0, 1), MP4, noting(segments, asked))
    assert found == whole[2]
    assert asked == [2, 0, 1] or asked == [2, 0, 0, 1]


async def test_killed_every_time_is_not_the_medias_fault(worker: MediaWorker, mp4: bytes) -> None:
    segments = every(40_000, mp4)

    async def read(number: int) -> bytes:
        if worker.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
        return segments[number]

    with pytest.raises(MediaWorkerError, match="SIGKILL"):
        await worker.measure("run", 3, (0, 1, 2), MP4, read)
    assert (await worker.measure("run", 0, (), MP4, reader(segments))).problems == ()


async def test_a_stuck_worker_is_not_the_medias_fault(mp4: bytes) -> None:
    async with MediaWorker(Limits(wall_s=1)) as worker:
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(MediaWorkerError, match="no answer"):
            await worker.measure("run", 0, (), MP4, reader([mp4]))
        assert (await worker.measure("run", 0, (), MP4, reader([mp4]))).problems == ()


async def test_a_worker_that_does_not_start() -> None:
    worker = MediaWorker(Limits(start_s=0))
    with pytest.raises(MediaWorkerError, match="no answer"):
        await worker.start()
    await worker.stop()


async def test_a_store_that_fails_is_not_the_medias_fault(worker: MediaWorker, mp4: bytes) -> None:
    segments = every(40_000, mp4)

    async def read(number: int) -> bytes:
        if number == 1:
            raise OSError("the disk is gone")
        return segments[number]

    with pytest.raises(OSError, match="disk"):
        await worker.measure("run", 2, (0, 1), MP4, read)
    whole = await measured(worker, "whole", segments)
    assert await worker.measure("run", 2, (0, 1), MP4, reader(segments)) == whole[2]


async def test_cancelled_in_the_middle(worker: MediaWorker, mp4: bytes) -> None:
    segments = every(40_000, mp4)
    whole = await measured(worker, "whole", segments)
    for turns in (0, 2, 5, 9):
        task = asyncio.create_task(worker.measure("run", 1, (0,), MP4, reader(segments)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await worker.measure("run", 2, (0, 1), MP4, reader(segments)) == whole[2]


async def test_more_runs_than_seats(mp4: bytes) -> None:
    segments, asked = every(40_000, mp4), list[int]()
    async with MediaWorker(Limits(open_runs=2)) as worker:
        whole = await measured(worker, "whole", segments)
        for number in range(len(segments)):
            for name in ("a", "b", "c"):
                before = range(number)
                found = await worker.measure(name, number, before, MP4, noting(segments, asked))
                assert found == whole[number]
    assert len(asked) > 3 * len(segments)


async def test_stopped_it_starts_again(worker: MediaWorker, mp4: bytes) -> None:
    first = worker.pid
    await worker.stop()
    assert worker.pid is None
    assert totals(await measured(worker, "run", at_fragments(MP4, mp4)))[0] > 0
    assert worker.pid not in (None, first)


async def test_a_deadly_segment_is_named_and_then_left_out(mp4: bytes) -> None:
    """A segment that needs more processor time than allowed, in the middle of a run."""
    segments, asked = at_fragments(MP4, mp4), list[int]()
    deadly = [*segments[:2], b"\0\0\0\x08free" * (12 << 20), *segments[3:]]
    async with MediaWorker(Limits(cpu_s=1, segment_bytes=256 << 20)) as worker:
        found = await measured(worker, "run", deadly)
        whole = await measured(worker, "whole", segments)
        again = await worker.measure("run", 3, (0, 1, 2), MP4, noting(deadly, asked))
    assert codes(found[2]) == ["time_limit"]
    assert asked == [3, 0, 1]
    last = max(found)
    assert totals({last: found[last]}) == totals({last: whole[last]})
    assert again == found[3]


async def test_who_kills_workers_makes_nobody_else_be_read_again(mp4: bytes) -> None:
    segments, asked, bomb = every(40_000, mp4), list[int](), [b"\0\0\0\x08free" * (12 << 20)]
    async with MediaWorker(Limits(cpu_s=1, segment_bytes=256 << 20)) as worker:
        assert codes(await worker.measure("hostile/1/1", 0, (), MP4, reader(bomb))) == ["time_limit"]
        await worker.measure("honest/1/1", 0, (), MP4, reader(segments))
        common = worker.pid
        assert codes(await worker.measure("hostile/1/2", 0, (), MP4, reader(bomb))) == ["time_limit"]
        await worker.measure("honest/1/1", 1, (0,), MP4, noting(segments, asked))
        assert (asked, worker.pid) == ([1], common)
        # What it sends besides is measured all the same.
        whole = await measured(worker, "honest/1/2", segments)
        assert await measured(worker, "hostile/1/3", segments) == whole


async def test_the_server_goes_on_while_a_segment_is_measured(worker: MediaWorker, mp4: bytes) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSTOP)
    measuring = asyncio.create_task(worker.measure("run", 0, (), MP4, reader([mp4 * 10])))
    other = await asyncio.create_subprocess_exec("true")
    assert await other.wait() == 0
    assert not measuring.done()
    os.kill(worker.pid, signal.SIGCONT)
    assert totals({0: await measuring})[0] > 0
