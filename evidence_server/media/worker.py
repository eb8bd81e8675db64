"""The media worker: the only process that lets uploaded bytes near libav.

``python -m evidence_server.media.worker`` speaks :mod:`evidence_server.media.wire` on its standard streams.
It is started for :class:`evidence_server.media.supervisor.MediaWorker`, which decides which run sits in
which seat.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

import av
import av.subtitles.stream  # PyAV imports it with the first file that it opens: too late for us

from evidence_server.media.demuxer import Seat
from evidence_server.media.limits import Limits
from evidence_server.media.measurement import Measurement
from evidence_server.media.reading import Reading
from evidence_server.media.wire import pack, receive

#: Bytes of stack for a demuxer's thread: boxes nest at most ten deep.
_STACK_BYTES = 512 << 10


class Worker:
    """Answers requests, one at a time; a seat holds one open run."""

    def __init__(self, limits: Limits, seats: list[Seat], tools: dict[str, str]) -> None:
        """``seats`` are started threads; ``tools`` are the versions that measurements name."""
        self._limits = limits
        self._seats = seats
        self._tools = tools
        self._readings: dict[int, Reading] = {}

    def answer(self, request: dict[str, Any], piece: bytes) -> dict[str, Any]:
        """The reply to one request.

        Raises:
            MemoryError: the limit was reached; the process must end.
        """
        seat = request["seat"]
        if request["op"] == "feed":
            reading = self._readings.get(seat)
            if reading is None:
                reading = Reading(request["container"], self._limits, self._tools, self._seats[seat].begin)
                self._readings[seat] = reading
            return _reply(
                reading.feed(request["segment"], piece, jump=request["jump"], measure=request["measure"])
            )
        closing = self._readings.pop(seat, None)
        if closing is None:
            return _reply(None)
        if request["op"] == "finish":
            return _reply(closing.finish())
        closing.close()
        return _reply(None)


def _reply(measurement: Measurement | None) -> dict[str, Any]:
    return {"measurement": measurement.to_json() if measurement else None}


class Answering(Protocol):
    """What answers requests."""

    def answer(self, request: dict[str, Any], piece: bytes) -> dict[str, Any]:
        """The reply to one request.

        Raises:
            MemoryError: the limit was reached; the process must end.
        """


def serve(
    requests: BinaryIO, replies: BinaryIO, limits: Limits, tools: dict[str, str],
    begin: Callable[[list[Seat]], Answering],
) -> None:
    """Answer until ``requests`` ends or memory runs out; ``begin`` makes what answers, within the limits."""
    seats = start_seats(limits.open_runs)
    limits.apply_to_process()
    worker = begin(seats)
    _send(replies, {"tools": tools})
    while True:
        limits.allow_cpu()
        try:
            message = receive(requests)
            if message is None:
                return
            reply = worker.answer(*message)
        except MemoryError:
            _send(replies, {"fatal": "memory_limit"})
            return
        _send(replies, reply)


def start_seats(count: int) -> list[Seat]:
    """Threads for that many open runs."""
    threading.stack_size(_STACK_BYTES)
    seats = [Seat(number) for number in range(count)]
    for seat in seats:
        seat.start()
    return seats


def _send(replies: BinaryIO, reply: dict[str, Any]) -> None:
    replies.write(pack(reply))
    replies.flush()


def main() -> None:
    """The worker's process; its one argument is the limits as JSON."""
    av.logging.set_level(None)
    limits = Limits(**json.loads(sys.argv[1]))
    tools = {"av": av.__version__, "ffmpeg": av.ffmpeg_version_info}
    serve(
        sys.stdin.buffer, sys.stdout.buffer, limits, tools, lambda seats: Worker(limits, seats, tools)
    )


if __name__ == "__main__":
    main()
