"""The public commands, run as real processes, for the demonstration and the end-to-end tests."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console

_PATIENCE_S = 60


class DemoError(Exception):
    """Something did not go as it must."""


async def command(say: Console, *arguments: str, cwd: str | None = None, expected: int = 0) -> str:
    """Runs `python -m evidence_server …`, shows what it prints, and gives that back."""
    say.print(f"$ python -m evidence_server {' '.join(arguments)}", style="cyan", markup=False)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evidence_server", *arguments, cwd=cwd,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0].decode()
    if "--json" not in arguments:
        say.print(printed.rstrip(), markup=False)
    if process.returncode != expected:
        raise DemoError(f"{arguments[0]} exited with {process.returncode}, not {expected}: {printed}")
    return printed


class Server:
    """`python -m evidence_server serve` on a folder, killable and restartable on the same port."""

    def __init__(self, say: Console, data: Path, public_url: str = "") -> None:
        self._say = say
        self.data = data
        self.port = free_port()
        self.public_url = public_url or f"http://127.0.0.1:{self.port}"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts it and waits until it answers."""
        log = (self.data.parent / "server.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "evidence_server", "serve", "--data", str(self.data),
            "--port", str(self.port), "--public-url", self.public_url,
            stdout=asyncio.subprocess.PIPE, stderr=log,
        )
        log.close()
        if self.process.stdout is None or not await self.process.stdout.readline():
            raise DemoError(f"the server did not start; see {self.data.parent / 'server.log'}")

    def kill(self) -> None:
        """SIGKILL, now."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)

    async def wait_killed(self) -> None:
        """Until the killed process is gone."""
        if self.process is not None:
            await self.process.wait()

    async def stop(self) -> None:
        """SIGTERM, and waits."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def command(self, name: str, *arguments: str, expected: int = 0) -> str:
        """One of the commands that talk to this server."""
        where = ("--data", str(self.data), "--port", str(self.port))
        return await command(self._say, name, *arguments, *where, expected=expected)

    async def command_json(self, name: str, *arguments: str) -> dict[str, Any]:
        """The one object that a command prints with --json."""
        answer: dict[str, Any] = json.loads(await self.command(name, *arguments))
        return answer

    async def state(self, sitting: str) -> dict[str, Any]:
        """The sitting as the backend sees it."""
        key = (self.data / "keys" / "api.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.get(
            f"http://127.0.0.1:{self.port}/v1/sittings/{sitting}"
        ) as answer:
            state: dict[str, Any] = await answer.json()
            return state

    async def jwks(self) -> dict[str, Any]:
        """The server's public keys."""
        async with aiohttp.ClientSession() as http, http.get(
            f"http://127.0.0.1:{self.port}/.well-known/jwks.json"
        ) as answer:
            keys: dict[str, Any] = await answer.json()
            return keys


@dataclass(frozen=True)
class Shown:
    """What the phone shows while it waits for the confirm."""

    digits: str
    key: str


class Phone:
    """`python -m phone_client run …`."""

    def __init__(self, say: Console, *arguments: str) -> None:
        self._say = say
        self._arguments = arguments
        self.process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._digits: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._key: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.lines: list[str] = []

    async def start(self) -> None:
        """Starts it."""
        text = " ".join(("run", *self._arguments))
        self._say.print(f"$ python -m phone_client {text}", style="cyan", markup=False)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "phone_client", "run", *self._arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read(self.process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        while line := (await process.stdout.readline()).decode().rstrip():
            self.lines.append(line)
            self._say.print(f"  phone │ {line}", style="dim", markup=False)
            digits = re.search(r"\b(\d{3}) (\d{3})\b", line)
            key = re.match(r"key: ([A-Za-z0-9_-]{43})$", line)
            if digits and not self._digits.done():
                self._digits.set_result(digits[1] + digits[2])
            if key and not self._key.done():
                self._key.set_result(key[1])

    async def shown(self) -> Shown:
        """The six digits and the key, once it shows them."""
        async with asyncio.timeout(_PATIENCE_S):
            return Shown(await self._digits, await self._key)

    async def wait_for_stored(self, server: Server, sitting: str, segments: int) -> None:
        """Until the server has stored so many segments."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                state = await server.state(sitting)
                if state["phone"] and state["phone"]["segments"]["stored"] >= segments:
                    return
                await asyncio.sleep(0.3)  # the public read has no event to wait for from outside

    async def finished(self) -> int:
        """Its exit code."""
        if self.process is None or self._reading is None:
            raise DemoError("the phone was not started")
        async with asyncio.timeout(3 * _PATIENCE_S):
            code = await self.process.wait()
            await self._reading
        return code

    def kill(self) -> None:
        """SIGKILL, now."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
