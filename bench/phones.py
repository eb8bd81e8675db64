"""Many phones on one core: an hour of heads, uploads and measuring, and nothing acknowledged that is lost.

The server is the product, with HTTP, encryption and its media worker, all on one core; it does not look at
the pictures, which takes cores of its own.  The phones (`bench.phone_load`) have the other cores.
Afterwards the server is stopped, and every acknowledged head and every receipt is looked for in its
journal, every stored segment hashed.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression, mean, median, quantiles
from typing import Any

import aiohttp

from bench.machine import Cores, children, cpu_s, facts, memory_mb
from bench.phone_load import SEGMENT_S, Film, LoadPhone, Tally
from bench.report import Goal, arguments, scratch, tell
from evidence_server.data_folder import DataFolder
from evidence_server.event import Event
from evidence_server.journal import Journal
from evidence_server.keyring import KeyRing
from evidence_server.local_store import LocalStore
from evidence_server.sitting import fold
from pairing.encoding import b64u

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_S = 60
BINDING_TOGETHER = 8
EXAM_LEFT_MS = 7_200_000
"""The window goes on after the load: the verdict is not what is measured here."""


@contextmanager
def serving(data: Path, cores: Cores) -> Iterator[tuple[int, str]]:
    """The product's server on its core: process id and address; stopped by SIGTERM."""
    with (data.parent / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "evidence_server", "serve", "--data", str(data)]
        process = subprocess.Popen(
            [*command, "--port", str(_free_port())], cwd=ROOT, stdout=subprocess.PIPE, stderr=log,
            text=True, env=os.environ | {"EVIDENCE_LOG_LEVEL": "warning", "EVIDENCE_LOOK": "false"},
            preexec_fn=lambda: os.sched_setaffinity(0, {cores.server}),
        )
        try:
            for line in process.stdout or ():
                if "http://" in line:
                    yield process.pid, line.split()[-1]
                    break
            else:
                raise RuntimeError("the server did not start")
        finally:
            process.terminate()
            process.wait(timeout=120)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Sample:
    """The server at one moment: seconds since the start, its processor seconds, resident MB, heads so far."""

    at_s: float
    cpu_s: float
    server_mb: float
    worker_mb: float
    load: float
    heads: int


async def loaded(base: str, pid: int, api_key: str, phones: int, segments: int, film: Film) -> tuple[
    list[LoadPhone], Tally, list[Sample]
]:
    """Binds the phones, lets them work, and samples the server meanwhile."""
    tally = Tally()
    load = [LoadPhone(number, base, api_key, film, tally) for number in range(phones)]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
        end_ms = time.time_ns() // 1_000_000 + segments * SEGMENT_S * 1000 + EXAM_LEFT_MS
        for first in range(0, phones, BINDING_TOGETHER):
            some = load[first : first + BINDING_TOGETHER]
            await asyncio.gather(*(phone.bind(http, end_ms) for phone in some))
        gc.freeze()
        loop = asyncio.get_running_loop()
        began = loop.time()
        sampling = asyncio.create_task(_sample(pid, began, tally))
        try:
            await asyncio.gather(*(
                phone.work(http, began + SEGMENT_S * phone.number / phones, segments) for phone in load
            ))
        finally:
            sampling.cancel()
        samples = await asyncio.gather(sampling, return_exceptions=True)
    if isinstance(samples[0], BaseException):
        raise samples[0]
    return load, tally, samples[0]


async def _sample(pid: int, began: float, tally: Tally) -> list[Sample]:
    samples: list[Sample] = []
    loop = asyncio.get_running_loop()
    try:
        while True:
            worker = sum(memory_mb(child) for child in children(pid))
            sample = Sample(
                round(loop.time() - began, 1), cpu_s(pid), round(memory_mb(pid), 1), round(worker, 1),
                round(os.getloadavg()[0], 1), len(tally.waits_ms),
            )
            samples.append(sample)
            recent = sorted(tally.waits_ms[-2000:])
            p99 = f"{recent[len(recent) * 99 // 100]:.0f}" if recent else "-"
            print(f"{sample} p99 {p99} ms, errors {dict(tally.errors)}", file=sys.stderr, flush=True)
            await asyncio.sleep(SAMPLE_S)
    except asyncio.CancelledError:
        return samples


