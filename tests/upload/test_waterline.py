"""When the reader of a body is woken."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from evidence_server.routes.waterline import MOST_BYTES, WORTH_S, Waterline

LENGTH = 2**20


@dataclass
class Line:
    """Two ends of a TCP connection, and the time; nothing reads at our end."""

    transport: asyncio.Transport
    peer: socket.socket
    now: float = 0.0

    @property
    def low(self) -> int:
        ours: socket.socket = self.transport.get_extra_info("socket")
        return ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)

    def waterline(self, declared: int | None = LENGTH) -> Waterline:
        return Waterline(self.transport, declared, lambda: self.now)

    def receive(self, content: bytes) -> None:
        """Into the kernel at our end, and no further."""
        self.peer.sendall(content)
        select.select([self.transport.get_extra_info("socket").fileno()], [], [])


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, ours)
    transport.pause_reading()
    with peer:
        yield Line(transport, peer)
    transport.close()


async def test_the_reader_is_woken_for_what_the_line_brings_in_a_while(line: Line) -> None:
    waterline = line.waterline()
    waterline.wait_for_more(8192)  # at once: nothing is known of the rate
    assert line.low == MOST_BYTES
    line.now = 1.0
    waterline.wait_for_more(16_000)
    assert line.low == 16_000 * WORTH_S
    line.now = 2.0
    waterline.wait_for_more(40_000)  # about the same: not worth a call
    assert line.low == 16_000 * WORTH_S


async def test_never_for_more_than_is_still_to_come(line: Line) -> None:
    waterline = line.waterline()
    waterline.wait_for_more(LENGTH - 5)
    assert line.low == 5
    waterline.wait_for_more(LENGTH)
    assert line.low == 5
    assert not waterline.lower()
    assert line.low == 1


async def test_without_a_length_for_every_byte(line: Line) -> None:
    waterline = line.waterline(None)
    waterline.wait_for_more(8192)
    assert line.low == 1
    Waterline(None, LENGTH, lambda: 0.0).wait_for_more(8192)


async def test_lowering_it_tells_whether_something_waits(line: Line) -> None:
    waterline = line.waterline()
    line.receive(b"hello")
    waterline.wait_for_more(8192)
    assert waterline.lower()
    assert line.low == 1
    assert waterline.lower()  # nobody has read it
    line.transport.resume_reading()
    await asyncio.sleep(0)  # one turn of the loop, which has something to read
    await asyncio.sleep(0)
    assert not waterline.lower()


async def test_a_connection_that_is_closing_is_left_alone(line: Line) -> None:
    waterline = line.waterline()
    waterline.wait_for_more(8192)
    line.transport.close()
    assert not waterline.lower()
    waterline.wait_for_more(9000)
