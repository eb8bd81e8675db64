"""10,000 sittings in one journal: folding one, listing all, and the sweep's look for what is due.

No peer: the limit is what a person or a timer waits for.  The sittings are made by the product's own code.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from bench.machine import facts
from bench.report import Goal, arguments, scratch, tell
from evidence_server.register import Register
from tests.sittings import Phone, Service, at

REPEATS = 20


async def milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    """Median time of `work`."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        await work()
        took.append((time.perf_counter() - began) * 1000)
    return round(median(took), 2)


async def measured(folder: Path, count: int) -> dict[str, float]:
    """Make `count` sittings, a tenth of them bound, and time what goes over all of them."""
    service = await Service.open(folder)
    began = time.perf_counter()
    for number in range(count):
        name = f"s_{number:05}"
        await service.binder.create(name, "oral", at(0), at(7200), {})
        if number % 10 == 0:
            await Phone(service, name).bind()
    making = (time.perf_counter() - began) / count * 1000
    journal = service.journal

    async def fold() -> None:
        await Register(journal, service.clock).look("s_00000")

    async def due() -> None:
        await journal.due(service.clock())
        await journal.next_due_ms()

    async def overdue() -> None:
        await journal.due(at(100_000))

    took = {
        "make_ms": round(making, 2), "fold_ms": await milliseconds(fold),
        "list_ms": await milliseconds(journal.sittings), "stages_ms": await milliseconds(journal.stages),
        "undecided_ms": await milliseconds(journal.undecided),
        "nothing_due_ms": await milliseconds(due), "all_due_ms": await milliseconds(overdue),
    }
    await service.close()
    return took


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--sittings", type=int, default=10_000)
    asked = parser.parse_args()
    folder = scratch(asked.folder)
    try:
        took = asyncio.run(measured(folder, asked.sittings))
    finally:
        shutil.rmtree(folder)
    goals = [
        Goal(f"list of {asked.sittings} sittings", took["list_ms"], 50, 200, "ms"),
        Goal("sweep's look for what is due", max(took["nothing_due_ms"], took["all_due_ms"]), 100, 400, "ms"),
    ]
    tell("sittings", facts(asked.folder), goals, {"took": took}, asked.json)


if __name__ == "__main__":
    main()
