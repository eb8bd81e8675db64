"""The worker as a process: started, asked, ended, and its way of dying told apart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evidence_server.media.limits import Limits
from evidence_server.media.measurement import Problem
from evidence_server.media.wire import HEAD_LENGTH_BYTES, WireError, head_length, pack, unpack

#: How much of the worker's last words is kept.
_LAST_WORDS_BYTES = 2000


class MediaWorkerError(Exception):
    """The worker could not be run, or was stuck: not the media's fault. Measure again later."""


class WorkerDiedError(Exception):
    """The worker ended in the middle of a request."""

    def __init__(self, problem: Problem | None, detail: str) -> None:
        """``problem`` is what it died of if that can be the media's doing; None if somebody killed it."""
        super().__init__(detail)
        self.problem = problem


class WorkerProcess:
    """One life of the worker. Not for concurrent use."""

    def __init__(self, process: Process, limits: Limits) -> None:
        """Use :meth:`start`."""
        self._process = process
        self._limits = limits
        self._last_words = asyncio.create_task(_last_words(process))
        self.tools: dict[str, str] = {}
        """Versions that the worker works with."""

    @classmethod
    async def start(cls, program: str, limits: Limits) -> WorkerProcess:
        """Start the worker in the module ``program`` and wait until it is ready.

        Raises:
            MediaWorkerError: it does not start.
        """
        root = str(Path(__file__).parents[2])
        environment = {
            # Nothing else of the server's environment, which may hold secrets.
            "PATH": os.defpath,
            "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
            # Address space is limited: no heaps for each thread, no pools of helpers.
            "MALLOC_ARENA_MAX": "2",
            # Pictures come and go: keep their memory instead of asking the kernel for it each time.
            "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
            "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = (sys.executable, "-P", "-m", program, json.dumps(asdict(limits)))
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True
            )
        except OSError as error:
            raise MediaWorkerError(f"the media worker can't be started: {error}") from error
        worker = cls(process, limits)
        try:
            worker.tools = (await worker._exchange(b"", b"", limits.start_s))["tools"]
        except WorkerDiedError as death:
            await worker.end()
            raise MediaWorkerError(f"the media worker can't be started: {death}") from death
        except BaseException:
            await worker.end()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as is known."""
        return self._process.returncode is None

    async def ask(self, request: dict[str, Any], piece: bytes = b"") -> dict[str, Any]:
        """Send a request and its raw bytes, wait for the reply. After any exception only :meth:`end` is left.

        Raises:
            WorkerDiedError: it ended before it answered.
            MediaWorkerError: it is stuck, or talks nonsense.
        """
        return await self._exchange(pack({**request, "bytes": len(piece)}), piece, self._limits.wall_s)

    async def end(self) -> None:
        """End the process, whatever it does, and wait until it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await self._last_words
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _exchange(self, head: bytes, piece: bytes, timeout_s: int) -> dict[str, Any]:
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(head, piece)
                reply = await self._receive()
        except TimeoutError as error:
            raise MediaWorkerError(f"the media worker gave no answer in {timeout_s} s") from error
        except WireError as error:
            raise MediaWorkerError(f"the media worker talks nonsense: {error}") from error
        if "fatal" in reply:
            code = str(reply["fatal"])
            detail = f"reading it took more than {self._limits.address_space_bytes} bytes of memory"
            raise WorkerDiedError(Problem(code, detail), detail)
        return reply

    async def _send(self, head: bytes, piece: bytes) -> None:
        if self._process.stdin is None:
            raise MediaWorkerError("the media worker has no input")
        # A worker that died is noticed, with its way of dying, where its answer is missing.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(head)
            self._process.stdin.write(piece)
            await self._process.stdin.drain()

    async def _receive(self) -> dict[str, Any]:
        if self._process.stdout is None:
            raise MediaWorkerError("the media worker has no output")
        try:
            prefix = await self._process.stdout.readexactly(HEAD_LENGTH_BYTES)
            return unpack(await self._process.stdout.readexactly(head_length(prefix)))
        except asyncio.IncompleteReadError:
            code = await self._process.wait()
            words = (await self._last_words).strip().rpartition("\n")[2]
            raise _death(code, words) from None


async def _last_words(process: Process) -> str:
    kept = b""
    if process.stderr is not None:
        while chunk := await process.stderr.read(_LAST_WORDS_BYTES):
            kept = (kept + chunk)[-_LAST_WORDS_BYTES:]
    return kept.decode(errors="replace")


def _death(code: int, words: str) -> WorkerDiedError:
    if code == -signal.SIGXCPU:
        detail = "reading it took too much processor time"
        return WorkerDiedError(Problem("time_limit", detail), detail)
    if code in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
        return WorkerDiedError(None, f"killed by {signal.Signals(-code).name}")
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
    detail = f"reading it ended the reader {how}{': ' if words else ''}{words}"
    return WorkerDiedError(Problem("undecodable", detail), detail)
