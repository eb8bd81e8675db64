"""The server as a process of its own: killed, short of disk, and used by other people's clients."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import re
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from tests.node import node
from tests.upload.raw_http import SAFETY_S, Address

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20
CONTENT = random.Random(4).randbytes(5 * MIB + 12_345)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Process:
    """A running server and how to end it."""

    def __init__(self, process: asyncio.subprocess.Process, address: Address) -> None:
        self._process, self.address = process, address

    async def end(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        async with asyncio.timeout(SAFETY_S):
            return await self._process.wait()


@asynccontextmanager
async def process(
    folder: Path, port: int = 0, limit: Callable[[], None] | None = None
) -> AsyncIterator[Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evidence_server", "tus", "--data", folder, "--port", str(port),
        stderr=asyncio.subprocess.PIPE, cwd=ROOT, preexec_fn=limit,
    )  # fmt: skip
    assert child.stderr is not None
    try:
        async with asyncio.timeout(SAFETY_S):
            while not (found := re.search(rb"127\.0\.0\.1:(\d+)/files/", await child.stderr.readline())):
                assert not child.stderr.at_eof()
        yield Process(child, Address("127.0.0.1", int(found[1])))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_killed_in_mid_patch_and_resumed(tmp_path: Path) -> None:
    async with process(tmp_path) as server:
        bare = server.address
        path = await bare.create(len(CONTENT))
        assert (await bare.patch(path, 0, CONTENT[:MIB])).offset == MIB
        async with bare.begun_patch(path, MIB, len(CONTENT) - MIB) as cut:
            await cut.send(CONTENT[MIB : 3 * MIB])
            assert await server.end(signal.SIGKILL) == -signal.SIGKILL
    async with process(tmp_path) as server:
        bare = server.address
        offset = (await bare.head(path)).offset
        assert MIB <= offset <= 3 * MIB
        assert (await bare.patch(path, offset, CONTENT[offset:])).offset == len(CONTENT)
        assert hashlib.sha256((await bare.ask("GET", path)).body).hexdigest() == DIGEST
        assert await server.end(signal.SIGTERM) == 0


async def test_finished_uploads_and_their_metadata_survive(tmp_path: Path) -> None:
    async with process(tmp_path) as server:
        path = await server.address.create(5, **{"Upload-Metadata": "filename YQ=="})
        await server.address.patch(path, 0, b"hello")
        await server.end(signal.SIGKILL)
    async with process(tmp_path) as server:
        answer = await server.address.head(path)
        assert (answer.offset, answer.headers["upload-metadata"]) == (5, "filename YQ==")
        assert (await server.address.ask("GET", path)).body == b"hello"


async def test_a_full_disk_is_507_with_nothing_advanced(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, 2 * MIB))

    async with process(tmp_path, limit=limit) as server:
        bare = server.address
        path = await bare.create(len(CONTENT))
        assert (await bare.patch(path, 0, CONTENT[:MIB])).offset == MIB
        answer = await bare.patch(path, MIB, CONTENT[MIB:])
        assert (answer.status, json.loads(answer.body)["error"]) == (507, "storage_full")
        assert int(answer.headers["retry-after"]) > 0
        assert (await bare.head(path)).offset == MIB
        small = await bare.create(5)
        assert (await bare.patch(small, 0, b"hello")).status == 204
        await server.end(signal.SIGTERM)
    async with process(tmp_path) as server:
        assert (await server.address.patch(path, MIB, CONTENT[MIB:])).offset == len(CONTENT)
        assert (await server.address.ask("GET", path)).body == CONTENT


async def test_tuspy_uploads_is_cut_by_a_kill_and_resumes(tmp_path: Path) -> None:
    client = TusClient("")
    stream = io.BytesIO(CONTENT)
    async with process(tmp_path) as server:
        client.url = f"{server.address.url}/files/"
        uploader = client.uploader(
            file_stream=stream, chunk_size=MIB, metadata={"filename": "证据"}, upload_checksum=True
        )
        await asyncio.to_thread(uploader.upload, 2 * MIB)
        assert uploader.offset == 2 * MIB
        await server.end(signal.SIGKILL)
        with pytest.raises((TusCommunicationError, TusUploadFailed)):
            await asyncio.to_thread(uploader.upload)
    async with process(tmp_path, server.address.port) as server:
        url = uploader.url
        assert url is not None
        resumed = await asyncio.to_thread(
            lambda: client.uploader(file_stream=stream, url=url, chunk_size=2 * MIB)
        )
        assert resumed.offset == 2 * MIB
        await asyncio.to_thread(resumed.upload)
        path = url.removeprefix(server.address.url)
        assert hashlib.sha256((await server.address.ask("GET", path)).body).hexdigest() == DIGEST


@pytest.mark.parametrize(
    ("chunk", "mode"), [(MIB, ""), (10 * MIB, ""), (MIB, "during"), (MIB, "override"), (10 * MIB, "defer")]
)
async def test_tus_js_client_uploads_aborts_and_resumes(
    bare: Address, tmp_path: Path, chunk: int, mode: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(CONTENT)
    client = Path(__file__).with_name("tus_client.mjs")
    child = await asyncio.create_subprocess_exec(
        node(), client, f"{bare.url}/files", file, str(chunk), mode, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        async with asyncio.timeout(SAFETY_S):
            printed, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.communicate()
    assert child.returncode == 0
    result = json.loads(printed)
    answer = await bare.ask("GET", result["url"].removeprefix(bare.url))
    assert hashlib.sha256(answer.body).hexdigest() == DIGEST
    assert "%E8%AF%81%E6%8D%AE.bin" in answer.headers["content-disposition"]
    if chunk == MIB:
        assert result["aborted"]
