"""A server process that the witness watches, and a phone that asks it one thing after another."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from demo.commands import free_port
from tests.durability.witness import Preload

SAFETY_S = 60  # only keeps a broken server from hanging a test


@dataclass(frozen=True)
class Watched:
    """The running server, and a client of it that asks one thing after another."""

    preload: Preload
    data: Path
    url: str
    http: aiohttp.ClientSession

    @property
    def api_key(self) -> str:
        """The exam backend's key."""
        return (self.data / "keys" / "api.key").read_text().strip()

    def events(self, kind: str) -> list[str]:
        """The hashes of the journal's events of a kind, in their order."""
        with closing(sqlite3.connect(f"file:{self.data}/journal.sqlite?mode=ro", uri=True)) as journal:
            found = journal.execute("SELECT hash FROM events WHERE kind = ? ORDER BY rowid", (kind,))
            return [str(event) for (event,) in found.fetchall()]

    def bodies(self, sitting: str, kind: str) -> list[dict[str, Any]]:
        """What a sitting's events of a kind say, in their order."""
        with closing(sqlite3.connect(f"file:{self.data}/journal.sqlite?mode=ro", uri=True)) as journal:
            found = journal.execute(
                "SELECT body FROM events WHERE sitting = ? AND kind = ? ORDER BY seq", (sitting, kind)
            )
            return [json.loads(body) for (body,) in found.fetchall()]


@asynccontextmanager
async def watched(folder: Path, command: str) -> AsyncIterator[Watched]:
    """`python -m evidence_server COMMAND` on `folder`/data, with the witness in it."""
    data, port = folder / "data", free_port()
    program = ["evidence_server", command, "--data", str(data), "--port", str(port)]
    if command == "tus":  # what this command becomes: the witness is not handed on
        program = ["evidence_server.bare_tus", str(data), "127.0.0.1", str(port)]
    preload = Preload.compiled(folder, data)
    log = folder / "server.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *program,
            stdout=said, stderr=said, env=preload.environment,
        )
    try:
        async with asyncio.timeout(SAFETY_S):
            await _answers(port, process)
        # One connection: the answers are in the order of the questions.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http:
            yield Watched(preload, data, f"http://127.0.0.1:{port}", http)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        print(log.read_text())


async def _answers(port: int, process: asyncio.subprocess.Process) -> None:
    """Until the server takes connections."""
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise RuntimeError("the server did not start")
