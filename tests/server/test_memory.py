"""Cycles are found, what the server remembers is left alone, and what is freed goes back."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from evidence_server.memory import MIDDLE, YOUNG, walk_seldom


class Leftover:
    """Something in a cycle, as an exception with its traceback is."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_requests_leave_behind_is_found_without_walking_through_the_rest() -> None:
    walk_seldom()
    before = gc.get_stats()[2]["collections"]
    leftover = weakref.ref(Leftover())
    kept = [[number] for number in range(2 * YOUNG * MIDDLE)]
    assert leftover() is None
    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 2 * YOUNG * MIDDLE


HOLES = """
import asyncio
from evidence_server.memory import give_back

def resident_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

async def main():
    segments = [b"x" * (100_000 + number) for number in range(600)]
    small = [bytearray(4_000) for _ in range(600)]  # behind them, at the heap's end
    segments.clear()
    held = resident_mb()
    giving = asyncio.create_task(give_back(0.01))
    async with asyncio.timeout(20):
        while resident_mb() > held - 40:
            await asyncio.sleep(0.01)
    giving.cancel()
    print(len(small))

asyncio.run(main())
"""


def test_what_is_freed_goes_back_to_the_system() -> None:
    assert subprocess.check_output([sys.executable, "-c", HOLES], text=True) == "600\n"
