"""400 slow phones at once, each sending 8 KiB every 50 ms: CPU a gigabyte against npm's @tus/server.

Each phone uploads 1 MiB in one PATCH.  The uploads are created beforehand; only the PATCHes are counted.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Iterator
from itertools import count, islice
from statistics import median

from bench.machine import Cores, cpu_s, facts, memory_mb
from bench.report import Goal, arguments, scratch, tell
from bench.servers import NODE, Server, both, peer_version
from bench.tus_load import Bodies, Sent, connect, create, patch_head, require_stored, require_taken

SIZE = 2**20
PIECE = 8 * 1024
EVERY_S = 0.05
PATIENCE_S = 60


def trickle(server: Server, bodies: Bodies, paths: list[str], numbers: list[int]) -> list[Sent]:
    """One upload a number, all at the same time, the phones' moments spread evenly."""
    phones = [connect(server) for _ in numbers]
    for phone, path in zip(phones, paths, strict=True):
        phone.sendall(patch_head(path, bodies.size))
    contents = [memoryview(bodies[number]) for number in numbers]
    began = time.perf_counter()
    for step in range(bodies.size // PIECE):
        for index, phone in enumerate(phones):
            wait = began + (step + index / len(phones)) * EVERY_S - time.perf_counter()
            if wait > 0.001:
                time.sleep(wait)
            phone.sendall(contents[index][step * PIECE : (step + 1) * PIECE])
    for phone in _answered(phones):
        require_taken(server, phone.recv(65536), bodies.size)
        phone.close()
    return [Sent(path.rpartition("/")[2], number) for path, number in zip(paths, numbers, strict=True)]


def _answered(phones: list[socket.socket]) -> Iterator[socket.socket]:
    """The phones in the order in which they are answered."""
    with selectors.DefaultSelector() as waiting:
        for phone in phones:
            waiting.register(phone, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(PATIENCE_S)
            if not ready:
                raise TimeoutError("a phone is not answered")
            for key, _ in ready:
                waiting.unregister(key.fileobj)
                for phone in phones:
                    if phone.fileno() == key.fd:
                        yield phone


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--phones", type=int, default=400)
    asked = parser.parse_args()
    cores, bodies, numbers = Cores.here(), Bodies(SIZE), count()
    os.sched_setaffinity(0, cores.load)
    costs: dict[str, list[float]] = {}
    with both(scratch(asked.folder), cores) as servers:
        for _ in range(asked.rounds):
            for server in servers:
                some = list(islice(numbers, asked.phones))
                server.warm_memory(2 * len(some) * bodies.size)
                paths = [create(server, bodies.size) for _ in some]
                before = cpu_s(server.pid)
                sent = trickle(server, bodies, paths, some)
                used = cpu_s(server.pid) - before
                require_stored(server, bodies, sent)
                server.forget_uploads()
                costs.setdefault(server.name, []).append(round(used / (len(sent) * SIZE / 1e9), 2))
        memory = {server.name: round(memory_mb(server.pid, "VmHWM"), 1) for server in servers}
    mine, theirs = (median(costs[server.name]) for server in servers)
    ratio = round(mine / theirs, 3)
    goal = Goal(
        "CPU a gigabyte from slow phones, ours ÷ @tus/server", ratio, 0.45, 0.6, "×",
        peer=f"{theirs:.2f} s, ours {mine:.2f}",
    )
    machine = facts(asked.folder, NODE) | {"@tus/server": peer_version()}
    detail: dict[str, object] = {"phones": asked.phones, "cpu_s_per_gb": costs, "peak_memory_mb": memory}
    tell("slow_phones", machine, [goal], detail, asked.json)


if __name__ == "__main__":
    main()
