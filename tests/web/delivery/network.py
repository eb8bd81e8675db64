"""A network between the phone's browser and the server that is cut in the ways networks are, and counts.

FIN closes every connection; a BLACK HOLE keeps them open and lets nothing through, nor through new ones;
`rate_bps` makes it as slow as a bad mobile network.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from enum import Enum

_PIECE = 4 * 1024
_BUFFER = 16 * 1024
"""What the kernel may hold for either side: with more, a slow network would seem fast to whoever sends."""
_ABORTED = struct.pack("ii", 1, 0)


class Way(Enum):
    """How the network is."""

    UP = "up"
    DOWN = "down"
    BLACK_HOLE = "black_hole"


class Network:
    """Listens on `port` and forwards to `target` on this machine."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.sent = 0
        """Bytes from the phone that were taken, whether they arrived or not."""
        self.rate_bps: int | None = None
        self.way = Way.UP
        self._moved = asyncio.Event()
        self._swallowed = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Begins to forward."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        listening.bind(("127.0.0.1", 0))
        self._listener = await asyncio.start_server(self._serve, sock=listening, limit=_BUFFER)
        self.port = listening.getsockname()[1]

    async def stop(self) -> None:
        """Ends all connections and stops listening."""
        self._swallowed.set()
        self.way = Way.DOWN
        self._end_all()
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()

    def cut(self, way: Way) -> None:
        """From now on nothing gets through."""
        self.way = way
        self._swallowed = asyncio.Event()
        if way is Way.DOWN:
            self._end_all()

    def restore(self) -> None:
        """The network is back; connections that fell into a black hole are gone for good."""
        if self.way is Way.BLACK_HOLE:
            self._end_all()
        self._swallowed.set()
        self.way = Way.UP

    async def until_sent(self, more: int) -> None:
        """Waits until so many bytes more have come from the phone."""
        wanted = self.sent + more
        async with asyncio.timeout(60):
            while self.sent < wanted:
                self._moved.clear()
                await self._moved.wait()

    def _end_all(self) -> None:
        for writer in tuple(self._writers):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTED)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self.way is not Way.UP:
                if self.way is Way.BLACK_HOLE:
                    await self._swallowed.wait()
                return
            answers, upstream = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(upstream)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, upstream, counts=True))
                group.create_task(self._pass(answers, writer, counts=False))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for ended in (writer, upstream):
                if ended is not None:
                    self._writers.discard(ended)
                    ended.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool
    ) -> None:
        while piece := await reader.read(_PIECE):
            if self.way is Way.BLACK_HOLE:
                await self._swallowed.wait()
                break
            if counts:
                self.sent += len(piece)
                self._moved.set()
                if self.rate_bps is not None:
                    await asyncio.sleep(len(piece) * 8 / self.rate_bps)
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError("one side has closed")