async def compared(data: Path, load: Sequence[LoadPhone]) -> dict[str, object]:
    """What the phones hold against what the server's folder holds: counts, and the lost of each kind."""
    folder = DataFolder(data)
    journal, store = await Journal.open(folder.journal), LocalStore(folder.objects, KeyRing(folder.keys))
    heads = receipts = size = measured = 0
    lost: list[str] = []
    problems: Counter[str] = Counter()
    try:
        for phone in load:
            events = await journal.read(phone.sitting)
            state = fold(phone.sitting, events)
            given = {body["head"]: body["receipt"] for body in _bodies(events, "stored")}
            segments = {segment.name: segment for segment in state.segments()}
            heads += len(phone.acknowledged)
            receipts += len(phone.receipts)
            lost += [f"head {name}" for name in phone.acknowledged if name not in segments]
            for name, receipt in phone.receipts.items():
                if name not in segments or given.get(name) != receipt:
                    lost.append(f"receipt {name}")
                    continue
                digest = hashlib.sha256()
                async for piece in store.chunks(phone.sitting, name):
                    digest.update(piece)
                    size += len(piece)
                if b64u(digest.digest()) != segments[name].sha256:
                    lost.append(f"media {name}")
            for segment in segments.values():
                if segment.measurement is not None:
                    measured += 1
                    problems.update(segment.measurement.problems)
    finally:
        await store.close()
        await journal.close()
    return {
        "heads": heads, "receipts": receipts, "bytes_compared": size, "lost": len(lost),
        "lost_first": lost[:5], "measured": measured, "problems": dict(problems),
    }


def _bodies(events: Iterable[Event], kind: str) -> Iterator[dict[str, Any]]:
    return (event.fields() for event in events if event.kind == kind)


def told(samples: Sequence[Sample], tally: Tally, minutes: float) -> dict[str, object]:
    """The figures of a run."""
    waits, lags = quantiles(tally.waits_ms, n=1000), quantiles(tally.lags_ms, n=100)
    late = [sample for sample in samples if sample.at_s >= samples[-1].at_s / 6]
    slope = 0.0
    if len(late) > 1:
        slope = linear_regression([s.at_s / 3600 for s in late], [s.server_mb for s in late]).slope
    used = samples[-1].cpu_s - samples[0].cpu_s
    return {
        "heads_per_s": round(len(tally.waits_ms) / (minutes * 60), 1),
        "head_p50_ms": round(median(tally.waits_ms), 1), "head_p99_ms": round(waits[989], 1),
        "head_p999_ms": round(waits[998], 1), "head_max_ms": round(max(tally.waits_ms), 1),
        "load_lag_p99_ms": round(lags[98], 1), "upload_p50_s": round(median(tally.upload_s), 2),
        "upload_max_s": round(max(tally.upload_s), 2), "uploaded_gb": round(tally.sent_bytes / 1e9, 2),
        "errors": dict(tally.errors),
        "server_cpu_share": round(used / (samples[-1].at_s - samples[0].at_s), 3) if used else 0,
        "server_mb_first": samples[0].server_mb, "server_mb_last": samples[-1].server_mb,
        "server_mb_most": max(sample.server_mb for sample in samples),
        "server_mb_an_hour": round(slope, 1), "worker_mb_most": max(sample.worker_mb for sample in samples),
        "loadavg": [sample.load for sample in samples],
        "server_mb": [sample.server_mb for sample in samples],
        "cpu_share": [
            round((after.cpu_s - before.cpu_s) / (after.at_s - before.at_s), 2)
            for before, after in pairwise(samples)
        ],
    }


def growth(samples: Sequence[Sample]) -> float:
    """By how much the server's memory grew from the first fifth to the last, once it was at work."""
    memory = [sample.server_mb for sample in samples[1:] or samples]
    fifth = max(1, len(memory) // 5)
    return mean(memory[-fifth:]) / mean(memory[:fifth]) - 1


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--phones", type=int, default=60)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--size", default="640x480", help="of the pictures, which sets the rate")
    asked = parser.parse_args()
    width, _, height = asked.size.partition("x")
    segments = asked.minutes * 60 // SEGMENT_S
    folder, cores = scratch(asked.folder), Cores.here()
    machine = facts(asked.folder)
    os.sched_setaffinity(0, cores.load)
    try:
        film = Film.shoot(folder, asked.minutes + 1, int(width), int(height))
        data = folder / "data"
        with serving(data, cores) as (pid, base):
            api_key = (data / "keys" / "api.key").read_text().strip()
            load, tally, samples = asyncio.run(loaded(base, pid, api_key, asked.phones, segments, film))
        os.sched_setaffinity(0, cores.load | {cores.server})
        found = asyncio.run(compared(data, load))
        log = (folder / "server.log").read_text()[-2000:]
    finally:
        shutil.rmtree(folder)
    figures, grown = told(samples, tally, asked.minutes), round(100 * growth(samples), 1)
    rate = sum(map(len, film.segments[:segments])) * 8 / (segments * SEGMENT_S)
    goals = [
        Goal("acknowledged or receipted, and lost", float(str(found["lost"])), 0, 0, ""),
        Goal("99th percentile of a head's wait", float(str(figures["head_p99_ms"])), 50, 100, "ms"),
        Goal("growth of memory from the first to the last fifth", grown, 10, 20, "%"),
    ]
    detail: dict[str, object] = {
        "phones": asked.phones, "minutes": asked.minutes, "picture": asked.size,
        "media_kbit_per_s": round(rate / 1000), **found, **figures, "server_warnings": log,
    }
    tell("phones", machine, goals, detail, asked.json)


if __name__ == "__main__":
    main()
