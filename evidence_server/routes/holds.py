"""Who may touch an upload now: one request at a time, and the newest wins.

A connection that died without a word looks like one that is slow.  If its request kept the upload until
a timeout, the phone could not resume until then; so a newcomer tells the holder, by an event, to keep
what it has and let go.  Waiting is awaiting a lock: nobody polls, other uploads notice nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import StreamReader, web

from evidence_server.routes.waterline import Waterline

LONGEST_S = 1.0
"""How long a read may wait while the kernel holds something for it, in seconds."""
REST_S = 0.25
"""How long a request that was told to give way still takes in what has arrived: half of what the newcomer may
be made to wait."""


class Cut(Enum):
    """Why a body ended before its end."""

    TAKEN_OVER = "another request came for the same upload"
    STOPPING = "the server is stopping"
    IDLE = "nothing arrived for too long"
    BROKEN = "the connection or the body's encoding broke"


class BodyCutError(Exception):
    """The body of a request will not arrive whole."""

    def __init__(self, cut: Cut) -> None:
        super().__init__(cut.value)
        self.cut = cut


class Hold:
    """The right to work on one upload until told to give way."""

    def __init__(self) -> None:
        self._cut: Cut | None = None
        self._rest_until = 0.0
        self._last_taken = False
        self._reader: asyncio.Task[object] | None = None
        self._interrupted = False
        self._reading_since = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._giving_way: asyncio.TimerHandle | None = None
        self._waterline: Waterline | None = None

    def give_way(self, cut: Cut) -> None:
        """Make `read` raise BodyCutError as soon as it has given what arrived."""
        if self._cut is not None:
            return
        loop = asyncio.get_running_loop()
        self._cut, self._rest_until = cut, loop.time() + REST_S
        if self._waterline is not None and self._waterline.lower():
            # The current read gets what the kernel holds, unless that is no part of the body's bytes.
            self._giving_way = loop.call_at(self._rest_until, self._interrupt)
        else:
            self._interrupt()

    def _interrupt(self) -> None:
        if self._reader is not None:
            self._interrupted = True
            self._reader.cancel()

    def wake_at(self, waterline: Waterline) -> None:
        """Lower this line when somebody waits for what is below it, and at the end."""
        self._waterline = waterline

    async def read(self, body: StreamReader, idle_s: float) -> bytes:
        """The next bytes of the body, b"" at its proper end; BodyCutError if there will be no such end.

        Told to give way, or cut off, it still hands over what has already arrived.
        """
        try:
            if self._cut is not None:
                return await self._rest(body, self._cut)
            self._reading_since = asyncio.get_running_loop().time()
            if self._watch is None:
                self._look_for_idleness(idle_s)
            return await self._next(body)
        except (OSError, RuntimeError, web.RequestPayloadError) as error:
            # aiohttp: the connection was lost, was lost before we asked, or the coding is wrong or short.
            self._cut = self._cut or Cut.BROKEN
            if arrived := _arrived(body):
                return arrived
            raise BodyCutError(Cut.BROKEN) from error

    async def _next(self, body: StreamReader) -> bytes:
        # What `asyncio.timeout` does, without making one for each piece.
        task = asyncio.current_task()
        cancelling = 0 if task is None else task.cancelling()
        self._reader = task
        try:
            return await _piece(body)
        except asyncio.CancelledError:
            if task is None or self._cut is None or not self._interrupted or task.uncancel() > cancelling:
                raise
            cut = self._cut
        finally:
            self._reader = None
        return await self._rest(body, cut)

    async def _rest(self, body: StreamReader, cut: Cut) -> bytes:
        """What has arrived already, piece by piece: what the stream holds, then what the kernel holds."""
        if body.at_eof():
            return b""
        if self._last_taken:
            raise BodyCutError(cut)
        left_s = self._rest_until - asyncio.get_running_loop().time()
        self._last_taken = left_s <= 0
        if arrived := body.read_nowait():
            return arrived
        if left_s <= 0 or self._waterline is None or not self._waterline.lower():
            raise BodyCutError(cut)
        try:
            async with asyncio.timeout(left_s):
                return await _piece(body)
        except TimeoutError:
            raise BodyCutError(cut) from None

    def _look_for_idleness(self, idle_s: float) -> None:
        """Ends a read that has waited for `idle_s`, and looks again when the newest one would have.

        One timer for all reads: for a slow phone's small pieces, one each costs as much as the piece.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._reader is None:
            idle_at = now + idle_s
        elif (idle_at := self._reading_since + idle_s) <= now:
            self.give_way(Cut.IDLE)
            return
        elif self._waterline is not None and self._reading_since + LONGEST_S <= now:
            self._waterline.lower()
        self._watch = loop.call_at(min(idle_at, now + LONGEST_S), self._look_for_idleness, idle_s)

    def let_go(self) -> None:
        """Nothing more will be read."""
        for timer in (self._watch, self._giving_way):
            if timer is not None:
                timer.cancel()
        if self._waterline is not None:
            self._waterline.end()


async def _piece(body: StreamReader) -> bytes:
    """The next bytes.  Not `readany`, which copies all that has arrived into one."""
    piece, at_chunk_end = await body.readchunk()
    while at_chunk_end and not piece and not body.at_eof():
        piece, at_chunk_end = await body.readchunk()
    return piece


def _arrived(body: StreamReader) -> bytes:
    """What a stream had taken in when its connection was lost, which it refuses to give from then on."""
    if body.exception() is None:
        return b""
    body.set_exception(None)  # type: ignore[arg-type]  # the way to take one back
    return body.read_nowait()


@dataclass
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    holder: Hold | None = None
    users: int = 0


class Holds:
    """The holders and the waiting, by upload id."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._stopping = False

    def held(self, upload_id: str) -> bool:
        """Whether a request is working on the upload or waiting to."""
        return upload_id in self._lines

    @asynccontextmanager
    async def hold(self, upload_id: str) -> AsyncIterator[Hold]:
        """Take the upload over from whoever has it, as soon as that one has put it in order."""
        line = self._lines.setdefault(upload_id, _Line())
        line.users += 1
        if line.holder is not None:
            line.holder.give_way(Cut.TAKEN_OVER)
        try:
            async with line.lock:
                line.holder = Hold()
                if self._stopping:
                    line.holder.give_way(Cut.STOPPING)
                elif line.users > 1:  # someone newer is waiting already
                    line.holder.give_way(Cut.TAKEN_OVER)
                try:
                    yield line.holder
                finally:
                    line.holder.let_go()
                    line.holder = None
        finally:
            line.users -= 1
            if not line.users:
                del self._lines[upload_id]

    def stop(self) -> None:
        """Tell all holders, now and from now on, to keep what they have and end."""
        self._stopping = True
        for line in self._lines.values():
            if line.holder is not None:
                line.holder.give_way(Cut.STOPPING)
