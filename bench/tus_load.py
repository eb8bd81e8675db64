"""The load of the upload benchmarks: tus over plain sockets, cheap, and the same for all servers."""

from __future__ import annotations

import hashlib
import secrets
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.servers import Server

_TIMEOUT_S = 60


class Bodies:
    """Distinct bodies of one size: a number of its own in front of bytes that they share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._rest = secrets.token_bytes(size - 16)

    def __getitem__(self, number: int) -> bytes:
        return number.to_bytes(16, "big") + self._rest


@dataclass(frozen=True)
class Sent:
    """An upload that the server has answered 204: what it must hold now."""

    upload_id: str
    number: int


def create(server: Server, length: int) -> str:
    """POST on a connection of its own; gives the upload's path."""
    with connect(server) as connection:
        connection.sendall(
            f"POST {server.path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n"
            f"Upload-Length: {length}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        answer = _answer(connection)
    if not answer.startswith(b"HTTP/1.1 201"):
        raise RuntimeError(f"{server.name}: {answer!r}")
    for line in answer.decode().split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "location":
            return server.path + value.rpartition(server.path)[2]
    raise RuntimeError(f"{server.name} gave no Location")


def patch_head(path: str, length: int) -> bytes:
    """The head of a PATCH that brings the whole upload."""
    return (
        f"PATCH {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n"
        "Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Content-Length: {length}\r\n\r\n".encode()
    )


def require_taken(server: Server, answer: bytes, length: int) -> None:
    """Raise RuntimeError unless the answer says that all `length` bytes are there."""
    taken = f"upload-offset: {length}\r\n".encode()
    if not answer.startswith(b"HTTP/1.1 204") or taken not in answer.lower():
        raise RuntimeError(f"{server.name}: {answer!r}")


def upload(server: Server, bodies: Bodies, number: int) -> Sent:
    """One whole upload: POST, then PATCH, each on a new connection."""
    path = create(server, bodies.size)
    with connect(server) as connection:
        connection.sendall(patch_head(path, bodies.size))
        connection.sendall(bodies[number])
        require_taken(server, _answer(connection), bodies.size)
    return Sent(path.rpartition("/")[2], number)


def burst(server: Server, bodies: Bodies, numbers: Iterable[int], clients: int) -> list[Sent]:
    """Upload all `numbers`, `clients` at a time, as fast as the server takes them."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda number: upload(server, bodies, number), numbers))


def require_stored(server: Server, bodies: Bodies, sent: Iterable[Sent]) -> None:
    """Raise RuntimeError unless the server holds what was sent, by SHA-256."""
    for one in sent:
        stored = hashlib.sha256(server.stored(one.upload_id).read_bytes()).digest()
        if stored != hashlib.sha256(bodies[one.number]).digest():
            raise RuntimeError(f"{server.name} stored something else as {one.upload_id}")


def connect(server: Server) -> socket.socket:
    """A new connection."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=_TIMEOUT_S)


def _answer(connection: socket.socket) -> bytes:
    """The head of an answer."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise RuntimeError(f"the server hung up after {answer!r}")
        answer += piece
    return answer
