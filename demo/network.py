"""A bad network between phone and server: a TCP proxy whose faults are ordered, not random.

For demonstration and tests.  It follows the phone's requests, to find uploads and the middle of one; it
changes nothing that it lets through.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_UPLOAD = re.compile(rb"PATCH (/uploads/[A-Za-z0-9_-]+) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PIECE = 16 * 1024


class _Requests:
    """The requests on one connection, as far as needed to know which upload's body is passing."""

    def __init__(self) -> None:
        self.upload = ""
        """Address of the newest request, if that is an upload."""
        self._head = b""
        self._passed = 0
        self._left = 0

    def feed(self, piece: bytes) -> None:
        """Takes the next bytes.  Bodies have a Content-Length: neither client sends chunks."""
        while piece:
            if self._left:
                taken = min(self._left, len(piece))
                self._passed, self._left, piece = self._passed + taken, self._left - taken, piece[taken:]
                continue
            head, end, rest = (self._head + piece).partition(b"\r\n\r\n")
            self._head, piece = (b"", rest) if end else (head, b"")
            if end:
                upload, length = _UPLOAD.match(head), _LENGTH.search(head)
                self.upload = upload[1].decode() if upload else ""
                self._passed, self._left = 0, int(length[1]) if length else 0

    @property
    def in_the_middle_of_an_upload(self) -> bool:
        """Whether some of an upload's body has passed, and some has not."""
        return bool(self.upload and self._passed and self._left)


class _Halt:
    """Where one upload is made to stand still."""

    def __init__(self) -> None:
        self.reached: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()


class Network:
    """Listens on `port` (0: a free one) and forwards to `target` on this machine."""

    def __init__(self, target: int, port: int = 0) -> None:
        self.target = target
        self.port = port
        self._down = False
        self._withhold_number = 0
        self._seen: list[str] = []
        self._halt: _Halt | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begins to forward."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends all connections and stops listening."""
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def cut(self) -> None:
        """The network is away: every connection is reset, new ones too."""
        self._down = True
        for writer in tuple(self._connections):
            writer.transport.abort()

    def restore(self) -> None:
        """The network is back."""
        self._down = False

    def withhold(self, number: int) -> None:
        """Never lets the `number`-th upload address used from now on through (1 is the next; 0: lets all)."""
        self._withhold_number = number
        self._seen = []

    @property
    def withheld(self) -> str:
        """The upload address that is withheld; empty while nobody has used it."""
        number = self._withhold_number
        return self._seen[number - 1] if 0 < number <= len(self._seen) else ""

    @asynccontextmanager
    async def in_the_middle_of_an_upload(self) -> AsyncIterator[str]:
        """Waits for a PATCH and lets a part of its body through; gives the upload's address.

        During the block it stands still, after the block its connection is cut."""
        halt = self._halt = _Halt()
        try:
            yield await halt.reached
        finally:
            self._halt = None
            halt.over.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            if self._down:
                writer.transport.abort()
                return
            with contextlib.suppress(OSError):
                upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.target)
                self._connections.add(upstream)
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._to_server(reader, upstream))
                        group.create_task(self._to_phone(upstream_reader, writer))
                except* (OSError, asyncio.IncompleteReadError):
                    pass
                finally:
                    self._connections.discard(upstream)
                    upstream.transport.abort()
        finally:
            self._connections.discard(writer)
            writer.transport.abort()

    async def _to_server(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        requests = _Requests()
        while piece := await reader.read(_PIECE):
            requests.feed(piece)
            if requests.upload and self._is_withheld(requests.upload):
                raise ConnectionResetError("withheld")
            upstream.write(piece)
            await upstream.drain()
            halt = self._halt
            if requests.in_the_middle_of_an_upload and halt is not None and not halt.reached.done():
                halt.reached.set_result(requests.upload)
                await halt.over.wait()
                raise ConnectionResetError("cut in the middle of an upload")
        raise ConnectionResetError("the phone has closed")

    async def _to_phone(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await upstream.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError("the server has closed")

    def _is_withheld(self, address: str) -> bool:
        if address not in self._seen:
            self._seen.append(address)
        return address == self.withheld
