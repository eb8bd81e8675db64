"""When to try again: exponential back-off with jitter, and the server's own pacing above it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 8.0


class Pacer:
    """Shared by everything that talks to one server, so that one refusal slows all of it.

    `jitter` gives a number in [0, 1): phones that lost one network must not come back in step."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._failures = 0
        self._ready_at = 0.0

    @property
    def online(self) -> bool:
        """Whether the last attempt succeeded (or none was made yet)."""
        return self._failures == 0

    def failed(self, after_s: float | None = None) -> None:
        """An attempt failed; `after_s` is the server's order to stay away."""
        now = asyncio.get_running_loop().time()
        if now < self._ready_at and after_s is None:
            return  # several attempts were under way at once: together they are one failure
        ceiling = min(LONGEST_S, FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        delay_s = ceiling * (0.5 + self._jitter() / 2)
        if after_s is not None:
            delay_s = max(delay_s, after_s * (1 + self._jitter() / 10))
        self._ready_at = max(self._ready_at, now + delay_s)

    def succeeded(self) -> None:
        """An attempt succeeded: the next failure begins with the shortest delay again."""
        self._failures = 0
        self._ready_at = 0.0

    async def ready(self) -> None:
        """Wait until another attempt may be made."""
        loop = asyncio.get_running_loop()
        # It is time that is waited for, and another failure may put it off meanwhile.
        while (delay_s := self._ready_at - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(delay_s)


class Signal:
    """Wakes everybody who waits, once.  Check the state and then wait without awaiting in between."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        """Wake all who wait now; only from the loop's own thread."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Until the next `fire`."""
        await self._event.wait()
