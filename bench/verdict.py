"""From the last needed byte to the verdict of a two-hour recording, 1,800 segments.

All stages are the product's, on a real journal; the worker is scripted, so that what is timed is the
journal, folding, covering and judging, not pictures (`bench.verifying`).  All but the last segment are
stored and measured; then it is stored, measured, and the sweep is asked.  The parts are also timed alone.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bench.machine import facts
from bench.report import Goal, arguments, scratch, tell
from evidence_server.coverage import Span, cover, pending
from evidence_server.sitting import Sitting, fold
from evidence_server.verdict import judge
from tests.sittings import Exam, Service

PIECE_S = 4


async def measured(folder: Path, segments: int) -> dict[str, float]:
    """Seconds of the whole and milliseconds of its parts."""
    service = await Service.open(folder)
    length_s = segments * PIECE_S
    exam = await Exam.begin(service, length_s=length_s)
    film = await exam.phone.film(0, length_s, piece_s=PIECE_S)
    service.clock.to(length_s + 1)
    await exam.end(length_s)
    await exam.phone.manifest()
    await exam.phone.upload(*film[:-1])
    while await service.verifier.step(exam.sitting):
        pass
    await service.sweep.look_after(exam.sitting)
    began = time.perf_counter()
    await exam.phone.upload(film[-1])
    claims = await exam.verdict()
    took = time.perf_counter() - began
    if claims is None or claims["word"] != "complete":
        raise RuntimeError(f"no complete verdict: {claims}")
    state = await service.register.look(exam.sitting)
    events = await service.journal.read(exam.sitting)
    required = state.required
    if required is None:
        raise RuntimeError("no required interval")
    parts = {
        "fold_ms": _milliseconds(lambda: fold(exam.sitting, events)),
        "cover_ms": _milliseconds(lambda: cover(state, Span(*required))),
        "pending_ms": _milliseconds(lambda: pending(state, required[1])),
        "judge_ms": _milliseconds(lambda: judge(state)),
        "events": float(len(events)),
    }
    await service.close()
    return {"verdict_s": round(took, 3)} | parts


def _milliseconds(work: Callable[[], Sitting | object]) -> float:
    began = time.perf_counter()
    work()
    return round((time.perf_counter() - began) * 1000, 1)


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--segments", type=int, default=1800)
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # stdout is for the result
    folder = scratch(asked.folder)
    try:
        took = asyncio.run(measured(folder, asked.segments))
    finally:
        shutil.rmtree(folder)
    goals = [Goal("verdict after the last needed byte", took["verdict_s"], 5, 10, "s")]
    tell("verdict", facts(asked.folder), goals, {"segments": asked.segments, **took}, asked.json)


if __name__ == "__main__":
    main()
