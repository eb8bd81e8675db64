"""A phone changes networks in the middle of an upload: how long its old connection, half open, holds it up.

Each time a PATCH falls silent without ending its connection; a newcomer asks HEAD and goes on.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from statistics import quantiles

from bench.machine import Cores, facts
from bench.report import Goal, arguments, scratch, tell
from bench.servers import Server, ours
from bench.tus_load import Bodies, Sent, connect, create, patch_head, require_stored, upload

SIZE = 2**20
SENT = SIZE // 2
GOAL_S = 0.5


class Others:
    """Phones that upload all the while, each one body after the other, and how long each took."""

    def __init__(self, server: Server, bodies: Bodies, clients: int) -> None:
        self._server, self._bodies = server, bodies
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        self.sent: list[Sent] = []
        self.took_s: list[float] = []
        self.failed: list[str] = []

    def __enter__(self) -> Others:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, first: int) -> None:
        number = 1_000_000 * (first + 1)
        while not self._stop.is_set():
            number += 1
            began = time.perf_counter()
            try:
                self.sent.append(upload(self._server, self._bodies, number))
            except (OSError, RuntimeError) as error:
                self.failed.append(repr(error))
            self.took_s.append(time.perf_counter() - began)


def take_over(server: Server, bodies: Bodies, number: int) -> tuple[float, Sent]:
    """Seconds until a newcomer's HEAD is answered; then it finishes the upload."""
    path = create(server, bodies.size)
    body = bodies[number]
    with connect(server) as old:
        old.sendall(patch_head(path, bodies.size) + body[:SENT])
        began = time.perf_counter()
        offset = offset_of(ask(server, f"HEAD {path} HTTP/1.1\r\n"))
        took_s = time.perf_counter() - began
        head = (
            f"PATCH {path} HTTP/1.1\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Upload-Offset: {offset}\r\nContent-Length: {bodies.size - offset}\r\n"
        )
        if offset_of(ask(server, head, body[offset:])) != bodies.size:
            raise RuntimeError(f"{server.name}: the newcomer's bytes were not taken")
    return took_s, Sent(path.rpartition("/")[2], number)


def ask(server: Server, head: str, body: bytes = b"") -> bytes:
    """The answer to one request on a connection of its own; `head` without what all requests have."""
    with connect(server) as newcomer:
        common = "Host: bench\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n\r\n"
        newcomer.sendall((head + common).encode() + body)
        answer = b""
        while piece := newcomer.recv(65536):
            answer += piece
    return answer


def offset_of(answer: bytes) -> int:
    """The Upload-Offset that an answer tells."""
    for line in answer.decode().lower().split("\r\n"):
        name, _, value = line.partition(": ")
        if name == "upload-offset":
            return int(value)
    raise RuntimeError(f"no offset in {answer!r}")


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--others", type=int, default=8)
    asked = parser.parse_args()
    cores, bodies = Cores.here(), Bodies(SIZE)
    machine = facts(asked.folder)
    os.sched_setaffinity(0, cores.load)
    folder = scratch(asked.folder)
    try:
        with ours(folder / "ours", cores) as server:
            with Others(server, bodies, asked.others) as others:
                taken = [take_over(server, bodies, number) for number in range(asked.times)]
            if others.failed:
                raise RuntimeError(f"others were disturbed: {others.failed[:3]}")
            sample = [*(sent for _, sent in taken), *others.sent[:: max(1, len(others.sent) // 200)]]
            require_stored(server, bodies, sample)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    cuts = quantiles((took_s for took_s, _ in taken), n=100)
    goal = Goal("newcomer answered, 99th percentile", round(cuts[98], 4), GOAL_S, GOAL_S, "s")
    detail: dict[str, object] = {
        "times": asked.times, "p50_s": round(cuts[49], 4), "p99_s": round(cuts[98], 4),
        "max_s": round(max(took_s for took_s, _ in taken), 4), "others_at_once": asked.others,
        "others_uploads": len(others.sent), "others_failed": len(others.failed),
        "others_longest_s": round(max(others.took_s), 3),
    }
    tell("half_open", machine, [goal], detail, asked.json)


if __name__ == "__main__":
    main()
