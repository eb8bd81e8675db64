"""What a request still takes in when its connection is lost, or when it has to give way."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from evidence_server.routes.holds import BodyCutError, Cut, Hold
from evidence_server.routes.waterline import Waterline

PATIENCE_S = 30


class Kernel(Waterline):
    """Holds pieces that come into the stream when the reader lets the loop turn."""

    def __init__(self, body: StreamReader, *pieces: bytes) -> None:
        super().__init__(None, None, lambda: 0.0)
        self._body, self._pieces = body, list(pieces)

    def lower(self) -> bool:
        if not self._pieces:
            return False
        asyncio.get_running_loop().call_soon(self._body.feed_data, self._pieces.pop(0))
        return True


@pytest.fixture
async def body() -> StreamReader:
    protocol = BaseProtocol(asyncio.get_running_loop())
    protocol.transport = asyncio.Transport()  # connected
    return StreamReader(protocol, 2**16)


async def given(hold: Hold, body: StreamReader) -> tuple[list[bytes], Cut | None]:
    """All that is read, and why there is no more: None at the body's end."""
    pieces: list[bytes] = []
    try:
        while piece := await hold.read(body, PATIENCE_S):
            pieces.append(piece)
    except BodyCutError as cut:
        return pieces, cut.cut
    finally:
        hold.let_go()
    return pieces, None


async def test_what_arrived_before_the_connection_was_lost_is_given(body: StreamReader) -> None:
    body.feed_data(b"one")
    body.feed_data(b"two")
    body.set_exception(ConnectionResetError())
    assert await given(Hold(), body) == ([b"onetwo"], Cut.BROKEN)


async def test_a_reader_that_waits_learns_of_a_lost_connection(body: StreamReader) -> None:
    asyncio.get_running_loop().call_soon(body.set_exception, ConnectionResetError())
    assert await given(Hold(), body) == ([], Cut.BROKEN)


@pytest.mark.parametrize("waiting", [True, False])
async def test_giving_way_takes_in_what_the_kernel_holds(body: StreamReader, waiting: bool) -> None:
    hold = Hold()
    hold.wake_at(Kernel(body, b"one", b"two", b"three"))

    if waiting:
        asyncio.get_running_loop().call_soon(hold.give_way, Cut.TAKEN_OVER)
    else:
        hold.give_way(Cut.TAKEN_OVER)
    pieces, cut = await given(hold, body)
    assert (b"".join(pieces), cut) == (b"onetwothree", Cut.TAKEN_OVER)


async def test_who_never_stops_sending_has_to_give_way_all_the_same(body: StreamReader) -> None:
    hold = Hold()
    hold.give_way(Cut.TAKEN_OVER)

    async def read_all() -> None:
        while True:
            body.feed_data(b"more")
            await hold.read(body, PATIENCE_S)

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(BodyCutError):
            await read_all()


async def test_what_the_kernel_holds_is_no_part_of_the_body(body: StreamReader) -> None:
    hold, kernel = Hold(), Kernel(body)
    kernel.lower = lambda: True  # type: ignore[method-assign]  # a chunk's header, of which nobody is told
    hold.wake_at(kernel)
    asyncio.get_running_loop().call_soon(hold.give_way, Cut.TAKEN_OVER)
    async with asyncio.timeout(PATIENCE_S):
        assert await given(hold, body) == ([], Cut.TAKEN_OVER)


async def test_the_end_of_a_body_is_its_end_also_when_giving_way(body: StreamReader) -> None:
    hold = Hold()
    body.feed_data(b"all")
    body.feed_eof()
    hold.give_way(Cut.TAKEN_OVER)
    assert await given(hold, body) == ([b"all"], None)
