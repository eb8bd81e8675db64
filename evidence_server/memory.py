"""How the server's process keeps memory: what it remembers is left alone, what it has used goes back."""

from __future__ import annotations

import asyncio
import ctypes
import gc

YOUNG, MIDDLE, OLD = 10_000, 20, 100
"""Thresholds of the three generations; Python's own are 700, 10 and 10."""
GIVEN_BACK_EVERY_S = 60


def walk_seldom() -> None:
    """For a process that remembers much and drops little: call it once all is imported.

    Folded sittings have no cycles in them.  Walking through them stops every request, and with Python's own
    thresholds that happens often.  What is young is still walked through often: there are the cycles, in what
    requests leave behind.
    """
    gc.freeze()  # modules, routes and models, which stay anyway
    gc.set_threshold(YOUNG, MIDDLE, OLD)


async def give_back(every_s: float = GIVEN_BACK_EVERY_S) -> None:
    """Gives freed memory back to the system every `every_s`, until cancelled.

    The C library gives back what is free at its heap's end only, and there is always something small behind
    the segments that came and went: by itself the process would keep the most it ever needed, and more as
    the holes grow.  Elsewhere than with glibc (`malloc_trim(3)`) it does nothing.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return
    while True:
        await asyncio.sleep(every_s)
        await asyncio.to_thread(trim, 0)
