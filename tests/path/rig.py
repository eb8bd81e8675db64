"""A server, a network in front of it and phones, all real processes, for the length of one test."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console

from demo.commands import Phone, Server
from demo.network import Network
from tests.path.evidence import Bundle, PhoneFolder

PATIENCE_S = 60


@dataclass(frozen=True)
class Printed:
    """How a command ended and what it printed."""

    code: int
    output: str
    errors: str


async def run(*command: str, cwd: Path | None = None) -> Printed:
    """Run a program of the virtual environment's Python with `-m`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=cwd,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        output, errors = await process.communicate()
    return Printed(process.returncode or 0, output.decode(), errors.decode())


async def verify(bundle: Path, *arguments: str) -> Printed:
    """`verify` of a copy of the bundle, alone in an empty folder."""
    with tempfile.TemporaryDirectory() as empty:
        shutil.copy(bundle, empty)
        return await run("evidence_server", "verify", bundle.name, *arguments, cwd=Path(empty))


class Rig:
    """Use: `async with Rig(folder, camera) as rig`."""

    def __init__(self, folder: Path, camera: Path, say: Console | None = None) -> None:
        self.folder = folder
        self.camera = camera
        self._say = say or Console(width=200)
        self.network = Network(target=0)
        self._phones: list[Phone] = []

    async def __aenter__(self) -> Rig:
        async with AsyncExitStack() as stack:
            await self.network.start()
            stack.push_async_callback(self.network.stop)
            url = f"http://127.0.0.1:{self.network.port}"
            self.server = Server(self._say, self.folder / "data", url)
            stack.push_async_callback(self.server.stop)
            await self.server.start()
            self.network.target = self.server.port
            stack.push_async_callback(self._end_phones)
            self._ending = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._ending.aclose()

    async def _end_phones(self) -> None:
        for phone in self._phones:
            await phone.kill()

    async def create(self, *arguments: str) -> dict[str, Any]:
        """A sitting, created with the public command; one that needs no room scan, unless told otherwise."""
        if "--policy" not in arguments:
            arguments = (*arguments, "--policy", '{"checks": {"scan": "review"}}')
        return await self.server.command_json("sitting", *arguments, "--json")

    async def start_phone(self, *arguments: str) -> Phone:
        """A phone with this rig's camera file and its one buffer."""
        phone = Phone(
            self._say, *arguments, "--camera", str(self.camera), "--buffer", str(self.buffer),
            "--lang", "en", "--json",
        )
        self._phones.append(phone)
        await phone.start()
        return phone

    async def confirm(self, sitting: str, phone: Phone) -> None:
        """Confirm the phone by the key it shows, as somebody who has compared the digits."""
        shown = await phone.shown()
        claim = (await self.server.state(sitting))["claim"]
        if (claim["digits"], claim["key"]) != (shown.digits, shown.key):
            raise RuntimeError(f"the laptop shows {claim}, the phone {shown}")
        await self.server.command("confirm", sitting, "--key", shown.key)

    @property
    def buffer(self) -> Path:
        """The phone's folder."""
        return self.folder / "phone"

    def held(self) -> PhoneFolder:
        """What the phone holds now."""
        return PhoneFolder(self.buffer)

    async def until_recorded(self, segments: int) -> None:
        """Until the phone has sealed so many segments."""
        await self._until_held(lambda held: len(held.segments) >= segments)

    async def until_receipted(self, segments: int) -> None:
        """Until the phone has written down so many receipts."""
        await self._until_held(lambda held: len(held.receipts) >= segments)

    async def until_recording(self) -> None:
        """Until the phone has written some of a segment that is not whole yet."""
        await self._until_held(lambda held: held.unsealed > 0)

    async def _until_held(self, reached: Callable[[PhoneFolder], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not reached(self.held()):  # noqa: ASYNC110  another process's files tell of no change
                await asyncio.sleep(0.05)

    async def export(self, sitting: str) -> Bundle:
        """The sitting's bundle."""
        path = self.folder / f"{sitting}.bundle.zip"
        await self.server.command("export", sitting, "--out", str(path))
        return Bundle(path)
