"""A network that fails in three ways, and overhears what the server promises over it.

FIN closes every connection as a proxy that restarts does; RST tears it as a modem that hangs up does; a BLACK
HOLE keeps it open and lets nothing through.  What the server sent is overheard before the phone has it, so a
promise counts even if the phone is killed before it could write it down.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from enum import Enum

_PIECE = 16 * 1024
_ACKNOWLEDGEMENT = re.compile(rb'"acknowledgement": ?"([\w.-]+)"')
_RECEIPT = re.compile(rb"\r\nEvidence-Receipt: ([\w.-]+)\r\n", re.IGNORECASE)
_LONGEST_ANSWER = 256 * 1024
_ABORTED = struct.pack("ii", 1, 0)
"""SO_LINGER for zero seconds: closing sends RST."""


class Cut(Enum):
    """How a connection ends."""

    FIN = "fin"
    RST = "rst"
    BLACK_HOLE = "black_hole"


class LossyNetwork:
    """Listens on `port` and forwards to `target` on this machine."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.acknowledgements: set[str] = set()
        self.receipts: set[str] = set()
        self.passing = asyncio.Event()
        """Set when something of the phone's has been passed on to the server."""
        self._cut: Cut | None = None
        self._phones: set[asyncio.StreamWriter] = set()
        self._servers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Begins to forward."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends all connections and stops listening."""
        if self._listener is not None:
            self._listener.close()
        for writer in (*self._phones, *self._servers):
            writer.transport.abort()
        if self._listener is not None:
            await self._listener.wait_closed()

    def cut(self, cut: Cut) -> None:
        """From now on nothing gets through."""
        self._cut = cut
        if cut is not Cut.BLACK_HOLE:
            for writer in (*self._phones, *self._servers):
                _end(writer, cut)

    def restore(self) -> None:
        """New connections get through again.

        Those of a black hole are forgotten, as a router forgets them: the phone's next packet is answered
        with RST, and the server hears nothing, ever."""
        if self._cut is Cut.BLACK_HOLE:
            for writer in self._phones:
                _end(writer, Cut.RST)
        self._cut = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._phones.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self._cut is Cut.BLACK_HOLE:
                while await reader.read(_PIECE):  # until the phone's patience ends, or the black hole
                    pass
                return
            if self._cut is not None:
                _end(writer, self._cut)
                return
            answers, upstream = await asyncio.open_connection("127.0.0.1", self.target)
            self._servers.add(upstream)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._to_server(reader, upstream))
                group.create_task(self._to_phone(answers, writer))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._phones.discard(writer)
            writer.transport.abort()
            if upstream is not None:
                self._servers.discard(upstream)
                upstream.transport.abort()

    async def _to_server(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            if self._cut is None:
                upstream.write(piece)
                await upstream.drain()
                self.passing.set()
        raise ConnectionResetError("the phone has closed")

    async def _to_phone(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = b""
        while piece := await answers.read(_PIECE):
            heard = (heard + piece)[-_LONGEST_ANSWER:]
            self._overhear(heard)
            if self._cut is None:
                writer.write(piece)
                await writer.drain()
        raise ConnectionResetError("the server has closed")

    def _overhear(self, heard: bytes) -> None:
        self.acknowledgements.update(found.decode() for found in _ACKNOWLEDGEMENT.findall(heard))
        self.receipts.update(found.decode() for found in _RECEIPT.findall(heard))


def _end(writer: asyncio.StreamWriter, cut: Cut) -> None:
    if cut is Cut.FIN:
        writer.close()
        return
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTED)
    writer.transport.abort()
