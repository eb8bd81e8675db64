"""Resident memory of `python -m evidence_server tus` during one 256 MiB upload, beside the peer's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.machine import Cores, facts, memory_mb
from bench.report import Goal, arguments, scratch, tell
from bench.servers import NODE, Server, both, peer_version
from bench.tus_load import Bodies, burst, require_stored

SIZE = 256 * 2**20
EVERY_S = 0.02


@contextmanager
def highest(server: Server) -> Iterator[list[float]]:
    """Appends the server's memory, in MB, every 20 ms while the block runs."""
    seen, done = [memory_mb(server.pid)], threading.Event()

    def watch() -> None:
        while not done.wait(EVERY_S):
            seen.append(memory_mb(server.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        done.set()
        watching.join()


def main() -> None:
    """Run and tell."""
    asked = arguments(__doc__ or "").parse_args()
    bodies = Bodies(SIZE)
    most: dict[str, dict[str, float]] = {}
    with both(scratch(asked.folder), Cores.here()) as servers:
        for server in servers:
            idle = memory_mb(server.pid)
            with highest(server) as seen:
                sent = burst(server, bodies, [0], clients=1)
            require_stored(server, bodies, sent)
            most[server.name] = {"idle": round(idle, 1), "highest": round(max(seen), 1)}
    mine, theirs = (most[server.name]["highest"] for server in servers)
    goal = Goal("resident memory during a 256 MiB upload", mine, 64, 80, "MB", peer=f"{theirs:g} MB")
    machine = facts(asked.folder, NODE) | {"@tus/server": peer_version()}
    tell("memory", machine, [goal], {"memory_mb": most}, asked.json)


if __name__ == "__main__":
    main()
