"""The real command in a process of its own: killed, started again, asked for JSON."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import qrcode

from demo.frames import read_numbers
from pairing.messages import Head
from tests.phone.fake_server import NOW_MS, FakeServer, refused

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def client(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m phone_client run`, killed when the block is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "phone_client", "run", "--buffer", str(folder), "--json", "--lang", "en",
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def finished(process: asyncio.subprocess.Process) -> tuple[int | None, dict[str, Any], str]:
    """Exit code, the one JSON object, and what was told."""
    async with asyncio.timeout(60):
        out, told = await process.communicate()
    return process.returncode, json.loads(out), told.decode()


async def heard(process: asyncio.subprocess.Process, words: str) -> None:
    """Wait until the client has said something."""
    if process.stderr is None:
        raise RuntimeError("the client's words are not kept")
    async with asyncio.timeout(60):
        while words not in (line := (await process.stderr.readline()).decode()):
            if not line:
                raise EOFError(f"the client ended without saying {words}")


def numbers(server: FakeServer, run: int) -> list[int | None]:
    """The numbers of the pictures that the server has of a run."""
    heads = sorted((head.offset, name) for name, head in server.heads.items() if head.link.run == run)
    stream = b"".join(server.stored[name] for _, name in heads)
    return [number for _, number in read_numbers(io.BytesIO(stream))]


async def test_a_kill_while_recording_costs_less_than_a_second_and_the_same_command_goes_on(
    camera: Path, tmp_path: Path
) -> None:
    buffer = tmp_path / "buffer"
    async with FakeServer().serving() as server:
        arguments = ("--link", server.link, "--camera", str(camera))
        async with client(buffer, *arguments) as first:
            await server.until(lambda: server.phone is not None)
            await server.confirm()
            await server.until(lambda: len(server.heads) == 1)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        acknowledged = set(server.heads)
        async with client(buffer, *arguments) as second:
            await server.until(lambda: any(head.link.run == 2 for head in server.heads.values()))
            await server.end(NOW_MS + 3_600_000)
            await server.until(lambda: bool(server.manifests) and len(server.stored) == len(server.heads))
            await server.decide("complete")
            code, told, _ = await finished(second)
    assert (code, told["verdict"], told["segments"]["owed"]) == (0, "complete", 0)
    assert acknowledged <= set(server.stored)
    for run in (1, 2):
        seen = numbers(server, run)
        assert seen == list(range(len(seen)))
    assert len(numbers(server, 1)) >= 4 * 15
    notes = server.notes
    assert [(note.link.run, note.note, note.cause) for note in notes] == [
        (1, "gap_begin", "crash"), (2, "gap_end", "crash"), (2, "stop", "stopped"),
    ]
    last = max(
        (head for head in server.heads.values() if head.link.run == 1), key=lambda head: head.offset
    )
    assert isinstance(last, Head)
    assert last.mono_ms[1] == notes[0].mono_ms


async def test_bound_by_a_picture_and_left_early_it_says_what_is_owed_and_goes_on_later(
    camera: Path, tmp_path: Path
) -> None:
    buffer = tmp_path / "buffer"
    async with FakeServer().serving() as server:
        qrcode.make(server.link).save(tmp_path / "qr.png")
        arguments = ("--qr", str(tmp_path / "qr.png"), "--camera", str(camera))
        async with client(buffer, *arguments) as process:
            await heard(process, "Recording.")
            process.send_signal(signal.SIGTERM)
            code, told, said = await finished(process)
        assert (code, told["verdict"]) == (1, None)
        assert told["segments"]["owed"] == told["segments"]["recorded"] == 1
        assert "Run the same command again" in said
        async with client(buffer, *arguments, "--no-wait") as process:
            await heard(process, "Recording.")
            await server.confirm()
            await server.until(lambda: any(head.link.run == 2 for head in server.heads.values()))
            await server.end(NOW_MS + 3_600_000)
            code, told, said = await finished(process)
    assert (code, told["segments"]["owed"]) == (0, 0)
    assert [(note.note, note.cause) for note in server.notes] == [
        ("gap_begin", "stopped"), ("gap_end", "stopped"), ("stop", "stopped"),
    ]


async def test_a_phone_whose_camera_gives_nothing_claims_nothing(tmp_path: Path) -> None:
    async with FakeServer().serving() as server:
        async with client(tmp_path, "--link", server.link, "--camera", "no-such-file") as process:
            code, told, _ = await finished(process)
        assert server.asked == []
    assert code == 2
    assert "can't be opened" in told["says"]


async def test_a_claim_that_lapsed_gives_way_to_the_next_code_and_the_recording_stays(
    camera: Path, tmp_path: Path
) -> None:
    async with FakeServer().serving() as server:
        async with client(tmp_path, "--link", server.link, "--camera", str(camera)) as process:
            await heard(process, "Recording.")
            server.stage = "lapsed"
            await server.tell()
            code, told, _ = await finished(process)
        assert (code, told["error"]) == (1, "claim_lapsed")
        server.stage = "claimed"
        server.claims.clear()
        another = server.link.replace("dGlja2V0", "YW5vdGhlcg")
        async with client(tmp_path, "--link", another, "--camera", str(camera), "--no-wait") as process:
            await heard(process, "Recording.")
            await server.confirm()
            await server.end(NOW_MS + 3_600_000)
            code, told, _ = await finished(process)
    assert code == 0
    assert {head.link.run for head in server.heads.values()} == {1, 2}


async def test_a_server_that_refuses_the_code_is_told_in_words(camera: Path, tmp_path: Path) -> None:
    async with FakeServer().serving() as server:
        server.fail("POST /v1/claims", refused("code_unknown"))
        arguments = ("--code", "0000-0000-0", "--server", server.base, "--camera", str(camera))
        async with client(tmp_path, *arguments) as process:
            code, told, said = await finished(process)
    assert (code, told["error"]) == (2, "code_unknown")
    assert "There is no such binding code." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "not bound yet"),
        (["--link", "http://127.0.0.1:9/p/#t=dGlja2V0"], "Give --camera"),
        (["--link", "x", "--code", "y"], "exactly one"),
        (["--code", "0000-0000-0"], "needs --server"),
        (["--link", "https://exam.example/"], "not a valid binding QR code"),
        (["--code", "1234", "--server", "http://127.0.0.1:9"], "mistyped"),
    ],
)
async def test_what_cannot_be_done_is_said_and_exits_2(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    async with client(tmp_path, *arguments) as process:
        code, told, words = await finished(process)
    assert code == 2
    assert said in told["says"]
    assert said in words
