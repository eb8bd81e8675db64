"""Turns: sittings that have something to do take turns, one step at a time, and a failure stops none."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar

import structlog

from evidence_server.register import Register

RETRY_S = 5.0
"""Seconds after a failure of our own until that sitting's turn comes again."""

_log = structlog.get_logger("turns")


class Turns(ABC):
    """A stage that works in the background; `notice` tells it that a sitting may have something to do."""

    stage: ClassVar[str]
    """What the log calls it."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._waiting: dict[str, None] = {}
        self._news = asyncio.Event()

    @abstractmethod
    async def step(self, sitting: str) -> bool:
        """Does the next thing there is to do for `sitting`; False if there was none."""

    def notice(self, sitting: str) -> None:
        """Something was stored or noted for `sitting`, or its deadline has passed."""
        self._waiting[sitting] = None
        self._news.set()

    @property
    def waiting(self) -> int:
        """How many sittings have, or may have, something to do."""
        return len(self._waiting)

    async def run(self) -> None:
        """Works until cancelled, beginning with all sittings that are undecided."""
        for sitting in await self._register.journal.undecided():
            self.notice(sitting)
        while True:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
            sitting = next(iter(self._waiting))
            del self._waiting[sitting]
            try:
                if await self.step(sitting):
                    self.notice(sitting)
            except Exception as error:
                # Whatever it was, it is our own failure, not the media's: the verdict waits, so this sitting
                # is tried again later, and the others go on.
                _log.error("a step failed", stage=self.stage, sitting=sitting, exc_info=error)
                asyncio.get_running_loop().call_later(RETRY_S, self.notice, sitting)
