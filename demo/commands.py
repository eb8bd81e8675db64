"""The public commands, run as real processes, for the demonstration and the end-to-end tests."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
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

    async def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
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

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str:
        """The exam backend's key."""
        return (self.data / "keys" / "api.key").read_text().strip()

    async def state(self, sitting: str) -> dict[str, Any]:
        """The sitting as the backend sees it."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.get(
            f"{self.url}/v1/sittings/{sitting}"
        ) as answer:
            state: dict[str, Any] = await answer.json()
            return state

    async def states(self, sitting: str, token: str = "") -> AsyncGenerator[dict[str, Any]]:
        """The sitting now and after every change, as the server's event stream tells it.

        `token`: a page token; default: the backend's key."""
        headers = {"Authorization": f"Bearer {token or self.api_key}"}
        unending = aiohttp.ClientTimeout(total=None, sock_read=_PATIENCE_S)
        async with aiohttp.ClientSession(headers=headers, timeout=unending) as http, http.get(
            f"{self.url}/v1/sittings/{sitting}/events"
        ) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))

    async def until(self, sitting: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first state of the sitting, now or later, for which `reached` holds."""
        async with asyncio.timeout(_PATIENCE_S), aclosing(self.states(sitting)) as states:
            async for state in states:
                if reached(state):
                    return state
        raise DemoError("the server has ended its stream of states")

    async def wait_for_stored(self, sitting: str, segments: int) -> None:
        """Until so many of the phone's segments are stored."""
        await self.until(
            sitting,
            lambda state: bool(state["phone"]) and state["phone"]["segments"]["stored"] >= segments,
        )

    async def jwks(self) -> dict[str, Any]:
        """The server's public keys."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/.well-known/jwks.json") as answer:
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
        self._reading: asyncio.Future[Any] | None = None
        self._digits: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._key: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.lines: list[str] = []
        """Everything it printed."""
        self.printed = ""
        """What of that went to standard output."""

    async def start(self) -> None:
        """Starts it."""
        text = " ".join(("run", *self._arguments))
        self._say.print(f"$ python -m phone_client {text}", style="cyan", markup=False)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "phone_client", "run", *self._arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.gather(
            self._read(self.process.stdout, True), self._read(self.process.stderr, False)
        )

    async def _read(self, stream: asyncio.StreamReader | None, is_output: bool) -> None:
        while stream is not None and (raw := await stream.readline()):
            if is_output:
                self.printed += raw.decode()
            line = raw.decode().rstrip()
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

    async def finished(self) -> int:
        """Its exit code."""
        if self.process is None or self._reading is None:
            raise DemoError("the phone was not started")
        async with asyncio.timeout(3 * _PATIENCE_S):
            code = await self.process.wait()
            await self._reading
        return code

    async def kill(self) -> None:
        """SIGKILL; returns when the process is gone.  Nothing happens to one that has ended."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.finished()


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
