"""Signed heads acknowledged durable: `Recorder` on a real journal on disk, real ES256 and Ed25519.

HTTP is left out.  Several phones commit batches at the same time; a commit returns when SQLite has synced
it (`synchronous=FULL`).  The phones sign beforehand.  The peer is the disk: the same number of commits of
4 KiB, written and synced with nothing else, in the same run.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path
from statistics import median, quantiles

from bench.machine import Cores, facts
from bench.report import Goal, arguments, scratch, tell
from tests.sittings import Exam, Phone, Service

PACE_HEADS_PER_S = 200
PACED_HEADS = 2
"""What a phone that is online sends: the head of the segment that ended, and perhaps one more."""


async def measured(folder: Path, phones: int, batches: int, size: int) -> dict[str, float]:
    """Let each phone commit `batches` batches of `size` heads, as fast as they are taken."""
    service = await Service.open(folder)
    signed: list[tuple[Phone, list[list[str]]]] = []
    for number in range(phones):
        exam = await Exam.begin(service, length_s=7200, name=f"s_{number}")
        film = [[exam.phone.head(4.0 * (batch * size + index), 4.0 * (batch * size + index + 1)).record
                 for index in range(size)] for batch in range(batches)]
        signed.append((exam.phone, film))
    service.clock.to(7200)
    waits: list[float] = []

    async def commit_all(phone: Phone, film: list[list[str]]) -> None:
        for batch in film:
            asked = time.perf_counter()
            await service.recorder.commit(phone.sitting, phone.thumb, batch)
            waits.append((time.perf_counter() - asked) * 1000)

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(commit_all(phone, film) for phone, film in signed))
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    await service.close()
    heads = phones * batches * size
    return {
        "heads": heads, "heads_per_s": round(heads / seconds), "heads_per_cpu_s": round(heads / used),
        "saturated_p50_ms": round(median(waits), 1),
        "saturated_p99_ms": round(quantiles(waits, n=100)[-1], 1),
    }


async def paced(folder: Path, phones: int, batches: int) -> dict[str, float]:
    """Waits when heads come at a steady rate, PACED_HEADS at a time, from each phone in turn."""
    service = await Service.open(folder)
    film: list[tuple[Phone, list[str]]] = []
    exams = [await Exam.begin(service, length_s=7200, name=f"s_{number}") for number in range(phones)]
    for batch in range(batches):
        for exam in exams:
            begins = [4.0 * (batch * PACED_HEADS + index) for index in range(PACED_HEADS)]
            film.append((exam.phone, [exam.phone.head(begin, begin + 4).record for begin in begins]))
    service.clock.to(7200)
    loop, waits = asyncio.get_running_loop(), []
    began = loop.time()

    async def commit(number: int, phone: Phone, records: list[str]) -> None:
        due = began + number * PACED_HEADS / PACE_HEADS_PER_S
        await asyncio.sleep(due - loop.time())
        await service.recorder.commit(phone.sitting, phone.thumb, records)
        waits.append((loop.time() - due) * 1000)

    await asyncio.gather(*(commit(number, *item) for number, item in enumerate(film)))
    await service.close()
    return {
        "paced_heads_per_s": PACE_HEADS_PER_S, "paced_batch": PACED_HEADS,
        "p50_ms": round(median(waits), 1), "p99_ms": round(quantiles(waits, n=100)[-1], 1),
    }


def bare_syncs(folder: Path, times: int) -> float:
    """Milliseconds of writing 4 KiB and syncing them, the median."""
    took, handle = [], os.open(folder / "bare", os.O_WRONLY | os.O_CREAT)
    for number in range(times):
        began = time.perf_counter()
        os.pwrite(handle, bytes(4096), number * 4096)
        os.fdatasync(handle)
        took.append((time.perf_counter() - began) * 1000)
    os.close(handle)
    return round(median(took), 2)


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--phones", type=int, default=8)
    parser.add_argument("--batches", type=int, default=25)
    parser.add_argument("--heads", type=int, default=16, help="heads in a batch")
    asked = parser.parse_args()
    folder, slowly, machine = scratch(asked.folder), scratch(asked.folder), facts(asked.folder)
    os.sched_setaffinity(0, {Cores.here().server})
    try:
        took = asyncio.run(measured(folder, asked.phones, asked.batches, asked.heads))
        took |= asyncio.run(paced(slowly, 40, 50))
        took["bare_sync_ms"] = bare_syncs(folder, 200)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(slowly)
    goals = [
        Goal("heads acknowledged a second on one core", took["heads_per_s"], 1000, 400, "/s", True),
        Goal(f"99th percentile of the wait at {PACE_HEADS_PER_S} heads/s", took["p99_ms"], 50, 200, "ms"),
    ]
    detail: dict[str, object] = {"phones": asked.phones, "heads_a_batch": asked.heads, **took}
    tell("heads", machine, goals, detail, asked.json)


if __name__ == "__main__":
    main()
