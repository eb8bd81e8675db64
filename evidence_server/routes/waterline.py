"""How much has to have arrived on a connection before its reader is woken (SO_RCVLOWAT).

Being woken for each packet costs more than the packet: the poll, the read, the parser, the task.  Left in
the kernel until there are more they come as one; nobody waits for them, because nothing is promised before
the body's end.  A lost connection is told at once all the same, and no reader waits for longer than
`holds.LONGEST_S` while the kernel holds something.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable

MOST_BYTES = 128 * 1024
"""More at once is no cheaper: it is half of what asyncio reads in one call."""
_INT = struct.Struct("i")
WORTH_S = 0.25
"""The reader is woken for about so many seconds' worth of what the line brings."""


class Waterline:
    """The line of one connection while it brings a body of a declared length.

    On a connection that is not TCP in the clear, or has no length to come, it does nothing.
    """

    def __init__(
        self, transport: asyncio.BaseTransport | None, declared: int | None, clock: Callable[[], float]
    ) -> None:
        """`declared` bytes are in the body; `clock` in seconds."""
        self._transport = transport
        self._socket: socket.socket | None = None
        if transport is not None and transport.get_extra_info("sslcontext") is None:
            self._socket = transport.get_extra_info("socket")
        self._declared = declared or 0
        self._clock, self._began = clock, clock()
        self._line = 1

    def wait_for_more(self, received: int) -> None:
        """To be called when all `received` bytes have been taken: wakes the reader when it is worth it."""
        missing = self._declared - received
        if missing <= 0:
            return
        worth = MOST_BYTES
        if (passed := self._clock() - self._began) > 0:
            worth = min(worth, int(WORTH_S * received / passed))
        # Never more than will come; and a line that is about right stays.
        if self._line > missing or not worth // 2 <= self._line <= worth * 2:
            self._set(max(1, min(worth, missing)))

    def lower(self) -> bool:
        """Have the reader woken by whatever there is; whether the kernel holds something for it."""
        self.end()
        connection = self._open()
        if connection is None:
            return False
        held = fcntl.ioctl(connection.fileno(), termios.FIONREAD, bytes(_INT.size))
        return _INT.unpack(held) != (0,)

    def end(self) -> None:
        """Leave the connection as it was."""
        if self._line != 1:
            self._set(1)

    def _set(self, line: int) -> None:
        connection = self._open()
        if connection is not None:
            self._line = line
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, line)

    def _open(self) -> socket.socket | None:
        """The connection, if it is still there: afterwards its number may be another's."""
        if self._transport is None or self._transport.is_closing():
            return None
        return self._socket
