"""Group commit: what many tasks want to write while one transaction is being synced shares the next one.

A disk syncs a hundred rows as fast as one, so a busy server pays for one sync a group instead of one a
writer, and an idle one waits for nothing: whoever comes first is written at once, alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MOST_TOGETHER = 128
"""Items in one transaction: enough to make its sync cheap, too few to keep the next ones waiting long."""

_Item = TypeVar("_Item")


class Conflict(Exception):  # noqa: N818  an answer of `write`, which never leaves this module's callers
    """Something in the group can't be written; nothing of the group was."""


@dataclass(frozen=True)
class _Waiting(Generic[_Item]):
    """An item and its fate: None once it is durable, else why it is not."""

    item: _Item
    fate: asyncio.Future[BaseException | None]


class Group(Generic[_Item]):
    """Writes items in the order in which they came, several in one transaction.

    `write` makes all it is given durable or nothing of it, and raises Conflict where one of them is to
    blame: each is then written alone, so that nobody fails for another's fault.
    """

    def __init__(self, write: Callable[[Sequence[_Item]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: deque[_Waiting[_Item]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: _Item) -> BaseException | None:
        """Waits until `item` is durable (None) or is known not to be: what `write` raised.

        A cancelled caller waits, too, and is cancelled then: until its item's fate is known, nobody may
        read or write in its place.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(item, loop.create_future())
        self._waiting.append(waiting)
        if self._writing is None:
            self._writing = loop.create_task(self._write_all())
        cancelled: asyncio.CancelledError | None = None
        while not waiting.fate.done():
            try:
                await asyncio.wait((waiting.fate,))
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
        return waiting.fate.result()

    async def _write_all(self) -> None:
        """Until nobody waits."""
        group: list[_Waiting[_Item]] = []
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
                await self._write_group(group)
        except BaseException as error:
            # The loop is going down: whoever waits is told, or would keep it from ending.
            for waiting in (*group, *self._waiting):
                if not waiting.fate.done():
                    waiting.fate.set_result(error)
            self._waiting.clear()
            raise
        finally:
            self._writing = None

    async def _write_group(self, group: Sequence[_Waiting[_Item]]) -> None:
        failure: Exception | None = None
        try:
            await self._write([waiting.item for waiting in group])
        except Conflict as error:
            if len(group) > 1:
                for waiting in group:
                    await self._write_group([waiting])
                return
            failure = error
        except Exception as error:
            failure = error
        for waiting in group:
            waiting.fate.set_result(failure)
