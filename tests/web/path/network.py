"""The phone's network: fails in every way of tests/durability, can be slow, counts what the phone sends."""

from __future__ import annotations

import asyncio

from tests.durability.network import LossyNetwork

SLOW_BYTES_S = 8_000
"""64 kbit/s."""
_PACKET = 1_400


class PhoneNetwork(LossyNetwork):
    """`slow` lets 64 kbit/s through to the server; `sent` counts the phone's bytes on the wire."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self.slow = False
        self.sent = 0

    def count_anew(self) -> None:
        """From now on: the app itself and the probe before the exam are no media."""
        self.sent = 0

    async def _to_server(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PACKET if self.slow else 16 * 1024):
            self.sent += len(piece)
            if self._cut is not None:
                continue
            upstream.write(piece)
            await upstream.drain()
            if self.slow:
                # What a line of this rate does; nothing waits for it to be over.
                await asyncio.sleep(len(piece) / SLOW_BYTES_S)
        raise ConnectionResetError("the phone has closed")
