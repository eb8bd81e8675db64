"""When to try again: exponential back-off with jitter, and the server's own pacing above it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 8.0


class Pacing:
    """What all requests to one server share: its order to stay away, and whether it is reached.

    `jitter` gives a number in [0, 1): phones that lost one network must not come back in step."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self.jitter = jitter
        self.online = True
        self.ordered_until = 0.0


class Pacer:
    """One kind of request's own back-off, under the pacing of its server.

    `tells` says whether its failures mean that the network is away: one upload's do not."""

    def __init__(self, pacing: Pacing, tells: bool = True) -> None:
        self._pacing = pacing
        self._tells = tells
        self._failures = 0
        self._ready_at = 0.0

    def failed(self, after_s: float | None = None, reached: bool = True) -> None:
        """An attempt failed; `after_s` is the server's order (Retry-After), `reached` whether it answered."""
        if self._tells:
            self._pacing.online = reached
        now, jitter = asyncio.get_running_loop().time(), self._pacing.jitter()
        if after_s is not None:
            until = now + after_s * (1 + jitter / 10)
            self._pacing.ordered_until = max(self._pacing.ordered_until, until)
        if now < self._ready_at:
            return  # several attempts were under way at once: together they are one failure
        ceiling = min(LONGEST_S, FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        self._ready_at = now + ceiling * (0.5 + jitter / 2)

    def succeeded(self) -> None:
        """An attempt succeeded: the next failure begins with the shortest delay again."""
        self._pacing.online = True
        self._failures = 0
        self._ready_at = 0.0

    async def ready(self) -> None:
        """Wait until another attempt may be made."""
        loop = asyncio.get_running_loop()
        # It is time that is waited for, and another failure may put it off meanwhile.
        while (delay_s := max(self._ready_at, self._pacing.ordered_until) - loop.time()) > 0:  # noqa: ASYNC110
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
