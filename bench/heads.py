"""Signed heads acknowledged durable: `Recorder` on a real journal on disk, real ES256 and Ed25519.

HTTP is left out.  A commit returns when SQLite has synced it (`synchronous=FULL`).  The phones sign
beforehand.  Two loads: *saturated*, a few phones commit the next batch as soon as the last one is
acknowledged; and *offered*, many phones send at their own times, whether others are answered or not.  The
peer is the disk: pages of 4 KiB, written and synced with nothing else, in the same run.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from pathlib import Path
from statistics import median, quantiles

from bench.machine import Cores, facts
from bench.report import Goal, arguments, scratch, tell
from evidence_server.memory import walk_seldom
from tests.sittings import Exam, Phone, Service

OFFERED_HEADS_PER_S = 1000
OFFERED_BATCHES = (1, 2, 3)
"""What a phone that is online sends: the head of the segment that ended, and perhaps a few more."""
PHONE_PERIOD_S = 4
"""How often a phone sends a batch: a segment's length."""
BINDING_TOGETHER = 50


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


async def offered(folder: Path, seconds: int) -> dict[str, float]:
    """Waits when OFFERED_HEADS_PER_S come from many phones, each at random moments of its own."""
    service, rng = await Service.open(folder), random.Random(1)
    phones = OFFERED_HEADS_PER_S * PHONE_PERIOD_S * len(OFFERED_BATCHES) // sum(OFFERED_BATCHES)
    exams: list[Exam] = []
    for first in range(0, phones, BINDING_TOGETHER):
        names = [f"s_{number}" for number in range(first, first + BINDING_TOGETHER)]
        exams += await asyncio.gather(*(Exam.begin(service, length_s=7200, name=name) for name in names))
    film: list[tuple[float, Phone, list[str]]] = []
    for exam in exams:
        begin_s = 0
        for period in range(seconds // PHONE_PERIOD_S):
            size = rng.choice(OFFERED_BATCHES)
            records = [exam.phone.head(begin_s + index, begin_s + index + 1).record for index in range(size)]
            film.append(((period + rng.random()) * PHONE_PERIOD_S, exam.phone, records))
            begin_s += size
    service.clock.to(7200)
    walk_seldom()  # as the server does; what the phones keep is not its to walk through
    loop, waits = asyncio.get_running_loop(), list[float]()
    began, used = loop.time(), time.process_time()

    async def commit(at_s: float, phone: Phone, records: list[str]) -> None:
        await asyncio.sleep(began + at_s - loop.time())
        await service.recorder.commit(phone.sitting, phone.thumb, records)
        waits.append((loop.time() - began - at_s) * 1000)

    await asyncio.gather(*(commit(*item) for item in film))
    took, used = loop.time() - began, time.process_time() - used
    await service.close()
    return {
        "offered_phones": phones, "offered_heads_per_s": round(sum(len(item[2]) for item in film) / took),
        "offered_cpu_share": round(used / took, 2),
        "p50_ms": round(median(waits), 1), "p99_ms": round(quantiles(waits, n=100)[-1], 1),
        "max_ms": round(max(waits), 1),
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
    parser.add_argument("--phones", type=int, default=8, help="of the saturated load")
    parser.add_argument("--batches", type=int, default=25)
    parser.add_argument("--heads", type=int, default=16, help="heads in a batch of theirs")
    parser.add_argument("--seconds", type=int, default=20, help="of the offered load")
    asked = parser.parse_args()
    folder, slowly, machine = scratch(asked.folder), scratch(asked.folder), facts(asked.folder)
    os.sched_setaffinity(0, {Cores.here().server})
    try:
        took = asyncio.run(measured(folder, asked.phones, asked.batches, asked.heads))
        took |= asyncio.run(offered(slowly, asked.seconds))
        took["bare_sync_ms"] = bare_syncs(folder, 200)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(slowly)
    goals = [
        Goal("heads acknowledged a second on one core", took["heads_per_s"], 1000, 400, "/s", True),
        Goal(f"99th percentile of the wait at {OFFERED_HEADS_PER_S} heads/s offered", took["p99_ms"], 50, 200,
             "ms"),
    ]
    detail: dict[str, object] = {"phones": asked.phones, "heads_a_batch": asked.heads, **took}
    tell("heads", machine, goals, detail, asked.json)


if __name__ == "__main__":
    main()
