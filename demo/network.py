"""A bad network between phone and server: a TCP proxy whose faults are ordered, not random.

For demonstration and tests.  It follows the phone's requests, to find uploads, the middle of one, and the
answer to a certain one; it changes nothing that it lets through.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

_UPLOAD = re.compile(rb"PATCH (/uploads/[A-Za-z0-9_-]+) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PIECE = 16 * 1024
_PIECES_A_SECOND = 10
"""How evenly a slow network lets bytes through."""


class _Requests:
    """The requests on one connection, as far as needed to know which upload's body is passing."""

    def __init__(self) -> None:
        self.line = ""
        """Method and address of the newest request."""
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
                self.line = head.partition(b" HTTP/")[0].decode("latin-1")
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


@dataclass(eq=False)
class _Link:
    """One connection: the writers to its two ends."""

    phone: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    abandoned: bool = False

    def end(self, *, reset: bool) -> None:
        """Ends it at both ends, by RST or by FIN."""
        for writer in (self.phone, self.server):
            if writer is not None:
                _end(writer, reset=reset)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if not reset:
        writer.close()
        return
    end: socket.socket | None = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it has ended already
        if end is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Network:
    """Listens on `port` (0: a free one) and forwards to `target` on this machine."""

    def __init__(self, target: int, port: int = 0) -> None:
        self.target = target
        self.port = port
        self.bits_per_s: int | None = None
        """How much each connection lets through in each direction; None: all."""
        self._down = False
        self._passing = asyncio.Event()
        self._passing.set()
        self._withhold_number = 0
        self._seen: list[str] = []
        self._halt: _Halt | None = None
        self._losing: tuple[re.Pattern[str], asyncio.Future[str]] | None = None
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begins to forward."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends all connections and stops listening."""
        self.cut()
        self._passing.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def cut(self, *, reset: bool = True) -> None:
        """The network is away: every connection ends, by RST or by FIN; new ones are reset."""
        self._down = True
        for link in tuple(self._links):
            link.end(reset=reset)

    def swallow(self) -> None:
        """The network is a black hole: connections stay, new ones come about, and nothing gets through."""
        self._passing.clear()

    def restore(self) -> None:
        """The network is back; what was swallowed and not given up by then arrives."""
        self._down = False
        self._passing.set()

    def abandon(self) -> None:
        """The phone has gone to another network: what is open now ends for it and stays open for the server,
        which hears nothing more of it."""
        for link in tuple(self._links):
            link.abandoned = True
            _end(link.phone, reset=True)

    def lose_answer(self, request: str) -> asyncio.Future[str]:
        """Loses the server's next answer to a request whose method and address match the pattern `request`,
        and the connection with it.  The future gives method and address once that has happened."""
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._losing = re.compile(request), lost
        return lost

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
        link = _Link(writer)
        self._links.add(link)
        try:
            if self._down:
                link.end(reset=True)
                return
            with contextlib.suppress(OSError):
                upstream, link.server = await asyncio.open_connection("127.0.0.1", self.target)
                requests = _Requests()
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._to_server(reader, link.server, requests, link))
                        group.create_task(self._to_phone(upstream, writer, requests))
                except* (OSError, asyncio.IncompleteReadError):
                    pass
        finally:
            self._links.discard(link)
            link.end(reset=True)

    async def _to_server(
        self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, requests: _Requests, link: _Link
    ) -> None:
        while piece := await self._next(reader, link):
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
        if not link.abandoned:
            raise ConnectionResetError("the phone has closed")

    async def _to_phone(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: _Requests
    ) -> None:
        while piece := await self._next(upstream):
            if self._losing is not None and self._losing[0].match(requests.line):
                (_, lost), self._losing = self._losing, None
                lost.set_result(requests.line)
                raise ConnectionResetError("the answer is lost")
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError("the server has closed")

    async def _next(self, reader: asyncio.StreamReader, link: _Link | None = None) -> bytes:
        """The next bytes, when their time has come; none at the end."""
        rate = self.bits_per_s
        try:
            piece = await reader.read(_PIECE if rate is None else max(1, rate // 8 // _PIECES_A_SECOND))
        except ConnectionError:
            if link is None or not link.abandoned:
                raise
            return b""
        if rate is not None:
            await asyncio.sleep(len(piece) * 8 / rate)
        await self._passing.wait()
        return piece

    def _is_withheld(self, address: str) -> bool:
        if address not in self._seen:
            self._seen.append(address)
        return address == self.withheld
