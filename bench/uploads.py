"""1 MiB uploads (POST and PATCH, a new connection each, 16 clients) against npm's @tus/server + file store.

Ours hashes with SHA-256 and syncs data and folders before each 204; the peer does neither.  One core for
the server, the rest for the load; rounds alternate between the two; bodies differ; what was stored is
compared by hash.  Processor seconds a gigabyte (10^9 bytes) are the robust column: uploads a second suffer
from whatever else the machine does.  A third server (`bench.least_server`) shows what is left for anybody to
save: it hashes and syncs as ours does, and leaves out HTTP and all rules.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import count, islice
from statistics import median

from bench.machine import Cores, cpu_s, facts, memory_mb
from bench.report import Goal, arguments, scratch, tell
from bench.servers import NODE, Server, both, least, peer_version
from bench.tus_load import Bodies, burst, require_stored

SIZE = 2**20
CLIENTS = 16


@dataclass(frozen=True)
class Round:
    """One round on one server."""

    uploads_per_s: float
    cpu_s_per_gb: float


def measure(server: Server, bodies: Bodies, numbers: list[int]) -> Round:
    """Upload, then check and remove what was stored; only the uploading is timed."""
    server.warm_memory(2 * len(numbers) * bodies.size)
    cpu, began = cpu_s(server.pid), time.perf_counter()
    sent = burst(server, bodies, numbers, CLIENTS)
    seconds, used = time.perf_counter() - began, cpu_s(server.pid) - cpu
    require_stored(server, bodies, sent)
    server.forget_uploads()
    return Round(len(sent) / seconds, used / (len(sent) * bodies.size / 1e9))


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--uploads", type=int, default=128, help="uploads a round")
    asked = parser.parse_args()
    cores = Cores.here()
    bodies, numbers = Bodies(SIZE), count()
    machine = facts(asked.folder, NODE) | {"@tus/server": peer_version()}
    os.sched_setaffinity(0, cores.load)

    def some() -> list[int]:
        return list(islice(numbers, asked.uploads))

    folder = scratch(asked.folder)
    with both(folder, cores) as pair, least(folder / "least", cores) as bare:
        servers = (*pair, bare)
        rounds: dict[str, list[Round]] = {server.name: [] for server in servers}
        for server in servers:
            measure(server, bodies, some())  # warms up caches and the peer's compiler
        for _ in range(asked.rounds):
            for server in servers:
                rounds[server.name].append(measure(server, bodies, some()))
        memory = {server.name: round(memory_mb(server.pid, "VmHWM"), 1) for server in servers}
    all_rounds = [rounds[server.name] for server in servers]
    speed, their_speed, most_speed = (median(one.uploads_per_s for one in some) for some in all_rounds)
    cost, their_cost, least_cost = (median(one.cpu_s_per_gb for one in some) for some in all_rounds)
    goals = [
        Goal(
            "1 MiB uploads a second, ours ÷ @tus/server", round(speed / their_speed, 2), 3.0, 2.2, "×", True,
            f"{their_speed:.0f} /s, ours {speed:.0f}",
        ),
        Goal(
            "CPU a gigabyte, ours ÷ @tus/server", round(cost / their_cost, 3), 0.35, 0.45, "×",
            peer=f"{their_cost:.2f} s, ours {cost:.2f}",
        ),
    ]
    detail: dict[str, object] = {
        "uploads_a_round": asked.uploads,
        "least_in_python": {
            "uploads_a_second_ratio": round(most_speed / their_speed, 2),
            "cpu_ratio": round(least_cost / their_cost, 3),
        },
        "uploads_per_s": {name: [round(r.uploads_per_s, 1) for r in done] for name, done in rounds.items()},
        "cpu_s_per_gb": {name: [round(r.cpu_s_per_gb, 2) for r in done] for name, done in rounds.items()},
        "peak_memory_mb": memory,
    }
    tell("uploads", machine, goals, detail, asked.json)


if __name__ == "__main__":
    main()
