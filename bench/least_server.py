"""The least that an upload can cost a Python process: what `bench.uploads` shows beside server and peer.

It hashes, syncs and links as ours does, and leaves out all the rest: it takes any POST and any PATCH of a
well-behaved client, on a connection each, reads their headers with a search for two of them, knows no rules,
no faults, no other request, and hashes and writes on the loop, where a slow disk would hold up everybody.
Never to be used for anything else: `python -m bench.least_server FOLDER`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import uvloop

from evidence_server.disk import sync_folder, write_all

_BUFFER = memoryview(bytearray(256 * 1024))
"""For all connections: what arrives in it is done with before the loop reads on."""
_LENGTH = re.compile(rb"(?:Upload|Content)-Length: (\d+)")


class _Folder:
    """Where uploads go, and the threads that wait for the disk."""

    def __init__(self, folder: Path) -> None:
        self.parts, self.objects = folder / "files" / "parts", folder / "files" / "objects"
        for sub in (self.parts, self.objects):
            sub.mkdir(parents=True)
        self._log = os.open(folder / "uploads.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._threads = ThreadPoolExecutor(4)

    def then(self, work: Callable[[], None], done: Callable[[], None]) -> None:
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        running.add_done_callback(lambda _: done())

    def declare(self, upload_id: str, length: int) -> None:
        os.write(self._log, json.dumps({"id": upload_id, "length": length}).encode() + b"\n")
        os.fdatasync(self._log)

    def finish(self, upload_id: str, handle: int) -> None:
        os.fdatasync(handle)
        os.link(self.parts / upload_id, self.objects / upload_id)
        sync_folder(self.objects)
        (self.parts / upload_id).unlink()
        os.close(handle)


class _Connection(asyncio.BufferedProtocol):
    """One request."""

    def __init__(self, folder: _Folder) -> None:
        self._folder = folder
        self._head = b""
        self._handle: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, and do not say so

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if self._handle is not None:
            self._take(_BUFFER[:nbytes])
            return
        self._head += bytes(_BUFFER[:nbytes])
        head, end, rest = self._head.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if not end or found is None:
            return
        method, path = head.split(b" ", 2)[:2]
        if method == b"POST":
            upload_id, length = secrets.token_hex(16), int(found[1])
            answer = f"HTTP/1.1 201 Created\r\nLocation: /files/{upload_id}\r\nContent-Length: 0\r\n\r\n"
            self._folder.then(
                lambda: self._folder.declare(upload_id, length), lambda: self._answer(answer)
            )
            return
        self._upload_id, self._length, self._offset = path.decode().rpartition("/")[2], int(found[1]), 0
        self._hash = hashlib.sha256()
        self._handle = os.open(self._folder.parts / self._upload_id, os.O_RDWR | os.O_CREAT, 0o600)
        if rest:
            self._take(memoryview(rest))

    def _take(self, piece: memoryview) -> None:
        handle = self._handle
        if handle is None:
            return
        write_all(handle, piece, self._offset)
        self._hash.update(piece)
        self._offset += len(piece)
        if self._offset == self._length:
            self._hash.hexdigest()
            answer = f"HTTP/1.1 204 No Content\r\nUpload-Offset: {self._length}\r\n\r\n"
            self._folder.then(
                lambda: self._folder.finish(self._upload_id, handle), lambda: self._answer(answer)
            )

    def _answer(self, answer: str) -> None:
        self._transport.write(answer.encode())
        self._transport.close()


async def _serve(folder: _Folder) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(folder), "127.0.0.1", 0)
    print(f"listening http://127.0.0.1:{server.sockets[0].getsockname()[1]}/files", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(_Folder(Path(sys.argv[1]))))
