"""A bad network between phone and server: a TCP proxy whose faults are ordered, not random.

For demonstration and tests.  It looks at the first bytes of what the phone sends, to find uploads; it changes
nothing that it lets through.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

_UPLOAD = re.compile(rb"PATCH (/uploads/[A-Za-z0-9_-]+) ")
_PIECE = 16 * 1024


class Network:
    """Listens on `port` (0: a free one) and forwards to `target` on this machine."""

    def __init__(self, target: int, port: int = 0) -> None:
        self.target = target
        self.port = port
        self._down = False
        self._withhold_number = 0
        self._seen: list[bytes] = []
        self._on_upload: Callable[[], None] | None = None
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

    async def in_the_middle_of_an_upload(self, then: Callable[[], None]) -> None:
        """Waits for a PATCH, lets its head and a first piece of its body through, then calls `then`."""
        reached = asyncio.Event()

        def on_upload() -> None:
            self._on_upload = None
            then()
            reached.set()

        self._on_upload = on_upload
        await reached.wait()

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
        uploading = False
        while piece := await reader.read(_PIECE):
            found = _UPLOAD.search(piece)
            if found is not None and self._is_withheld(found[1]):
                raise ConnectionResetError("withheld")
            upstream.write(piece)
            await upstream.drain()
            if uploading and self._on_upload is not None:
                self._on_upload()
            uploading = uploading or found is not None
        raise ConnectionResetError("the phone has closed")

    async def _to_phone(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await upstream.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError("the server has closed")

    def _is_withheld(self, address: bytes) -> bool:
        if address not in self._seen:
            self._seen.append(address)
        return self._withhold_number > 0 and self._seen.index(address) == self._withhold_number - 1
