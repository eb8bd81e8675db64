"""HTTP by hand, for what no client library does: stop in mid-body, reset, wait for 100 Continue."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

TUS = {"Tus-Resumable": "1.0.0"}
BODY = {**TUS, "Content-Type": "application/offset+octet-stream"}
SAFETY_S = 30  # no test waits for this; it only keeps a broken one from hanging


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    @property
    def offset(self) -> int:
        return int(self.headers["upload-offset"])


@dataclass
class Connection:
    """One connection to a server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _head: bool = field(default=False)

    async def begin(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Send the head of a request."""
        self._head = method == "HEAD"
        lines = [f"{method} {path} HTTP/1.1", "Host: test", *(f"{k}: {v}" for k, v in headers.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self) -> Answer:
        """The next answer; an interim one (100) too."""
        async with asyncio.timeout(SAFETY_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
            body = b""
            if not self._head:
                body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return Answer(int(head[0].split()[1]), headers, body)

    async def reset(self) -> None:
        """Break the connection with an RST."""
        link: socket.socket = self.writer.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def finish_sending(self) -> None:
        """Break the connection with a FIN, then wait for the server to close its side."""
        self.writer.write_eof()
        async with asyncio.timeout(SAFETY_S):
            while await self.reader.read(65536):
                pass


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] = TUS, body: bytes | None = None
    ) -> Answer:
        """One whole request on a connection of its own."""
        length = {} if body is None else {"Content-Length": str(len(body))}
        async with self.connect() as connection:
            await connection.begin(method, path, {**headers, **length})
            if body:
                await connection.send(body)
            return await connection.answer()

    async def create(self, length: int, **headers: str) -> str:
        """The path of a new upload."""
        answer = await self.ask("POST", "/files/", {**TUS, "Upload-Length": str(length), **headers}, b"")
        assert answer.status == 201, answer
        return answer.headers["location"]

    async def patch(self, path: str, offset: int, body: bytes, **headers: str) -> Answer:
        return await self.ask("PATCH", path, {**BODY, "Upload-Offset": str(offset), **headers}, body)

    async def head(self, path: str) -> Answer:
        return await self.ask("HEAD", path)

    @asynccontextmanager
    async def begun_patch(
        self, path: str, offset: int, length: int, **headers: str
    ) -> AsyncIterator[Connection]:
        """A PATCH whose head the server has accepted: when this is entered it holds the upload."""
        async with self.connect() as connection:
            await connection.begin(
                "PATCH",
                path,
                {
                    **BODY,
                    "Upload-Offset": str(offset),
                    "Content-Length": str(length),
                    "Expect": "100-continue",
                    **headers,
                },
            )
            interim = await connection.answer()
            assert interim.status == 100, interim
            yield connection
