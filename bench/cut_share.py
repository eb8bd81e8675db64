"""What of a PATCH is kept when its connection is cut, by RST or by FIN, against npm's @tus/server.

A phone sends 4 MiB in pieces, at 100 Mbit/s or as fast as this machine takes them, and is cut by chance.
What it has handed to the system counts as sent; kept is the Upload-Offset that it is told afterwards.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from statistics import median

from bench.half_open import ask, offset_of
from bench.machine import Cores, facts
from bench.report import Goal, arguments, scratch, tell
from bench.servers import NODE, Server, both, peer_version
from bench.tus_load import Bodies, connect, create, patch_head

SIZE = 4 * 2**20
PIECE = 64 * 1024
PAUSES_S = {"100 Mbit/s": PIECE * 8 / 100e6, "at once": 0.0}


def cut(server: Server, bodies: Bodies, number: int, pieces: int, pause_s: float, *, reset: bool) -> float:
    """Sends so many pieces, cuts, and asks; the share of what was sent that is kept."""
    path = create(server, bodies.size)
    body = memoryview(bodies[number])
    with connect(server) as phone:
        phone.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        phone.sendall(patch_head(path, bodies.size))
        for piece in range(pieces):
            phone.sendall(body[piece * PIECE : (piece + 1) * PIECE])
            if pause_s:
                time.sleep(pause_s)
        if reset:
            phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return offset_of(ask(server, f"HEAD {path} HTTP/1.1\r\n")) / (pieces * PIECE)


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--times", type=int, default=60, help="for each server and each way to cut")
    asked = parser.parse_args()
    cores, bodies, chance = Cores.here(), Bodies(SIZE), random.Random(1)
    machine = facts(asked.folder, NODE) | {"@tus/server": peer_version()}
    os.sched_setaffinity(0, cores.load)
    shares: dict[str, list[float]] = {}
    with both(scratch(asked.folder), cores) as servers:
        for number in range(asked.times):
            pieces = chance.randrange(1, SIZE // PIECE)
            for server in servers:
                for way, reset in (("RST", True), ("FIN", False)):
                    for speed, pause_s in PAUSES_S.items():
                        share = cut(server, bodies, number, pieces, pause_s, reset=reset)
                        shares.setdefault(f"{server.name}, {way}, {speed}", []).append(round(share, 3))
        ours = servers[0].name
    goals = [
        Goal(f"kept of what was sent, median, {speed}", _median(shares, ours, speed), 0.7, 0.7, "",
             more_is_better=True)
        for speed in PAUSES_S
    ]
    detail: dict[str, object] = {
        "times": asked.times, "medians": {name: round(median(some), 3) for name, some in shares.items()},
        "worst": {name: min(some) for name, some in shares.items()},
    }
    tell("cut_share", machine, goals, detail, asked.json)


def _median(shares: dict[str, list[float]], server: str, speed: str) -> float:
    """Of both ways to cut."""
    some = [
        share for name, found in shares.items() if name.startswith(server) and name.endswith(speed)
        for share in found
    ]
    return round(median(some), 3)


if __name__ == "__main__":
    main()
